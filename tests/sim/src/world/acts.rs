//! What each step does.

use fastrand::Rng;
use headwater_core::client::{Decision, Purpose, Settings};
use headwater_test_shell::{Call as ShellCall, Event, EventKind, Flaw, Happening};

use super::{World, device::entropy};
use crate::{
    behind::store::Failure,
    schedule::{Act, Call, DEVICES, Hop, Life, Page, Remote, SLOTS, Step},
    trace::Lane,
};

impl World<'_> {
    pub(super) fn take_step(&mut self, step: &Step) {
        let mut rng = Rng::with_seed(step.seed);
        match step.act {
            Act::Adopt { page, lag } => self.adopt(page, lag.into()),
            Act::Call { page, call, count } => {
                for at in 0..count {
                    self.call(page, &shell_call(call, step.seed, at, &mut rng));
                }
            }
            Act::Close { page } => self.tell(page, Happening::Terminating),
            Act::Consent { page, purpose, decision } => self.decide(page, purpose, decision),
            Act::Erase { page } => {
                if self.page_mut(page).is_some() {
                    self.devices[usize::from(page.device)].excuses.denied = true;
                    self.tell(page, Happening::Erase);
                }
            }
            Act::Flush { page } => self.tell(page, Happening::Flush),
            Act::Fork { page, to } => self.fork(page, to, step.seed),
            Act::Kill { page } => self.kill(page),
            Act::Life { page, life } => self.tell(page, happening(life)),
            Act::Open { page, lag, ignores } => {
                if self.open(page, step.seed) && !ignores {
                    self.adopt(page, lag.into());
                }
            }
            Act::Reset { page } => self.call(page, &ShellCall::Reset),
            Act::Settings { page, settings } => self.set(page, settings),
            Act::Wake { page } => self.wake(page),
            Act::Wait { ms } => self.advance(self.now + ms),
            act => self.happen_to_a_device(act, &mut rng, step.seed),
        }
    }

    fn happen_to_a_device(&mut self, act: Act, rng: &mut Rng, seed: u64) {
        match act {
            Act::Clear { device } => {
                let taken = self.devices[usize::from(device)].disk.clear();
                self.take_back(&taken);
            }
            Act::Clock { device, by_ms } => {
                self.devices[usize::from(device)].clock += by_ms;
                self.oracle.clock_moved();
            }
            Act::Copy { device } => self.copy(device),
            Act::Fill { device, on } => {
                let device = &mut self.devices[usize::from(device)];
                device.disk.fill(on);
                device.excuses.failed |= on;
            }
            Act::KillAt { device, writes, percent } => {
                self.devices[usize::from(device)].disk.kill_at(writes.into(), percent.into());
            }
            Act::Leave { device } => self.leave(device),
            Act::PowerLoss { device } => self.lose_power(device, rng.usize(0..6)),
            Act::RollBack { device, writes } => {
                let before = self.denied_on(device);
                let taken = self.devices[usize::from(device)].disk.roll_back(writes.into());
                self.take_back(&taken);
                self.take_back_denials(device, before);
            }
            Act::Upgrade { device } => {
                let device = &mut self.devices[usize::from(device)];
                device.version = if device.version == 1 { 2 } else { 1 };
                device.newest = device.newest.max(device.version);
            }
            act => self.happen_behind(act, seed),
        }
    }

    fn happen_behind(&mut self, act: Act, seed: u64) {
        match act {
            Act::Arm { hop: Hop::Broker, fate, count } => {
                if let Some(stage) = self.stage.bridged() {
                    stage.arm(fate, count);
                }
            }
            Act::Arm { hop, fate, count } => self.fates.arm(hop, fate, count),
            Act::Backup => self.stage.back_up(),
            Act::Broker { is_up } => {
                let now = self.now;
                if let Some(stage) = self.stage.bridged() {
                    stage.set_broker(now, is_up);
                }
            }
            Act::CommitFails { done, count } => {
                let failure = if done { Failure::After } else { Failure::Before };
                self.stage.fail_commits(count, failure);
            }
            Act::CrashEdge { edge } => {
                let edge = usize::from(edge) % self.edges.len();
                self.edges[edge].crash();
                self.trace.message(self.now, Lane::Edge, Lane::Edge, || format!("edge {edge} crashes"));
            }
            Act::CrashStage => {
                let (stage, mut watch) = self.stage();
                stage.crash(&mut watch, seed);
                self.advance_stage();
            }
            Act::CrashStore => {
                let (stage, mut watch) = self.stage();
                stage.crash_store(&mut watch);
            }
            Act::Gaps => self.send_gaps(seed),
            Act::Partition { more } => {
                if let Some(stage) = self.stage.bridged() {
                    stage.add_partitions(more);
                }
            }
            Act::Pause { ms } => {
                let until = self.now + u64::from(ms);
                if self.stage.pause(until) {
                    self.paused_until = until;
                }
            }
            Act::Recreate { kept, from_zero } => {
                let (stage, mut watch) = self.stage();
                if let Some(stage) = stage.bridged() {
                    stage.recreate(&mut watch, kept, from_zero);
                }
            }
            Act::Restore { log } => {
                let (stage, mut watch) = self.stage();
                stage.restore(&mut watch, log);
                self.advance_stage();
            }
            Act::Retention { kept } => {
                let (stage, mut watch) = self.stage();
                stage.retain(&mut watch, kept);
            }
            _ => unreachable!("every other act is a page's or a device's: {act:?}"),
        }
    }

    fn decide(&mut self, page: Page, purpose: u8, decision: Decision) {
        if let Some(live) = self.page_mut(page) {
            live.denied[usize::from(purpose)] = decision == Decision::Denied;
            live.is_deciding = true;
            let device = &mut self.devices[usize::from(page.device)];
            device.excuses.denied |= decision == Decision::Denied;
            device.undenied[usize::from(purpose)] = false;
            if decision == Decision::Granted {
                device.undeny(purpose.into());
            }
            self.call(page, &ShellCall::Consent(Purpose(purpose), decision));
            if let Some(live) = self.page_mut(page) {
                live.is_deciding = false;
            }
        }
    }

    /// What the device stores is put on another, in place of what that stored, whose pages are gone.
    fn copy(&mut self, from: u8) {
        let to = (from + 1) % DEVICES;
        if self.devices[usize::from(to)].has_left {
            return;
        }
        for slot in 0..SLOTS {
            self.kill(Page { device: to, slot });
        }
        let taken = self.devices[usize::from(to)].disk.clear();
        self.take_back(&taken);
        self.devices[usize::from(to)].asleep.clear();
        let (disk, device) = (self.devices[usize::from(from)].disk.copy(), &self.devices[usize::from(from)]);
        let (version, newest, excuses) = (device.version, device.newest, device.excuses);
        let (queue_bytes, is_struck) = (device.queue_bytes, device.is_struck);
        let device = &mut self.devices[usize::from(to)];
        device.disk = disk;
        (device.version, device.newest, device.queue_bytes) =
            (version, device.newest.max(newest), queue_bytes);
        device.is_struck |= is_struck;
        device.undenied = Default::default();
        device.excuses.denied |= excuses.denied;
        device.excuses.failed |= excuses.failed;
        device.excuses.stopped |= excuses.stopped;
    }

    fn fork(&mut self, page: Page, to: u8, seed: u64) {
        let now = self.now_of(page.device);
        let device = &mut self.devices[usize::from(page.device)];
        if to == page.slot || device.slots[usize::from(to)].is_some() {
            return;
        }
        if let Some(live) = &mut device.slots[usize::from(page.slot)] {
            let denied = live.denied;
            let child = live.shell.fork(&mut device.disk, now, entropy(seed));
            self.settle_in(Page { slot: to, ..page }, child);
            let remembers = !self.setup.stores;
            if let Some(child) = self.page_mut(Page { slot: to, ..page }).filter(|_| remembers) {
                child.denied = denied;
            }
            self.listen(page);
        }
    }

    fn leave(&mut self, device: u8) {
        let device = &mut self.devices[usize::from(device)];
        device.has_left = true;
        device.asleep.clear();
        // Whatever its pages hold stays with it.
        for slot in &mut device.slots {
            if let Some(live) = slot.take() {
                for stream in live.shell.own_streams() {
                    self.oracle.left(stream.as_u128());
                }
            }
        }
    }

    fn lose_power(&mut self, device: u8, unflushed: usize) {
        for slot in 0..SLOTS {
            self.kill(Page { device, slot });
        }
        self.devices[usize::from(device)].asleep.clear();
        let taken = self.devices[usize::from(device)].disk.power_loss(unflushed);
        self.take_back(&taken);
    }

    fn set(&mut self, page: Page, remote: Remote) {
        let mut settings = Settings::default();
        match remote {
            Remote::Default => {}
            Remote::RateCap(calls) => settings.calls_per_minute = calls.into(),
            Remote::Sample(of) => settings.sample = of.into(),
            Remote::SmallQueue(bytes) => settings.queue_bytes = bytes.into(),
            Remote::Stop(minutes) => settings.stop_ms = u32::from(minutes) * 60_000,
        }
        if self.page_mut(page).is_some() {
            if settings.queue_bytes > 0 {
                let device = &mut self.devices[usize::from(page.device)];
                device.queue_bytes = device.queue_bytes.min(settings.queue_bytes.into());
            }
            self.tell(page, Happening::Settings(settings));
        }
    }
}

/// A call whose text nobody else makes.
fn shell_call(call: Call, seed: u64, at: u8, rng: &mut Rng) -> ShellCall {
    let name = format!("{seed:x}.{at}");
    let number = (seed << 8 | u64::from(at)).to_string();
    let one = |key: &'static str| vec![(key.into(), number.clone().into())];
    match call {
        Call::Exposure => ShellCall::Exposure(name.into(), "b".into()),
        Call::Group => ShellCall::Group(name.into(), Vec::new()),
        Call::Identify(who) => ShellCall::Identify(format!("u{who}").into(), one("n")),
        Call::Large(bytes) => {
            let text = format!("\"{}\"", "x".repeat(bytes.into()));
            let props = vec![("text".into(), text.into())];
            ShellCall::Event(Event { name: name.into(), props, ..Event::default() })
        }
        Call::Marketing => {
            ShellCall::Event(Event { name: name.into(), purpose: Purpose(1), ..Event::default() })
        }
        Call::Page => ShellCall::Event(Event {
            kind: EventKind::Page,
            name: format!("/p/{name}?utm_source=x").into(),
            ..Event::default()
        }),
        Call::Poison => {
            let flaw = Some([Flaw::Deep, Flaw::LongName, Flaw::Ahead][rng.usize(0..3)]);
            ShellCall::Event(Event { name: format!("poison{name}").into(), flaw, ..Event::default() })
        }
        Call::Purchase => ShellCall::revenue(name, 4_200, "EUR"),
        Call::Register => ShellCall::Register("n".into(), number.into()),
        Call::Set => ShellCall::Set(one("n"), Vec::new(), Vec::new()),
        Call::Track => ShellCall::track(name),
    }
}

fn happening(life: Life) -> Happening {
    match life {
        Life::Hidden => Happening::Hidden,
        Life::MemoryPressure => Happening::MemoryPressure,
        Life::Offline => Happening::Online(false),
        Life::Online => Happening::Online(true),
        Life::Visible => Happening::Visible,
    }
}

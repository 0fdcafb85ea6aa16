//! What happens to a page: it is opened, told, made to call and to adopt, killed, woken.

use headwater_core::{
    client::Decision,
    time::{Instant, UnixMs},
};
use headwater_schema::Uuid;
use headwater_test_shell::{Called, Happening, Now, Shell, Taken};

use super::{
    EPOCH, World,
    device::{Device, Live, PURPOSES, entropy},
};
use crate::{schedule::Page, trace::Lane};

/// What a page without locks takes for a dead owner's, ms.
pub(crate) const OLD_MS: u64 = 60_000;

impl World<'_> {
    /// Opens a page in a free slot.
    pub(super) fn open(&mut self, page: Page, seed: u64) -> bool {
        let now = self.now_of(page.device);
        let device = &mut self.devices[usize::from(page.device)];
        if device.has_left || device.slots[usize::from(page.slot)].is_some() {
            return false;
        }
        self.shell_setup.journal_version = device.version;
        let shell = Shell::open(&mut device.disk, &self.shell_setup, now, entropy(seed));
        self.settle_in(page, shell);
        true
    }

    /// Puts a shell into a slot.
    pub(super) fn settle_in(&mut self, page: Page, shell: Shell) {
        self.births += 1;
        let denied = self.denied_on(page.device);
        let live = Live::new(shell, self.births, denied);
        self.devices[usize::from(page.device)].slots[usize::from(page.slot)] = Some(live);
        self.trace.message(self.now, Lane::Page, Lane::Page, || format!("{page} opens"));
        self.listen(page);
    }

    /// The purposes that are denied, as far as a device knows.
    pub(super) fn denied_on(&self, device: u8) -> [bool; PURPOSES] {
        let mut denied = [self.setup.consent == Decision::Denied; PURPOSES];
        let disk = &self.devices[usize::from(device)].disk;
        for (purpose, denied) in (0..).zip(&mut denied) {
            if let Some(decision) = Shell::stored_decision(disk, purpose).filter(|_| self.setup.stores) {
                *denied = decision == Decision::Denied;
            }
        }
        denied
    }

    /// Tells a page something and hears what it makes of it.
    pub(super) fn tell(&mut self, page: Page, what: Happening) {
        let now = self.now_of(page.device);
        let Device { disk, slots, .. } = &mut self.devices[usize::from(page.device)];
        if let Some(live) = &mut slots[usize::from(page.slot)] {
            live.shell.tell(disk, now, what);
            self.listen(page);
        }
    }

    /// A page makes a call.
    pub(super) fn call(&mut self, page: Page, call: &headwater_test_shell::Call) {
        let now = self.now_of(page.device);
        let Device { disk, slots, .. } = &mut self.devices[usize::from(page.device)];
        let Some(live) = &mut slots[usize::from(page.slot)] else { return };
        let called = live.shell.call(disk, now, call);
        self.listen(page);
        self.judge_queue(page);
        match called {
            Called::Died { name: Some((stream, seq)) } => {
                let world = EPOCH + self.now;
                self.oracle.died_writing(stream.as_u128(), seq, now.unix.0, world);
            }
            Called::Refused(verdict) => {
                self.trace.message(self.now, Lane::Page, Lane::Page, || {
                    format!("{page}: refused, {}", verdict.as_str())
                });
            }
            Called::Held => self.trace.message(self.now, Lane::Page, Lane::Page, || format!("{page}: held")),
            _ => {}
        }
    }

    /// A page adopts what is free, as it was `lag` writes ago.
    pub(super) fn adopt(&mut self, page: Page, lag: usize) {
        let now = self.now_of(page.device);
        let free = self.free_streams(page);
        let Device { disk, slots, .. } = &mut self.devices[usize::from(page.device)];
        let Some(live) = &mut slots[usize::from(page.slot)] else { return };
        if !free.is_empty() {
            let view = disk.view(lag);
            live.shell.adopt(disk, &view, now, &free);
            self.listen(page);
        }
    }

    /// The streams whose owners are dead, as far as a page can tell.
    fn free_streams(&self, page: Page) -> Vec<Uuid> {
        let device = &self.devices[usize::from(page.device)];
        let mut free = device.disk.streams();
        if self.setup.locks {
            for live in device.pages() {
                let held = live.shell.streams();
                free.retain(|stream| !held.contains(stream));
            }
        } else if let Some(live) = &device.slots[usize::from(page.slot)] {
            let own = live.shell.own_streams();
            let is_old = |stream: &Uuid| {
                let written = self.oracle.book(stream.as_u128()).map_or(0, |book| book.written_at);
                self.now.saturating_sub(written) >= OLD_MS
            };
            free.retain(|stream| !own.contains(stream) && is_old(stream));
        }
        free
    }

    /// Kills a page between two writes.
    pub(super) fn kill(&mut self, page: Page) {
        let Some(live) = self.page_mut(page) else { return };
        live.shell.kill();
        self.listen(page);
    }

    /// A page that was closed is shown again. It begins anew, so nothing that was on its way finds it.
    pub(super) fn wake(&mut self, page: Page) {
        let denied = self.denied_on(page.device);
        let device = &mut self.devices[usize::from(page.device)];
        let slot = &mut device.slots[usize::from(page.slot)];
        let Some(at) = device.asleep.iter().position(|(of, _)| *of == page.slot) else { return };
        if slot.is_none() && !device.has_left {
            let (_, mut live) = device.asleep.swap_remove(at);
            self.births += 1;
            live.birth = self.births;
            live.outstanding.clear();
            live.held.clear();
            if self.setup.stores {
                live.denied = denied;
            }
            *slot = Some(live);
            self.trace.message(self.now, Lane::Page, Lane::Page, || format!("{page} is there again"));
            self.tell(page, Happening::Restored);
        }
    }

    /// What a platform took back.
    pub(super) fn take_back(&mut self, taken: &Taken) {
        for of in &taken.streams {
            let stream = of.stream.as_u128();
            let names = of.names.iter().flat_map(|(from, to, _)| *from..*to);
            self.oracle.taken(stream, of.bodies.iter().copied().chain(names));
            // It went, or what was removed after it is there again.
            if !of.header.1 {
                self.oracle.beheaded(stream);
            }
            let label = self.oracle.label(stream);
            self.trace.message(self.now, Lane::Disk, Lane::Disk, || {
                let (bodies, names, back) = (&of.bodies, &of.names, &of.returned);
                format!("{label}: taken back {bodies:?}, names {names:?}; there again {back:?}")
            });
        }
    }

    /// A denial that the platform took back is not known any more: pages read the grant before it, also those that
    /// have yet to hear of the denial.
    pub(super) fn take_back_denials(&mut self, device: u8, before: [bool; PURPOSES]) {
        let after = self.denied_on(device);
        let device = &mut self.devices[usize::from(device)];
        for purpose in (0..PURPOSES).filter(|&purpose| before[purpose] && !after[purpose]) {
            device.undeny(purpose);
        }
    }

    pub(super) fn page_mut(&mut self, page: Page) -> Option<&mut Live> {
        self.devices[usize::from(page.device)].slots[usize::from(page.slot)].as_mut()
    }

    /// Both clocks of a device.
    pub(super) fn now_of(&self, device: u8) -> Now {
        let clock = self.devices[usize::from(device)].clock;
        Now { mono: Instant(self.now), unix: UnixMs((EPOCH + self.now).saturating_add_signed(clock)) }
    }
}

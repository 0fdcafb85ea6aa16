//! The world: devices, network, edges, and what is behind them, on one clock.

mod acts;
mod bridged;
mod conservation;
mod counter;
mod device;
mod edge;
mod embedded;
mod gaps;
mod hear;
mod limits;
mod network;
mod page;
mod queue;
mod rest;
mod stage;

use headwater_collector::Sites;
use headwater_core::client::Decision;
use headwater_test_shell::{Disk, Happening, Setup as ShellSetup, Shared};

use self::{
    device::Device,
    edge::{Edge, Pending},
    network::{Fates, Message},
    queue::Queue,
    stage::{Stage, Watch},
};
use crate::{
    breach::{Breach, Kind},
    oracle::Oracle,
    schedule::{DEVICES, Page, SLOTS, Schedule, Setup, Topology},
    trace::{Lane, Trace},
};

/// Unix ms at which every world begins.
pub(crate) const EPOCH: u64 = 1_710_320_000_000;

/// Messages of one run; a world that needs more does not come to rest.
const MOST_MESSAGES: u32 = 1_000_000;

pub(crate) struct World<'a> {
    setup: &'a Setup,
    seed: u64,
    shell_setup: ShellSetup,
    now: u64,
    messages: u32,
    /// No more faults.
    is_calm: bool,
    devices: Vec<Device>,
    births: u32,
    queue: Queue<Message>,
    fates: Fates,
    edges: Vec<Edge>,
    pending: Vec<Pending>,
    tickets: u64,
    /// When the last request left a page.
    sent_at: u64,
    sites: Sites,
    stage: Stage,
    paused_until: u64,
    /// Records that an edge's cache kept back.
    suppressed: Vec<Vec<u8>>,
    oracle: Oracle,
    trace: Trace,
}

/// Runs a schedule; what was broken first, and the diagram if it is wanted.
pub(crate) fn play(schedule: &Schedule, is_traced: bool) -> (Option<Breach>, Option<String>) {
    let mut world = World::new(schedule, Trace::new(is_traced));
    for (at, step) in schedule.steps.iter().enumerate() {
        world.oracle.begin_step(Some(at));
        world.trace.heading(|| format!("{at}. {step}"));
        world.take_step(step);
        world.judge_conservation();
        if world.oracle.is_broken() {
            break;
        }
    }
    world.oracle.begin_step(None);
    if !world.oracle.is_broken() {
        world.rest();
    }
    let World { oracle, mut trace, .. } = world;
    let breach = oracle.into_breach();
    if let Some(breach) = &breach {
        trace.heading(|| breach.to_string());
    }
    (breach, trace.into_text())
}

impl<'a> World<'a> {
    fn new(schedule: &'a Schedule, trace: Trace) -> Self {
        let setup = &schedule.setup;
        let shell_setup = device::shell_setup(setup);
        let disk = || Disk::new(device::kind_of(setup.platform), setup.capacity as usize);
        let edges = match setup.topology {
            Topology::Bridged { edges, .. } => edges.max(1),
            Topology::Embedded => 1,
        };
        Self {
            setup,
            seed: schedule.seed,
            now: 0,
            messages: 0,
            is_calm: false,
            devices: (0..DEVICES).map(|_| Device::new(disk(), &shell_setup)).collect(),
            shell_setup,
            births: 0,
            queue: Queue::new(),
            fates: Fates::default(),
            edges: (0..edges).map(|_| Edge::new(setup.seen_ranges)).collect(),
            pending: Vec::new(),
            tickets: 0,
            sent_at: 0,
            sites: Sites::open(),
            stage: Stage::new(setup.topology),
            paused_until: 0,
            suppressed: Vec::new(),
            oracle: Oracle::default(),
            trace,
        }
    }

    /// Lets everything happen that is due until `end`, and it be `end`.
    fn advance(&mut self, end: u64) {
        while let Some(at) = self.next_at().filter(|at| *at <= end) {
            self.set_now(at.max(self.now));
            self.happen();
            self.messages += 1;
            if self.messages > MOST_MESSAGES {
                self.oracle.breach(Kind::Rest, || format!("{MOST_MESSAGES} messages, and no rest"));
            }
            if self.oracle.is_broken() {
                return;
            }
        }
        self.set_now(end);
    }

    fn set_now(&mut self, now: u64) {
        self.now = now;
        self.oracle.set_now(now);
    }

    /// When something happens next.
    fn next_at(&self) -> Option<u64> {
        let stage = self.stage.next_at().map(|at| at.max(self.paused_until));
        let pages = self.devices.iter().flat_map(Device::pages).filter_map(|live| live.shell.next_at());
        self.queue.next_at().into_iter().chain(stage).chain(pages).min()
    }

    /// One thing that is due.
    fn happen(&mut self) {
        if let Some(message) = self.queue.pop(self.now) {
            return self.deliver(message);
        }
        let now = self.now;
        if now >= self.paused_until && self.stage.next_at().is_some_and(|at| at <= now) {
            return self.advance_stage();
        }
        for device in 0..DEVICES {
            for slot in 0..SLOTS {
                let page = Page { device, slot };
                let asks = self.page_mut(page).and_then(|live| live.shell.next_at());
                if asks.is_some_and(|at| at <= now) {
                    self.tell(page, Happening::Timeout);
                    let again = self.page_mut(page).and_then(|live| live.shell.next_at());
                    if again.is_some_and(|at| at <= now) {
                        self.oracle.breach(Kind::Rest, || {
                            format!("{page} asks to be woken at {again:?}, in the past")
                        });
                    }
                    return;
                }
            }
        }
    }

    fn deliver(&mut self, message: Message) {
        match message {
            Message::Answered { to, outcome } => self.told(to, outcome),
            Message::Arrives { edge, text, way } => self.receive(edge, &text, way),
            Message::Copied { records } => self.submit(None, records),
            Message::Shared { page, birth, shared } => {
                let undenied = self.devices[usize::from(page.device)].undenied;
                if let Some(live) = self.page_mut(page).filter(|live| live.birth == birth) {
                    if let Shared::Consent { purpose, decision } = shared {
                        let purpose = usize::from(purpose.0);
                        live.denied[purpose] = decision == Decision::Denied && !undenied[purpose];
                    }
                    self.trace
                        .message(self.now, Lane::Disk, Lane::Page, || format!("{page} hears of {shared:?}"));
                    self.tell(page, Happening::Shared(shared));
                }
            }
            Message::StageAnswered { ticket, result, incarnation } => {
                self.answered(ticket, result, incarnation);
            }
            Message::Submitted { ticket } => {
                if self.now < self.paused_until {
                    self.queue.push(self.paused_until, Message::Submitted { ticket });
                } else {
                    self.submitted(ticket);
                }
            }
        }
    }

    /// Records reach the stage behind, when it does not stand still.
    fn submit(&mut self, ticket: Option<u64>, records: Vec<Vec<u8>>) {
        if records.is_empty() {
            return;
        }
        if self.now < self.paused_until {
            return self.queue.push(self.paused_until, Message::Copied { records });
        }
        let (stage, mut watch) = self.stage();
        stage.submit(&mut watch, ticket, records);
        self.advance_stage();
    }

    fn advance_stage(&mut self) {
        let (stage, mut watch) = self.stage();
        stage.advance(&mut watch);
        for answer in self.stage.take_answers() {
            self.stage_answered(answer);
        }
    }

    fn stage(&mut self) -> (&mut Stage, Watch<'_>) {
        let Self { stage, oracle, trace, now, .. } = self;
        (stage, Watch { now: *now, oracle, trace })
    }
}

//! One page, app process or server process.

mod adopt;
mod append;
mod calls;
mod consent;
mod happening;
mod identity;
mod ledger;
mod obey;
mod restore;
mod send;
mod stream;

use std::collections::VecDeque;

use fastrand::Rng;
use headwater_core::{
    client::{Client, Config, Decision, Input, StreamNo},
    refusal::Refusal,
    time::{Instant, UnixMs},
};
use uuid::Uuid;

use self::{
    calls::Waiting,
    ledger::Unrecorded,
    stream::{Current, Stream},
};
pub use self::{happening::Happening, send::Sent};
use crate::{
    Fact, Identity, Setup, Shared,
    disk::{Disk, Fault, Item, Key, Kind, Room, Value},
    entry::Writer,
    text::Text,
};

/// The time on both clocks of a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Now {
    /// Monotonic; it counts from the shell's start or from anything else.
    pub mono: Instant,
    /// The wall clock, which may jump.
    pub unix: UnixMs,
}

/// A shell that keeps its promise on a [`Disk`].
///
/// Every method that takes the disk may end in the death of the shell, if [`Disk::kill_at`] said so: ask
/// [`is_dead`](Self::is_dead).
#[derive(Debug)]
#[cfg_attr(feature = "planted", derive(Clone))]
pub struct Shell {
    setup: Setup,
    client: Client,
    rng: Rng,
    life: Life,
    /// Tells this life's notes from those of others.
    writer: u32,
    stamps: u32,
    entries: Writer,
    identity: Option<Identity>,
    /// The identity as it stood on the disk when we last looked.
    identity_kept: Option<Value>,
    decisions: Vec<Decision>,
    verdict: Option<(Refusal, UnixMs)>,
    registered: Vec<(Text, Text)>,
    waiting: Vec<Waiting>,
    streams: Vec<Stream>,
    current: Vec<Current>,
    unrecorded: Vec<Unrecorded>,
    inputs: VecDeque<Input>,
    online: bool,
    hidden: bool,
    last_ts: u64,
    sync_due: Option<u64>,
    sends: Vec<Sent>,
    shared: Vec<Shared>,
    facts: Vec<Fact>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Life {
    Dead,
    /// Its page is hidden for good, or asleep in the back/forward cache.
    Left,
    Running,
}

/// The process died in a write: whatever it was about to do does not happen.
#[derive(Clone, Copy)]
struct Dead;

type Alive<T = ()> = Result<T, Dead>;

impl Shell {
    /// Starts a shell. `entropy` is what the platform draws for it, never used twice.
    #[must_use]
    pub fn open(disk: &mut Disk, setup: &Setup, now: Now, entropy: [u8; 32]) -> Self {
        let seed = entropy
            .as_chunks()
            .0
            .iter()
            .fold(0, |seed: u64, word| seed.rotate_left(9) ^ u64::from_le_bytes(*word));
        let mut rng = Rng::with_seed(seed);
        let mut shell = Self {
            client: Client::new(Config { entropy, limits: setup.limits }),
            life: Life::Running,
            writer: rng.u32(..),
            rng,
            stamps: 0,
            entries: Writer::new(disk.kind(), setup.journal_version),
            identity: None,
            identity_kept: None,
            decisions: vec![setup.consent; setup.purposes.max(1).into()],
            verdict: None,
            registered: Vec::new(),
            waiting: Vec::new(),
            streams: Vec::new(),
            current: Vec::new(),
            unrecorded: Vec::new(),
            inputs: VecDeque::new(),
            online: true,
            hidden: false,
            last_ts: 0,
            sync_due: None,
            sends: Vec::new(),
            shared: Vec::new(),
            facts: Vec::new(),
            setup: setup.clone(),
        };
        let greeted = shell.greet(disk, now);
        shell.live(greeted);
        shell
    }

    /// The child of a fork: it has its parent's memory, and begins anew.
    #[must_use]
    pub fn fork(&mut self, disk: &mut Disk, now: Now, entropy: [u8; 32]) -> Self {
        #[cfg(feature = "planted")]
        if headwater_core::planted!(ForkKeepsStream) {
            return Self { sends: Vec::new(), shared: Vec::new(), facts: Vec::new(), ..self.clone() };
        }
        // What waits for consent waits in the parent. Two processes must not append it.
        let mut child = Self::open(disk, &self.setup, now, entropy);
        child.registered.clone_from(&self.registered);
        if !self.setup.storage {
            child.identity.clone_from(&self.identity);
            child.inputs.extend(child.identity.iter().map(|id| Input::Visitor { draw: id.draw_of_sample() }));
            for (no, decision) in self.decisions.iter().enumerate() {
                let decided = child.decide(disk, now, purpose(no), *decision, false);
                child.live(decided);
            }
        }
        child
    }

    /// When to [`tell`](Self::tell) it [`Happening::Timeout`], on the monotonic clock.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        if self.life != Life::Running {
            return None;
        }
        let core = self.client.poll_timeout().map(|at| at.0);
        core.into_iter().chain(self.sync_due).min()
    }

    /// Whether its process died.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.life == Life::Dead
    }

    /// Whether its page was left: it does nothing until it is [restored](Happening::Restored), if ever.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.life == Life::Left
    }

    /// Kills its process, between two writes.
    pub fn kill(&mut self) {
        self.life = Life::Dead;
    }

    /// The streams whose locks it holds: those that it drew and has not forgotten, while it runs.
    #[must_use]
    pub fn own_streams(&self) -> Vec<Uuid> {
        let running = self.life == Life::Running;
        let own = self.streams.iter().filter(|stream| running && stream.own && !stream.forgotten);
        own.map(|stream| stream.id).collect()
    }

    /// The streams that it knows and has not forgotten, adopted ones included.
    #[must_use]
    pub fn streams(&self) -> Vec<Uuid> {
        self.streams.iter().filter(|s| !s.forgotten).map(|s| s.id).collect()
    }

    /// Events that it holds, neither settled nor named, and the bytes of their bodies.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        let held = || self.streams.iter().flat_map(|s| &s.held);
        (held().count(), held().map(|(_, body)| body.as_ref().map_or(0, |body| body.len())).sum())
    }

    /// Calls that wait for consent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Who the visitor is, if that was drawn.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The core that decides for it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The requests that left since the last look.
    pub fn take_sends(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sends)
    }

    /// What the other shells of the disk are to be told.
    pub fn take_shared(&mut self) -> Vec<Shared> {
        std::mem::take(&mut self.shared)
    }

    /// What it did since the last look.
    pub fn take_facts(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    /// Tells the core what is kept of earlier runs and by others.
    fn greet(&mut self, disk: &mut Disk, now: Now) -> Alive {
        let items = [Item::Refusal, Item::Registered, Item::Settings, Item::Session, Item::Gate];
        for item in (0..self.setup.purposes).map(Item::Consent).chain(items) {
            if let Some(shared) = self.kept(disk, item) {
                self.hear(disk, now, shared)?;
            }
        }
        match &self.identity {
            // It was drawn in an earlier life, and nothing is kept of it.
            Some(identity) if !self.setup.storage => {
                self.inputs.push_back(Input::Visitor { draw: identity.draw_of_sample() });
            }
            _ => self.recall(disk),
        }
        for (no, decision) in self.decisions.iter().enumerate() {
            if *decision != Decision::Granted {
                self.inputs.push_back(Input::Consent { purpose: purpose(no), decision: *decision });
            }
        }
        if !self.online {
            self.inputs.push_back(Input::Online(false));
        }
        if self.hidden {
            self.inputs.push_back(Input::Hidden);
        }
        self.run(disk, now)
    }

    /// Tells the core what waits to be told, and obeys, until it has nothing more to do.
    fn run(&mut self, disk: &mut Disk, now: Now) -> Alive {
        self.record_again(disk)?;
        while let Some(input) = self.inputs.pop_front() {
            self.client.handle(now.mono, now.unix, input);
            while let Some(effect) = self.client.poll() {
                self.obey(disk, now, effect)?;
            }
        }
        if self.sync_due.is_none() && disk.kind() == Kind::Phone && disk.is_unsynced() {
            self.sync_due = Some(now.mono.0 + self.setup.sync_ms);
        }
        Ok(())
    }

    fn live(&mut self, outcome: Alive) {
        if outcome.is_err() {
            self.life = Life::Dead;
            self.inputs.clear();
        }
    }

    /// Whether the write returned well.
    fn put(disk: &mut Disk, key: Key, bytes: &[u8], room: Room) -> Alive<bool> {
        match disk.put(key, bytes, room) {
            Ok(()) => Ok(true),
            Err(Fault::Died) => Err(Dead),
            Err(Fault::Full) => Ok(false),
        }
    }

    fn remove(disk: &mut Disk, key: Key) -> Alive {
        disk.remove(key).map_err(|_| Dead)
    }

    fn stream(&self, no: StreamNo) -> &Stream {
        &self.streams[no.0 as usize]
    }

    fn stream_mut(&mut self, no: StreamNo) -> &mut Stream {
        &mut self.streams[no.0 as usize]
    }
}

fn purpose(no: usize) -> headwater_core::client::Purpose {
    headwater_core::client::Purpose(u8::try_from(no).expect("a site has at most 32 purposes"))
}

fn number(index: usize) -> StreamNo {
    StreamNo(u32::try_from(index).expect("a shell knows few streams"))
}

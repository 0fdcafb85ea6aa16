//! Devices and the pages that live on them.

use fastrand::Rng;
use headwater_core::client::{Decision, Limits};
use headwater_test_shell::{Disk, Kind, Setup as ShellSetup, Shell};

use crate::{
    oracle::Taker,
    schedule::{Platform, SLOTS, Setup},
};

/// Purposes of the site: calls belong to the first, unless they are for marketing.
pub(crate) const PURPOSES: usize = 2;

/// A device, and what explains losses on it.
pub(crate) struct Device {
    pub(crate) disk: Disk,
    pub(crate) slots: [Option<Live>; SLOTS as usize],
    /// Its wall clock is so far from the world's, ms.
    pub(crate) clock: i64,
    /// It is never heard of again.
    pub(crate) has_left: bool,
    /// The version of the SDK that its next page has.
    pub(crate) version: u8,
    /// The newest it ever had.
    pub(crate) newest: u8,
    /// The smallest queue that its pages were told to have, bytes.
    pub(crate) queue_bytes: u64,
    pub(crate) excuses: Taker,
    /// Pages that were closed, and may be shown again.
    pub(crate) asleep: Vec<(u8, Live)>,
    /// A page died in a write, so names may be on the disk that nobody told of.
    pub(crate) is_struck: bool,
    /// Purposes whose latest denial the visitor or the platform took back: what pages have yet to hear of it, the disk
    /// no longer says.
    pub(crate) undenied: [bool; PURPOSES],
}

/// A page or process that runs.
pub(crate) struct Live {
    pub(crate) shell: Shell,
    pub(crate) birth: u32,
    /// Requests that it waits for.
    pub(crate) outstanding: Vec<Flight>,
    /// Purposes that are denied, as far as it knows.
    pub(crate) denied: [bool; PURPOSES],
    /// The visitor decides just now: events may leave until it is done.
    pub(crate) is_deciding: bool,
    /// Its own streams: purpose, and whether their events outlive others.
    pub(crate) lanes: Vec<(u128, usize, bool)>,
    /// An event that outlives others was given up for room.
    pub(crate) gave_up_precious: bool,
    /// Streams that it has in memory alone.
    pub(crate) in_memory: Vec<u128>,
    /// Own events that it holds, and their bytes.
    pub(crate) held: Vec<(u128, u32, usize)>,
}

/// A request without an answer.
pub(crate) struct Flight {
    pub(crate) request: u32,
    pub(crate) stream: u128,
    /// It does not end with its page.
    pub(crate) outlives: bool,
}

impl Device {
    pub(crate) fn new(disk: Disk, setup: &ShellSetup) -> Self {
        let limits = setup.limits;
        let denied = setup.consent == Decision::Denied;
        Self {
            disk,
            slots: [const { None }; SLOTS as usize],
            clock: 0,
            has_left: false,
            version: 1,
            newest: 1,
            queue_bytes: limits.queue_bytes.into(),
            excuses: Taker { denied, max_age_ms: limits.max_age_ms.into(), ..Taker::default() },
            asleep: Vec::new(),
            is_struck: false,
            undenied: [false; PURPOSES],
        }
    }

    /// A denial is taken back: each page may read that from the disk at any time.
    pub(crate) fn undeny(&mut self, purpose: usize) {
        self.undenied[purpose] = true;
        self.slots.iter_mut().flatten().for_each(|live| live.denied[purpose] = false);
    }

    /// Whether what it holds will be sent. After a 410 nothing is, also not the names.
    pub(crate) fn comes_back(&self) -> bool {
        !self.has_left && !self.excuses.stopped
    }

    pub(crate) fn pages(&self) -> impl Iterator<Item = &Live> {
        self.slots.iter().flatten()
    }
}

impl Live {
    pub(crate) fn new(shell: Shell, birth: u32, denied: [bool; PURPOSES]) -> Self {
        Self {
            shell,
            birth,
            outstanding: Vec::new(),
            denied,
            is_deciding: false,
            lanes: Vec::new(),
            gave_up_precious: false,
            in_memory: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Own events that it holds, and their bytes.
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.held.len(), self.held.iter().map(|(_, _, bytes)| bytes).sum())
    }

    /// Bytes of its newest event.
    pub(crate) fn newest(&self) -> usize {
        self.held.last().map_or(0, |(_, _, bytes)| *bytes)
    }

    /// How many own events it holds that others outlive.
    pub(crate) fn ordinary(&self) -> usize {
        self.held.iter().filter(|(of, ..)| !self.is_precious(*of)).count()
    }

    pub(crate) fn is_precious(&self, stream: u128) -> bool {
        self.lanes.iter().any(|(lane, _, precious)| *lane == stream && *precious)
    }
}

pub(crate) fn kind_of(platform: Platform) -> Kind {
    match platform {
        Platform::Phone => Kind::Phone,
        Platform::Web => Kind::Web,
    }
}

/// What pages are opened with.
pub(crate) fn shell_setup(setup: &Setup) -> ShellSetup {
    let mut limits = Limits::default();
    if setup.queue_bytes > 0 {
        limits.queue_bytes = setup.queue_bytes;
    }
    if setup.queue_events > 0 {
        limits.queue_events = setup.queue_events;
    }
    ShellSetup {
        site: "site-1".into(),
        limits,
        consent: setup.consent,
        purposes: u8::try_from(PURPOSES).expect("two"),
        storage: setup.stores,
        waiting_max: if setup.waits_for_consent { 4 } else { 0 },
        segment_entries: 2,
        ..ShellSetup::default()
    }
}

/// What the platform draws for a page.
pub(crate) fn entropy(seed: u64) -> [u8; 32] {
    let mut entropy = [0; 32];
    Rng::with_seed(seed).fill(&mut entropy);
    entropy
}

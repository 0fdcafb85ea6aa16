//! What happens in a world, fully written out: a step carries all it needs, so that taking others away leaves its
//! meaning alone.

mod draw;
mod fates;
mod text;

use headwater_core::{client::Decision, session::INACTIVITY_MS};

pub use self::fates::{Fate, Hop};

/// Devices of a world: the visitor's, and what copies and restored backups are put on.
pub const DEVICES: u8 = 3;

/// Pages that a device shows at once.
pub const SLOTS: u8 = 4;

/// Most edges of a world.
pub const EDGES: u8 = 3;

/// A world and what happens in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Where it comes from.
    pub seed: u64,
    /// What is there at the start, and for good.
    pub setup: Setup,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// What is there at the start, and for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Whose rules storage follows.
    pub platform: Platform,
    /// Whether the platform tells which owners are dead. Without, a page takes what is older than a minute for a
    /// dead page's.
    pub locks: bool,
    /// Whether anything is kept on the device at all.
    pub stores: bool,
    /// Bytes of own events that a page holds; 0 for the SDK's own limit.
    pub queue_bytes: u32,
    /// Number of own events that a page holds; 0 for the SDK's own limit.
    pub queue_events: u32,
    /// Bytes that a device's storage holds.
    pub capacity: u32,
    /// What visitors have decided before the first page.
    pub consent: Decision,
    /// Whether calls wait in memory while consent is unknown.
    pub waits_for_consent: bool,
    /// Who is behind the edges.
    pub topology: Topology,
    /// Ranges that an edge remembers; 0 for no cache.
    pub seen_ranges: u16,
    /// Milliseconds from a page to its edge, and back.
    pub latency_ms: u16,
    /// What becomes of the pages when the faults stop.
    pub ending: Ending,
}

/// Whose rules storage follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Platform {
    /// Framed entries; a torn tail is possible, and an fsync holds.
    Phone,
    /// Keys that are written whole; a killed browser loses the last of them.
    Web,
}

/// Who is behind the edges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Topology {
    /// Edges, the bridge, a topic.
    Bridged {
        /// 1 to [`EDGES`].
        edges: u8,
        /// 1 to 4 at the start.
        partitions: u8,
        /// Whether the bridge keeps what the broker does not take.
        spool: bool,
    },
    /// One machine: an edge and a log.
    Embedded,
}

/// What becomes of the pages when the faults stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// They are closed.
    Close,
    /// They are killed.
    Kill,
    /// They stay, beside the one that comes to adopt.
    Stay,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// For what the step itself draws.
    pub seed: u64,
    /// What.
    pub act: Act,
}

/// A page or process of a device. What is done to a slot with nobody in it does nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// Below [`DEVICES`].
    pub device: u8,
    /// Below [`SLOTS`].
    pub slot: u8,
}

/// What happens.
#[expect(missing_docs, reason = "the fields are named in each variant's sentence")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// `page` looks for dead owners' streams, and reads what was stored `lag` writes ago.
    Adopt { page: Page, lag: u8 },
    /// The next `count` messages of a hop fare so.
    Arm { hop: Hop, fate: Fate, count: u8 },
    /// The store is backed up, in place of the backup before.
    Backup,
    /// The broker goes away, or comes back with all it had.
    Broker { is_up: bool },
    /// `page` makes `count` calls.
    Call { page: Page, call: Call, count: u8 },
    /// Everything that `device` stores goes, under its pages.
    Clear { device: u8 },
    /// The wall clock of `device` is set.
    Clock { device: u8, by_ms: i64 },
    /// `page` is closed in peace.
    Close { page: Page },
    /// The next `count` commits of the store fail; `done` if they happened all the same.
    CommitFails { done: bool, count: u8 },
    /// The visitor decides on `page`.
    Consent { page: Page, purpose: u8, decision: Decision },
    /// What `device` stores is copied onto the next one.
    Copy { device: u8 },
    /// An edge dies and comes back: its requests get no answer, its cache is gone.
    CrashEdge { edge: u8 },
    /// What is behind the edges dies and comes back: what was not fsynced is gone.
    CrashStage,
    /// The consumer dies and comes back.
    CrashStore,
    /// An answer tells `page` to erase what is known of the visitor.
    Erase { page: Page },
    /// The storage of `device` is full, or has room again.
    Fill { device: u8, on: bool },
    /// `page` sends what it holds.
    Flush { page: Page },
    /// Somebody whose SDK is broken sends every second event of a stream, and later some of the others.
    Gaps,
    /// The process of `page` is forked into slot `to`.
    Fork { page: Page, to: u8 },
    /// `page` is killed.
    Kill { page: Page },
    /// The `writes`-th write from now on `device` kills its page; `percent` of it is kept.
    KillAt { device: u8, writes: u8, percent: u8 },
    /// `device` is never heard of again.
    Leave { device: u8 },
    /// Something in the life of `page`.
    Life { page: Page, life: Life },
    /// A page is opened; unless it `ignores` them it adopts dead owners' streams as they were `lag` writes ago.
    Open { page: Page, lag: u8, ignores: bool },
    /// The stage behind the edges stands still for so long.
    Pause { ms: u32 },
    /// The topic gets partitions.
    Partition { more: u8 },
    /// `device` loses power (a phone), or its browser is killed (the web).
    PowerLoss { device: u8 },
    /// The topic is created anew with nothing in it (`kept` 0), or with the last of what it held.
    Recreate { kept: u8, from_zero: bool },
    /// Retention removes all records but the last `kept` (of each partition), read or not.
    Retention { kept: u8 },
    /// The visitor is reset on `page`.
    Reset { page: Page },
    /// The store is restored from its backup; with the log, if there is one beside it and `log`.
    Restore { log: bool },
    /// The storage of `device` goes back by so many writes.
    RollBack { device: u8, writes: u8 },
    /// `page` gets remote settings.
    Settings { page: Page, settings: Remote },
    /// The journal of `device` gets a stream that a later version wrote.
    Upgrade { device: u8 },
    /// Time passes.
    Wait { ms: u64 },
    /// A page that was closed is shown again.
    Wake { page: Page },
}

/// A call of a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Call {
    /// A step of an experiment.
    Exposure,
    /// The visitor belongs to a group.
    Group,
    /// The visitor has a name: one of a few.
    Identify(u8),
    /// An event of so many bytes.
    Large(u16),
    /// An event for another purpose.
    Marketing,
    /// A page view.
    Page,
    /// An event that no collector accepts.
    Poison,
    /// A purchase, in a lane of its own.
    Purchase,
    /// A property on every later event.
    Register,
    /// A property of the visitor.
    Set,
    /// An event.
    Track,
}

/// Something in the life of a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Life {
    /// It is in the background.
    Hidden,
    /// The platform wants memory back.
    MemoryPressure,
    /// The network is gone.
    Offline,
    /// The network is back.
    Online,
    /// It is in front.
    Visible,
}

/// Remote settings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Remote {
    /// As if there were none.
    Default,
    /// At most so many calls in a minute.
    RateCap(u8),
    /// So many of 10,000 visitors.
    Sample(u16),
    /// A small queue, in bytes.
    SmallQueue(u16),
    /// No calls for so many minutes.
    Stop(u8),
}

/// The longest wait that is drawn: beyond the age at which clients give up.
pub const LONGEST_WAIT_MS: u64 = 40 * 24 * 3_600 * 1_000;

/// A wait that ends a session.
pub(crate) const PAUSE_MS: u64 = INACTIVITY_MS + 60_000;

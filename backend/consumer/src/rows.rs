//! What one transaction writes.

use headwater_core::ranges::Range;
use headwater_schema::{Event, Ledger};

/// Everything that is committed together.
#[derive(Debug, Default)]
pub struct Commit {
    /// New events.
    pub events: Vec<EventRow>,
    /// Ledger records that say something new.
    pub ledger: Vec<LedgerRow>,
    /// Gaps that were closed now: stream number and range.
    pub closed: Vec<(u64, Range)>,
    /// Copies that were removed.
    pub copies: Vec<CopiesRow>,
    /// Names of new things without a stream.
    pub window: Vec<WindowRow>,
    /// Records that cannot be read.
    pub dead_letters: Vec<DeadLetter>,
    /// Spans of a source that were deleted before they were read.
    pub deleted: Vec<Deleted>,
    /// How far the source was read: the parts in which this commit goes on.
    pub offsets: Vec<Offset>,
}

/// An event and the numbers of its identifiers.
#[derive(Debug)]
pub struct EventRow {
    /// Of `site_id`.
    pub site: u64,
    /// Of `client_id`.
    pub client: u64,
    /// Of `user_id`.
    pub user: Option<u64>,
    /// Of `session_id`.
    pub session: Option<u64>,
    /// Of `device_id`.
    pub device: Option<u64>,
    /// Of `stream`.
    pub stream: Option<u64>,
    /// `event_id` as a big-endian number.
    pub event_id: u128,
    /// The rest.
    pub event: Box<Event>,
}

/// A ledger record and the numbers of its identifiers.
#[derive(Debug)]
pub struct LedgerRow {
    /// Of `site_id`.
    pub site: u64,
    /// Of `client_id`.
    pub client: Option<u64>,
    /// Of `stream`.
    pub stream: Option<u64>,
    /// The rest.
    pub ledger: Ledger,
}

/// Copies of one stream (or of a site's events without one) that a commit removed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CopiesRow {
    /// The site's number.
    pub site: u64,
    /// The stream's number.
    pub stream: Option<u64>,
    /// How many.
    pub copies: u64,
    /// When the last of them was received, Unix milliseconds.
    pub received_at: i64,
}

/// The name of something without a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WindowRow {
    /// The site's number.
    pub site: u64,
    /// An event id, or the hash of a ledger record that counts drops.
    pub id: u128,
    /// Unix milliseconds.
    pub received_at: i64,
}

/// A record that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeadLetter {
    /// Where it was.
    pub part: i32,
    /// Its offset there.
    pub position: u64,
    /// Why.
    pub problem: String,
    /// Its bytes.
    pub record: Vec<u8>,
}

/// Records of a source that were deleted before they were read: the cause of events that stay unexplained.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Deleted {
    /// The source's name.
    pub source: String,
    /// Partition of a topic; 0 for the log.
    pub part: i32,
    /// The first offset that is gone.
    pub from: u64,
    /// The first offset that is there again.
    pub to: u64,
    /// When it was noticed, Unix milliseconds.
    pub noticed_at: i64,
}

/// How far one part of a source was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offset {
    /// Partition of a topic; 0 for the log.
    pub part: i32,
    /// The next record to read.
    pub next: u64,
    /// Of the record before it.
    pub fingerprint: u128,
}

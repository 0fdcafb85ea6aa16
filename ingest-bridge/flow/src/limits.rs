//! Sizes and intervals.

/// What a bridge is tuned by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// After so many milliseconds a request is answered `retry` for what has no outcome yet. Above the producer's
    /// `message.timeout.ms`, so that this is the exception, and below the senders' own time limit.
    pub answer_within_ms: u32,
    /// First and longest wait in milliseconds between tries to drain a lane, to build a producer, to open the spool;
    /// each is twice the one before.
    pub backoff_ms: (u32, u32),
    /// Bytes that are kept of a dead letter which the dead-letter topic refuses as it is.
    pub cut_letter_bytes: usize,
    /// Records a second from which a client is hot: about a tenth of what one partition carries easily.
    pub hot_per_s: u32,
    /// Milliseconds over which a client's rate is measured.
    pub hot_window_ms: u32,
    /// Bytes of records in memory. From 70 % on, nothing new is admitted. Larger than the largest request.
    pub max_bytes: usize,
    /// Records in memory; likewise.
    pub max_messages: usize,
    /// While the broker is away and there is no spool, one request in so many milliseconds is admitted to try it.
    pub probe_ms: u32,
    /// Bytes that one lane of the spool has in memory while it is drained.
    pub read_bytes: usize,
    /// Age in milliseconds at which a lane's oldest record makes it full.
    pub spool_age_ms: u64,
    /// Bytes of bodies in the spool, over all lanes, at which it is full.
    pub spool_bytes: u64,
    /// How often a record is offered that the broker refuses, before it becomes a dead letter.
    pub tries: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer_within_ms: 25_000,
            backoff_ms: (100, 10_000),
            cut_letter_bytes: 512 * 1024,
            hot_per_s: 1000,
            hot_window_ms: 10_000,
            max_bytes: 256 * 1024 * 1024,
            max_messages: 400_000,
            probe_ms: 1000,
            read_bytes: 256 * 1024,
            spool_age_ms: 24 * 60 * 60 * 1000,
            spool_bytes: 10 * 1024 * 1024 * 1024,
            tries: 3,
        }
    }
}

/// Whose records may wait in the spool while the broker is away.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SpoolPolicy {
    /// Those of senders that cannot try again (an edge without a queue of its own); the others are told to.
    CannotRetry,
    /// Nobody's: every sender is told to try again.
    #[default]
    Off,
    /// Everybody's.
    On,
}

impl SpoolPolicy {
    pub(crate) fn takes(self, can_retry: bool) -> bool {
        match self {
            Self::CannotRetry => !can_retry,
            Self::Off => false,
            Self::On => true,
        }
    }
}

/// A wait that doubles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: u32,
    longest: u32,
    next: u32,
}

impl Backoff {
    pub(crate) fn new((first, longest): (u32, u32)) -> Self {
        Self { first, longest, next: first }
    }

    /// When to try again after a failure at `now`.
    pub(crate) fn after(&mut self, now: u64) -> u64 {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.longest);
        now + u64::from(wait.max(1))
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

//! What the oracle finds.

use std::fmt;

/// A promise that was broken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Breach {
    /// Which.
    pub kind: Kind,
    /// The step during or after which it was noticed; absent once the faults had stopped.
    pub step: Option<usize>,
    /// When, in virtual milliseconds since the start.
    pub at_ms: u64,
    /// What exactly.
    pub sentence: String,
}

/// Which promise.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// The numbers of a stream do not add up.
    Accounts,
    /// Something other was counted than was accepted.
    Content,
    /// Nobody remembers an event that was accepted.
    Conservation,
    /// An event was counted twice.
    CountedTwice,
    /// Nobody wrote what was counted or named.
    Invented,
    /// The ledger says what is not so.
    Ledger,
    /// More was held or in flight than is allowed, or less was kept than had room.
    Limits,
    /// A panic.
    Panic,
    /// The state is not the fold of what was committed.
    Refold,
    /// It does not come to rest, or something is left when it does.
    Rest,
    /// With the earlier de-duplication off the totals are others.
    Totals,
    /// An event is known to exist, and its fate is not.
    Unexplained,
    /// The server does not know of an event, and the platform did not take it back.
    Unknowable,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, step, at_ms, sentence } = self;
        match step {
            Some(step) => write!(f, "{kind:?} at step {step}, {at_ms} ms: {sentence}"),
            None => write!(f, "{kind:?} after the last step, {at_ms} ms: {sentence}"),
        }
    }
}

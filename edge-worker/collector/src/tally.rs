//! What became of the events of a request.

use std::ops::AddAssign;

/// One outcome per event. **Conservation:** the outcomes of a request add up to its events.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Forwarded, and durable behind us.
    pub accepted: u64,
    /// Neither: the request is answered 503 and comes again.
    pub deferred: u64,
    /// The seen cache, or an earlier event of the same request, has the same name.
    pub duplicate: u64,
    /// Dropped by a rule of the site, and named in the ledger.
    pub filtered: u64,
    /// Can never be accepted, and named in the ledger.
    pub rejected: u64,
}

impl Tally {
    /// How many events it speaks of.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.accepted + self.deferred + self.duplicate + self.filtered + self.rejected
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.deferred += other.deferred;
        self.duplicate += other.duplicate;
        self.filtered += other.filtered;
        self.rejected += other.rejected;
    }
}

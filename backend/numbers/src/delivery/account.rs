//! The numbers of one stream, or of many.

use std::collections::BTreeMap;

/// What became of the events of one stream, or of many together. All are numbers of events.
///
/// `known = counted + lost + in_flight + unexplained`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// That exist, as far as anybody told us.
    pub known: u64,
    /// Counted exactly once.
    pub counted: u64,
    /// Arrivals that were removed because they had been counted.
    pub copies: u64,
    /// Lost, by reason.
    pub lost: BTreeMap<String, u64>,
    /// Calls refused before they became events, by verdict: not part of `known`.
    pub refused: BTreeMap<String, u64>,
    /// Not here, and it is not too late.
    pub in_flight: u64,
    /// Not here although their sender was told that they are: a fault of the server.
    pub unexplained: u64,
}

impl Account {
    /// All reasons together.
    #[must_use]
    pub fn lost_total(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Adds the account of other streams.
    pub fn add(&mut self, other: &Self) {
        self.known += other.known;
        self.counted += other.counted;
        self.copies += other.copies;
        self.in_flight += other.in_flight;
        self.unexplained += other.unexplained;
        for (reason, count) in &other.lost {
            self.lose(reason, *count);
        }
        for (verdict, count) in &other.refused {
            let all = self.refused.entry(verdict.clone()).or_default();
            // Counters are the senders' own, so a forger's may be anything.
            *all = all.saturating_add(*count);
        }
    }

    /// Takes away what [`add`](Self::add) added.
    pub fn subtract(&mut self, other: &Self) {
        self.known -= other.known;
        self.counted -= other.counted;
        self.copies -= other.copies;
        self.in_flight -= other.in_flight;
        self.unexplained -= other.unexplained;
        take(&mut self.lost, &other.lost);
        take(&mut self.refused, &other.refused);
    }

    pub(super) fn lose(&mut self, reason: &str, count: u64) {
        if count > 0 {
            *self.lost.entry(reason.to_owned()).or_default() += count;
        }
    }
}

/// Events that have no stream: outside the promise, counted all the same.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plain {
    /// Counted once.
    pub counted: u64,
    /// Removed because they had been counted.
    pub copies: u64,
    /// Dropped by the server, by reason.
    pub dropped: BTreeMap<String, u64>,
}

fn take(from: &mut BTreeMap<String, u64>, what: &BTreeMap<String, u64>) {
    for (key, count) in what {
        if let Some(left) = from.get_mut(key) {
            *left = left.saturating_sub(*count);
        }
    }
    from.retain(|_, left| *left > 0);
}

//! Which events of one stream have arrived: the one rule of de-duplication, kept per (site, stream).

mod codec;

use alloc::boxed::Box;

pub use codec::Undecodable;

use crate::ranges::{Range, RangeSet};

/// More ranges than this are not kept for one stream: a client in flight, halving and retrying, leaves a few
/// gaps; a thousand are a forger's or a fault's, and memory must not be theirs to spend.
pub const MAX_RANGES: usize = 1024;

/// What [`Seen::admit`] says of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// It arrived before, or too late (its gap was closed): it must not count.
    Copy,
    /// It is here for the first time: it counts.
    Fresh,
}

/// The sequence numbers of one stream that have arrived, and those that were given up on (*closed*) so that
/// the rest stays small. A number is in at most one of the two; closed ones are lost with the reason
/// [`TooManyGaps`](crate::reason::Reason::TooManyGaps).
///
/// A pure value: the same admissions in the same order give equal values, and an equal value says the same.
///
/// # Memory
///
/// What has arrived or is closed takes at most [`MAX_RANGES`] ranges. What is closed has no bound of its own, and needs
/// none: two ranges of it are parted by an event that was counted, or by one of the gaps that are left, which are fewer
/// than [`MAX_RANGES`]. So every further range costs an event that was admitted as [`Fresh`](Admission::Fresh) and has a
/// row of its own in the store: a forger who sends every other number makes this grow by 8 bytes for each such row. Nor
/// could it be bounded without making a count wrong: which numbers were closed is what tells, when two views are
/// [merged](Self::merge), an event that was given up on in one from an event that nobody has seen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// Arrived or closed: the set S of DESIGN's rule 6.
    settled: RangeSet,
    /// Boxed because nearly no stream ever has one.
    closed: Option<Box<RangeSet>>,
}

impl Seen {
    /// Nothing has arrived.
    #[must_use]
    pub const fn new() -> Self {
        Self { settled: RangeSet::new(), closed: None }
    }

    /// The value with these parts, as [`arrived`](Self::arrived) and [`closed`](Self::closed) gave them: for
    /// a store that reads it back. What has arrived is not closed.
    #[must_use]
    pub fn from_parts(
        arrived: impl IntoIterator<Item = Range>,
        closed: impl IntoIterator<Item = Range>,
    ) -> Self {
        let mut settled: RangeSet = arrived.into_iter().collect();
        let closed: RangeSet = closed.into_iter().flat_map(|r| settled.holes(r.0, r.1)).collect();
        settled.union(&closed);
        let mut seen = Self { settled, closed: None };
        seen.set_closed(closed);
        seen.close_gaps();
        seen
    }

    /// Decides about one arrival, and remembers it. `u32::MAX` names no event and is always a copy.
    pub fn admit(&mut self, seq: u32) -> Admission {
        if !self.settled.insert(seq) {
            return Admission::Copy;
        }
        self.close_gaps();
        Admission::Fresh
    }

    /// Whether `seq` would be a [`Copy`](Admission::Copy).
    #[must_use]
    pub fn contains(&self, seq: u32) -> bool {
        seq == u32::MAX || self.settled.contains(seq)
    }

    /// Adds what another view of the same stream knows. Idempotent; an arrival in either view wins over a
    /// closed gap in the other.
    pub fn merge(&mut self, other: &Self) {
        let mut arrived: RangeSet = self.arrived().collect();
        arrived.extend(other.arrived());
        let closed: RangeSet = self.closed().chain(other.closed()).collect();
        *self = Self::from_parts(arrived.iter(), closed.iter());
    }

    /// What has arrived, as ranges.
    pub fn arrived(&self) -> impl Iterator<Item = Range> + '_ {
        self.settled.iter().flat_map(|(from, to)| self.closed_set().holes(from, to))
    }

    /// What was given up on, as ranges.
    pub fn closed(&self) -> impl Iterator<Item = Range> + '_ {
        self.closed_set().iter()
    }

    /// Arrived or closed: the set to take names away from, when counting what is lost.
    #[must_use]
    pub const fn settled(&self) -> &RangeSet {
        &self.settled
    }

    /// How many events have arrived.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.settled.count() - self.closed_count()
    }

    /// How many were given up on.
    #[must_use]
    pub fn closed_count(&self) -> u64 {
        self.closed_set().count()
    }

    /// The number after the largest that arrived or was closed.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.settled.end()
    }

    /// Closes the lowest gaps (the oldest events, so the least likely still to come) until the rest is small
    /// enough. A gap below the first arrival is not one: it costs nothing.
    fn close_gaps(&mut self) {
        while self.settled.len() > MAX_RANGES {
            let mut ranges = self.settled.iter();
            let (Some((_, from)), Some((to, _))) = (ranges.next(), ranges.next()) else { return };
            drop(ranges);
            self.settled.insert_range(from, to);
            self.closed.get_or_insert_default().insert_range(from, to);
        }
    }

    fn closed_set(&self) -> &RangeSet {
        static NONE: RangeSet = RangeSet::new();
        self.closed.as_deref().unwrap_or(&NONE)
    }

    fn set_closed(&mut self, closed: RangeSet) {
        self.closed = if closed.is_empty() { None } else { Some(Box::new(closed)) };
    }
}

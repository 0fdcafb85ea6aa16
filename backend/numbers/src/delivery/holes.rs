//! Since when a sender believes that events are settled.

use headwater_core::ranges::Range;

use super::SPOOL_MS;
use crate::days::HOUR_MS;

/// Which `done` had been told by which hour, kept only as long as something below it is missing. Hours,
/// because an alarm after days needs no more, and a stream of a month has at most 720 of them.
///
/// Ascending in both: an entry that a `done` as large preceded says nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct DoneBy(Vec<(i64, u32)>);

impl DoneBy {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `done` was told in this hour since 1970.
    pub(super) fn add(&mut self, hour: i64, done: u32) {
        self.0.push((hour, done));
        self.0.sort_unstable_by_key(|(hour, done)| (*hour, std::cmp::Reverse(*done)));
        let mut highest = 0;
        self.0.retain(|(_, done)| {
            let higher = *done > highest;
            highest = highest.max(*done);
            higher
        });
    }

    /// Nothing below `first_missing` is missing.
    pub(super) fn forget_up_to(&mut self, first_missing: u32) {
        self.0.retain(|(_, done)| *done > first_missing);
    }

    /// How many of `range` have been below a told `done` for longer than [`SPOOL_MS`].
    pub(super) fn older_than(&self, now: i64, (from, to): Range) -> u64 {
        let told = self.0.iter().take_while(|(hour, _)| {
            let last_moment = hour.saturating_add(1).saturating_mul(HOUR_MS);
            now.saturating_sub(last_moment) > SPOOL_MS
        });
        let old = told.last().map_or(0, |(_, done)| *done);
        u64::from(old.clamp(from, to) - from)
    }
}

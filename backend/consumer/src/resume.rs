//! Where to go on in one part of a source: what was stored about it, held against what is there.

use std::ops::Range;

use crate::rows::Offset;

/// The decision of [`resume`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Resume {
    /// The records of this span were deleted before they were read: on behind it. Events that are missing may have
    /// been there.
    Deleted(Range<u64>),
    /// On at this offset, where the last commit ended.
    On(u64),
    /// From this offset, the start of what is there, because it is not what was read before. What was read before
    /// all the same is known as copies.
    Restart(u64, Mismatch),
}

/// Why a source is not the one that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mismatch {
    /// It ends before what was read: restored from a backup, or created anew.
    EndsBefore,
    /// The record before the stored offset is another one: created anew.
    Fingerprint,
}

impl Resume {
    /// The next offset to read.
    #[must_use]
    pub fn next(&self) -> u64 {
        match self {
            Self::Deleted(span) => span.end,
            Self::On(next) | Self::Restart(next, _) => *next,
        }
    }
}

/// Whether [`resume`] needs to know the record before the stored offset: it is there exactly then.
#[must_use]
pub fn is_checked(stored: Option<Offset>, bounds: &Range<u64>) -> bool {
    stored.is_some_and(|stored| bounds.start < stored.next && stored.next <= bounds.end)
}

/// Decides from the committed offset, what can be read now, and the fingerprint of the record before the committed
/// offset, if there is one. A part that was never read begins at 0.
#[must_use]
pub fn resume(stored: Option<Offset>, bounds: &Range<u64>, before: Option<u128>) -> Resume {
    let next = stored.map_or(0, |stored| stored.next);
    if next < bounds.start {
        return Resume::Deleted(next..bounds.start);
    }
    if next > bounds.end {
        return Resume::Restart(bounds.start, Mismatch::EndsBefore);
    }
    let same =
        stored.map(|stored| stored.fingerprint) == before || headwater_core::planted!(FingerprintIgnored);
    if is_checked(stored, bounds) && !same {
        return Resume::Restart(bounds.start, Mismatch::Fingerprint);
    }
    Resume::On(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(next: u64) -> Offset {
        Offset { part: 0, next, fingerprint: 7 }
    }

    #[test]
    fn a_part_goes_on_where_the_last_commit_ended() {
        assert_eq!(resume(Some(stored(5)), &(0..9), Some(7)), Resume::On(5));
        assert_eq!(resume(Some(stored(9)), &(8..9), Some(7)), Resume::On(9));
    }

    #[test]
    fn nothing_is_compared_when_every_record_that_was_read_is_gone() {
        assert!(!is_checked(Some(stored(5)), &(5..9)));
        assert_eq!(resume(Some(stored(5)), &(5..9), None), Resume::On(5));
    }

    #[test]
    fn a_new_part_is_read_from_its_first_record() {
        assert!(!is_checked(None, &(0..3)));
        assert_eq!(resume(None, &(0..3), None), Resume::On(0));
    }

    #[test]
    fn what_was_deleted_before_it_was_read_is_a_fact() {
        assert_eq!(resume(Some(stored(5)), &(8..9), None), Resume::Deleted(5..8));
        assert_eq!(resume(None, &(8..8), None), Resume::Deleted(0..8));
    }

    #[test]
    fn a_source_that_ends_before_what_was_read_is_read_from_its_start() {
        assert!(!is_checked(Some(stored(5)), &(0..4)));
        assert_eq!(resume(Some(stored(5)), &(2..4), None), Resume::Restart(2, Mismatch::EndsBefore));
        assert_eq!(resume(Some(stored(5)), &(0..0), None), Resume::Restart(0, Mismatch::EndsBefore));
    }

    #[test]
    fn a_source_whose_record_before_the_offset_is_another_is_read_from_its_start() {
        assert!(is_checked(Some(stored(5)), &(2..9)) && is_checked(Some(stored(5)), &(2..5)));
        for before in [Some(8), None] {
            assert_eq!(resume(Some(stored(5)), &(2..9), before), Resume::Restart(2, Mismatch::Fingerprint));
        }
    }
}

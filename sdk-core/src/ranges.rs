//! Sets of sequence numbers as sorted, separate, half-open ranges.

use alloc::vec::Vec;
use core::{fmt, slice};

use crate::planted;

/// A half-open range `(from, to)` of sequence numbers.
pub type Range = (u32, u32);

/// A set of sequence numbers. A run of any length costs one range; a set of one run, which is what nearly
/// every stream is, allocates nothing.
///
/// `u32::MAX` cannot be a member, because the range that ends behind it has no end; a stream has room for
/// 4,294,967,295 events.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct RangeSet(Repr);

/// Canonical, so that equal sets are equal values: `Many` holds at least two ranges, sorted, not empty, with
/// a gap between neighbours; the empty set is `One((0, 0))`.
#[derive(Clone, Eq, PartialEq)]
enum Repr {
    Many(Vec<Range>),
    One(Range),
}

impl Default for Repr {
    fn default() -> Self {
        Self::One((0, 0))
    }
}

impl RangeSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(Repr::One((0, 0)))
    }

    /// Adds `seq`; says whether it is new. `u32::MAX` is never added.
    pub fn insert(&mut self, seq: u32) -> bool {
        if self.contains(seq) || seq == u32::MAX {
            return false;
        }
        self.insert_range(seq, seq + 1);
        true
    }

    /// Adds every number of `from..to`.
    pub fn insert_range(&mut self, from: u32, to: u32) {
        if from >= to {
            return;
        }
        match &mut self.0 {
            Repr::One(one) if one.0 == one.1 => *one = (from, to),
            Repr::One(one) if from <= one.1 && one.0 <= to => *one = (one.0.min(from), one.1.max(to)),
            Repr::One(one) => {
                let (low, high) = if *one < (from, to) { (*one, (from, to)) } else { ((from, to), *one) };
                let mut many = Vec::with_capacity(2);
                many.extend([low, high]);
                self.0 = Repr::Many(many);
            }
            Repr::Many(many) => {
                // The ranges that overlap or touch `from..to` become one with it.
                let first = many.partition_point(|r| r.1 < from);
                let reach = if planted!(OffByOneInRanges) { to.saturating_add(1) } else { to };
                let end = many.partition_point(|r| r.0 <= reach);
                let merged = match (many.get(first), end.checked_sub(1).and_then(|last| many.get(last))) {
                    (Some(low), Some(high)) if first < end => (low.0.min(from), high.1.max(to)),
                    _ => (from, to),
                };
                many.splice(first..end, [merged]);
                if let [one] = many[..] {
                    self.0 = Repr::One(one);
                }
            }
        }
    }

    /// Whether `seq` is a member.
    #[must_use]
    pub fn contains(&self, seq: u32) -> bool {
        seq < u32::MAX && self.covers(seq, seq + 1)
    }

    /// Whether every number of `from..to` is a member; true for an empty range.
    #[must_use]
    pub fn covers(&self, from: u32, to: u32) -> bool {
        let ranges = self.as_slice();
        from >= to
            || ranges.get(ranges.partition_point(|r| r.1 <= from)).is_some_and(|r| r.0 <= from && to <= r.1)
    }

    /// How many numbers are members.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.iter().map(|(from, to)| u64::from(to - from)).sum()
    }

    /// The number after the largest member; 0 for the empty set.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.as_slice().last().map_or(0, |r| r.1)
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// How many ranges the set consists of (its size in memory, not its members).
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// The ranges, ascending, with at least one missing number between neighbours.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Range> + ExactSizeIterator + '_ {
        self.as_slice().iter().copied()
    }

    /// The missing numbers within `from..to`, as ranges.
    pub fn holes(&self, from: u32, to: u32) -> impl Iterator<Item = Range> + '_ {
        let ranges = self.as_slice();
        let rest = ranges.get(ranges.partition_point(|r| r.1 <= from)..).unwrap_or_default();
        let starts = core::iter::once(from).chain(rest.iter().map(|r| r.1));
        let ends = rest.iter().map(|r| r.0).chain(core::iter::once(u32::MAX));
        starts.zip(ends).map(move |(a, b)| (a, b.min(to))).filter(|(a, b)| a < b)
    }

    /// The members that are not in `other`, as ranges.
    pub fn difference<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Range> + 'a {
        self.iter().flat_map(|(from, to)| other.holes(from, to))
    }

    /// Adds every member of `other`.
    pub fn union(&mut self, other: &Self) {
        for (from, to) in other.iter() {
            self.insert_range(from, to);
        }
    }

    fn as_slice(&self) -> &[Range] {
        match &self.0 {
            Repr::Many(many) => many,
            Repr::One(one) if one.0 == one.1 => &[],
            Repr::One(one) => slice::from_ref(one),
        }
    }
}

impl fmt::Debug for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(from, to)| from..to)).finish()
    }
}

impl Extend<Range> for RangeSet {
    fn extend<I: IntoIterator<Item = Range>>(&mut self, ranges: I) {
        for (from, to) in ranges {
            self.insert_range(from, to);
        }
    }
}

impl FromIterator<Range> for RangeSet {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Self {
        let mut set = Self::new();
        set.extend(ranges);
        set
    }
}

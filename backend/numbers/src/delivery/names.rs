//! Names of lost events: for each seq the first reason that was committed.

use std::collections::BTreeMap;

use headwater_core::{planted, ranges::RangeSet};

/// Boxed because nearly no stream loses anything.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Names(Option<Box<Inner>>);

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Inner {
    all: RangeSet,
    /// Disjoint, and together `all`.
    by_reason: BTreeMap<String, RangeSet>,
}

impl Names {
    /// Names what of `from..to` has no name yet.
    pub(super) fn add(&mut self, from: u32, to: u32, reason: &str) {
        if from >= to {
            return;
        }
        let inner = self.0.get_or_insert_default();
        let mut nameless = inner.all.holes(from, to).peekable();
        if nameless.peek().is_some() {
            inner.by_reason.entry(reason.to_owned()).or_default().extend(nameless);
            inner.all.insert_range(from, to);
        }
    }

    /// Everything that has a name.
    pub(super) fn all(&self) -> &RangeSet {
        static NONE: RangeSet = RangeSet::new();
        self.0.as_ref().map_or(&NONE, |inner| &inner.all)
    }

    /// How many events are lost, by reason: an arrival takes its name back.
    pub(super) fn lost(&self, arrived: &RangeSet) -> BTreeMap<String, u64> {
        let arrived = if planted!(LostWithoutSubtractingSeen) { &RangeSet::new() } else { arrived };
        let by_reason = self.0.iter().flat_map(|inner| &inner.by_reason);
        let lost = by_reason.map(|(reason, named)| {
            let ranges = named.difference(arrived);
            (reason.clone(), ranges.map(|(from, to)| u64::from(to - from)).sum())
        });
        lost.filter(|(_, count)| *count > 0).collect()
    }
}

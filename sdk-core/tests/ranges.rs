//! `RangeSet` and `Seen` against sets of numbers.

use std::collections::BTreeSet;

use headwater_core::{
    ranges::RangeSet,
    seen::{Admission, MAX_RANGES, Seen},
};
use proptest::prelude::*;

/// Small numbers, so that ranges meet, and the largest, where arithmetic ends.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..40u32, (u32::MAX - 8)..=u32::MAX]
}

fn ranges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let short = (number(), 0..9u32).prop_map(|(from, len)| (from, from.saturating_add(len)));
    prop::collection::vec(short, 0..12)
}

fn naive(ranges: &[(u32, u32)]) -> BTreeSet<u32> {
    ranges.iter().flat_map(|&(from, to)| from..to).collect()
}

fn numbers(ranges: impl Iterator<Item = (u32, u32)>) -> BTreeSet<u32> {
    ranges.flat_map(|(from, to)| from..to).collect()
}

proptest! {
    #[test]
    fn a_range_set_says_what_a_set_of_numbers_says(list in ranges(), other in ranges(), probe in number(), to in number()) {
        let (set, truth) = (list.iter().copied().collect::<RangeSet>(), naive(&list));
        let (other_set, other_truth) = (other.iter().copied().collect::<RangeSet>(), naive(&other));

        prop_assert_eq!(numbers(set.iter()), truth.clone());
        prop_assert_eq!(set.count(), truth.len() as u64);
        prop_assert_eq!(set.end(), truth.last().map_or(0, |last| last + 1));
        prop_assert_eq!(set.is_empty(), truth.is_empty());
        prop_assert_eq!(set.contains(probe), truth.contains(&probe));
        let ranges: Vec<_> = set.iter().collect();
        prop_assert_eq!(set.len(), ranges.len());
        prop_assert!(ranges.iter().all(|r| r.0 < r.1) && ranges.windows(2).all(|w| w[0].1 < w[1].0));

        let end = to.min(probe.saturating_add(64));
        prop_assert_eq!(set.covers(probe, end), (probe..end).all(|n| truth.contains(&n)));
        let holes: BTreeSet<_> = (probe..end).filter(|n| !truth.contains(n)).collect();
        prop_assert_eq!(numbers(set.holes(probe, end)), holes);
        prop_assert_eq!(numbers(set.difference(&other_set)), &truth - &other_truth);

        let mut both = set.clone();
        both.union(&other_set);
        prop_assert_eq!(numbers(both.iter()), &truth | &other_truth);
        let mut again = both.clone();
        again.union(&set);
        prop_assert_eq!(&again, &both);

        let mut more = set.clone();
        prop_assert_eq!(more.insert(probe), probe != u32::MAX && !truth.contains(&probe));
    }

    #[test]
    fn the_order_of_insertion_does_not_matter(list in ranges(), seed: u64) {
        let mut shuffled = list.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        prop_assert_eq!(list.into_iter().collect::<RangeSet>(), shuffled.into_iter().collect::<RangeSet>());
    }

    #[test]
    fn an_event_counts_once_in_whatever_order_copies_come(arrivals in prop::collection::vec(number(), 0..80)) {
        let mut seen = Seen::new();
        let mut truth = BTreeSet::new();
        for seq in arrivals {
            let fresh = seq != u32::MAX && truth.insert(seq);
            prop_assert_eq!(seen.contains(seq), !fresh);
            prop_assert_eq!(seen.admit(seq) == Admission::Fresh, fresh);
        }
        prop_assert_eq!(seen.counted(), truth.len() as u64);
        prop_assert_eq!(seen.closed_count(), 0);
        prop_assert_eq!(&Seen::from_parts(seen.arrived(), seen.closed()), &seen);
    }

    #[test]
    fn merging_views_is_a_union_and_idempotent(a in ranges(), b in ranges(), closed in ranges()) {
        let one = Seen::from_parts(a.iter().copied(), closed);
        let two = Seen::from_parts(b.iter().copied(), []);
        let mut merged = one.clone();
        merged.merge(&two);
        prop_assert_eq!(numbers(merged.arrived()), &naive(&a) | &naive(&b));
        prop_assert_eq!(numbers(merged.closed()), &numbers(one.closed()) - &naive(&b));
        let mut again = merged.clone();
        again.merge(&one);
        again.merge(&merged.clone());
        prop_assert_eq!(&again, &merged);
        let mut turned = two;
        turned.merge(&one);
        prop_assert_eq!(&turned, &merged);
    }
}

#[test]
fn one_run_costs_no_allocation_and_few_bytes() {
    assert!(size_of::<RangeSet>() <= 24);
    assert!(size_of::<Seen>() <= 32);
}

#[test]
fn a_gap_is_closed_only_beyond_the_limit_and_its_event_is_then_a_copy() {
    let mut seen = Seen::new();
    for seq in 0..u32::try_from(MAX_RANGES).expect("small") {
        assert_eq!(seen.admit(2 * seq + 1), Admission::Fresh);
    }
    assert_eq!((seen.settled().len(), seen.closed_count()), (MAX_RANGES, 0));

    assert_eq!(seen.admit(5_000), Admission::Fresh);
    assert_eq!(seen.settled().len(), MAX_RANGES);
    assert_eq!(seen.closed().collect::<Vec<_>>(), [(2, 3)]);
    assert_eq!(seen.admit(2), Admission::Copy);
    assert_eq!(seen.admit(0), Admission::Fresh, "before the first arrival nothing was closed");
    assert_eq!(seen.counted(), MAX_RANGES as u64 + 2);
    assert_eq!(seen.counted() + seen.closed_count(), seen.settled().count());
}

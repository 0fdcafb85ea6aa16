//! Each slip behind the edges shows in what an oracle can ask: otherwise nothing could find it.

use headwater_core::planted::{Bug, plant};

use super::*;

/// Unplants it, also when an assertion fails.
struct Planted;

impl Planted {
    fn new(bug: Bug) -> Self {
        plant(Some(bug));
        Self
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        plant(None);
    }
}

fn is_balanced(world: &World) -> bool {
    let total = Books::read(world.store(), T0).delivery("shop", 0).total;
    total.known == total.counted + total.lost_total() + total.in_flight + total.unexplained
}

/// With the first commit failed, everything retried.
fn counted_after_a_failed_commit() -> usize {
    let mut world = world();
    world.store_mut().fail_next_commit(Failure::Before);
    assert!(commit(&mut world, &[event(1, 0, "a"), event(1, 1, "b")]).is_err());
    while world.step(T0).unwrap() > 0 {}
    rows(&world).len()
}

#[test]
fn a_failed_commit_that_keeps_its_marks_or_its_offsets_loses_events() {
    assert_eq!(counted_after_a_failed_commit(), 2);
    for bug in [Bug::CommitFailedMarksStay, Bug::OffsetsApart] {
        let _planted = Planted::new(bug);
        assert_eq!(counted_after_a_failed_commit(), 0, "{bug:?}");
    }
}

#[test]
fn reading_past_the_fsync_brings_the_consumer_beyond_the_durable_end() {
    for (bug, beyond) in [(None, false), (Some(Bug::ReadPastFsync), true)] {
        let _planted = bug.map(Planted::new);
        let mut world = world();
        world.source_mut().append(0, 9, [event(1, 0, "a")]);
        world.step(T0).unwrap();
        let end = world.source().durable_end();
        assert_eq!(world.places().iter().any(|(_, next)| *next > end), beyond, "{bug:?}");
        assert_eq!(rows(&world).len(), usize::from(beyond));
    }
}

#[test]
fn a_fingerprint_that_is_ignored_leaves_events_of_another_log_uncounted() {
    for (bug, counted) in [(None, 5), (Some(Bug::FingerprintIgnored), 3)] {
        let _planted = bug.map(Planted::new);
        let mut world = world();
        commit(&mut world, &[event(1, 0, "a"), event(1, 1, "b")]).unwrap();
        world.source_mut().renew();
        let log = world.source_mut();
        log.append(0, 0, [event(2, 0, "c"), event(2, 1, "d"), event(2, 2, "e")]);
        log.advance(0);
        assert!(world.step(T0).is_err());
        while world.step(T0).unwrap() > 0 {}
        assert_eq!(rows(&world).len(), counted, "{bug:?}");
    }
}

#[test]
fn lost_that_counts_what_arrived_and_gaps_that_count_as_nothing_break_the_balance() {
    let lost = Lost { from: 0, to: 2, reason: "queue_full".to_owned() };
    let named = [event(1, 0, "a"), ledger(1, 0, 2, Some(lost))];
    let gaps: Vec<_> = (0..1100).map(|number| event(1, number * 2, "a")).collect();
    for (bug, records) in [(Bug::LostWithoutSubtractingSeen, &named[..]), (Bug::GapsClosedSilently, &gaps)] {
        for planted in [false, true] {
            let _planted = planted.then(|| Planted::new(bug));
            let mut world = world();
            commit(&mut world, records).unwrap();
            assert_eq!(is_balanced(&world), !planted, "{bug:?}");
        }
    }
}

#[test]
fn a_copy_of_another_partition_counts_twice_when_the_partition_is_part_of_the_key() {
    for (bug, count) in [(None, 1), (Some(Bug::KeyedByPartition), 2)] {
        let _planted = bug.map(Planted::new);
        let (state, mut names) = (State::default(), Names::default());
        let mut batch = headwater_consumer::Batch::new(&state, &mut names);
        for part in [0, 1] {
            batch.record(part, 0, &event(1, 0, "a")).unwrap();
        }
        let (commit, _) = batch.finish();
        let mut store = Store::default();
        headwater_consumer::Store::commit(&mut store, commit, "topic", Counts::default(), T0).unwrap();
        assert_eq!(Books::read(&store, T0).counted()[0].count, count, "{bug:?}");
    }
}

use serde_json::{Value, json};

use super::*;
use crate::{
    in_memory::{Fate, InMemory, Topic, consumer, delivery, drain, restarted, totals},
    testing::{T0, any_records, event, ledger, plain},
};

fn push(consumer: &mut InMemory, part: i32, records: impl IntoIterator<Item = Value>) {
    consumer.source_mut().push(part, records);
}

fn deleted(consumer: &InMemory) -> Vec<(i32, u64, u64)> {
    delivery(consumer).deleted.iter().map(|span| (span.part, span.from, span.to)).collect()
}

#[test]
fn a_restart_reads_back_the_very_state() {
    for seed in 0..50 {
        let mut before = consumer(Topic::of([]));
        for chunk in any_records(seed, T0).chunks(37) {
            push(&mut before, 0, chunk.iter().cloned());
            drain(&mut before);
        }
        let state = before.state();
        let mut after = restarted(before, |topic| topic);
        after.load(T0).unwrap();
        assert_eq!(*after.state().read().unwrap(), *state.read().unwrap(), "seed {seed}");
    }
}

#[test]
fn reading_a_topic_again_changes_nothing_but_copies() {
    for seed in 100..120 {
        let mut first = consumer(Topic::of(any_records(seed, T0)));
        drain(&mut first);
        let [known, counted, _, lost, plain, _] = totals(&first);
        let rows = |consumer: &InMemory| {
            let ledger: usize = consumer.store().commits.iter().map(|commit| commit.ledger.len()).sum();
            (consumer.store().events().count(), ledger)
        };
        let before = rows(&first);

        // The same records under other offsets.
        let mut second = restarted(first, |mut topic| {
            let part = topic.parts.remove(&0).unwrap();
            Topic { parts: [(1, part)].into(), ..topic }
        });
        drain(&mut second);
        let [known_again, counted_again, _, lost_again, plain_again, _] = totals(&second);
        assert_eq!(
            [known_again, counted_again, lost_again, plain_again],
            [known, counted, lost, plain],
            "seed {seed}"
        );
        assert_eq!(rows(&second), before, "seed {seed}");
    }
}

#[test]
fn any_order_any_copies_and_any_commits_give_the_same_numbers() {
    for seed in 200..230 {
        let mut random = fastrand::Rng::with_seed(seed);
        // One reason: which of two comes first is the one thing that follows the order.
        let lost = |at: u32| ledger("shop", 3, [at, at + 3], &json!([[at, at + 2, "queue_full"]]));
        let mut records: Vec<Value> = (0..40).map(|seq| event("shop", random.u64(0..4), seq)).collect();
        records.extend((0..5).map(|_| lost(random.u32(0..60))));
        records.extend((0..5).map(|id| plain("shop", id, T0)));
        let numbers_of = |records: &[Value], parts: i32, per_commit: usize| {
            let mut consumer = consumer(Topic::of([]));
            for (chunk, part) in records.chunks(per_commit).zip((0..parts).cycle()) {
                push(&mut consumer, part, chunk.iter().cloned());
                drain(&mut consumer);
            }
            let [known, counted, _, lost, plain, _] = totals(&consumer);
            let mut ids: Vec<_> = consumer.store().events().map(|row| row.event_id).collect();
            ids.sort_unstable();
            ([known, counted, lost, plain], ids)
        };
        let expected = numbers_of(&records, 1, 1000);

        let copies = random.choose_multiple(records.clone(), 25);
        records.extend(copies);
        random.shuffle(&mut records);
        let (parts, per_commit) = (random.i32(1..4), random.usize(1..20));
        assert_eq!(numbers_of(&records, parts, per_commit), expected, "seed {seed}");
    }
}

#[test]
fn a_failed_commit_forgets_what_it_decided_and_the_records_count_once_later() {
    for fate in [Fate::FailsAfter, Fate::FailsBefore] {
        let mut consumer = consumer(Topic::of([event("shop", 1, 0), plain("shop", 1, T0)]));
        drain(&mut consumer);
        let more = [event("shop", 1, 1), event("shop", 2, 0), plain("shop", 2, T0)];
        push(&mut consumer, 0, more);
        push(&mut consumer, 0, [ledger("shop", 1, [1, 9], &json!([]))]);
        consumer.store_mut().next = Some(fate);
        assert!(consumer.step(T0).is_err());
        assert_eq!(totals(&consumer), [1, 1, 0, 0, 1, 0], "{fate:?}: marks only from committed state");

        consumer.store_mut().broken = true;
        assert!(consumer.step(T0).is_err(), "the tables cannot be read back either");
        consumer.store_mut().broken = false;
        drain(&mut consumer);
        assert_eq!(totals(&consumer), [10, 3, 0, 0, 2, 0], "{fate:?}");
        assert_eq!(consumer.store().events().count(), 5, "{fate:?}");
    }
}

#[test]
fn names_that_are_not_durable_are_not_committed() {
    let mut consumer = consumer(Topic::of([event("shop", 1, 0)]));
    drain(&mut consumer);
    let durable = consumer.numbers().durable;
    push(&mut consumer, 0, [event("shop", 2, 0)]);
    consumer.numbers.fails = true;
    assert!(consumer.step(T0).is_err());
    assert_eq!(consumer.store().events().count(), 1);
    consumer.gather(T0).unwrap();
    assert_eq!(consumer.numbers().counts(), durable, "and their numbers are given out again");
    drain(&mut consumer);
    assert_eq!(consumer.store().events().map(|row| row.client).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_source_that_was_created_anew_is_read_from_its_start() {
    let anew = || (0..8).map(|seq| event("shop", 2, seq));
    let mut before = consumer(Topic::of((0..5).map(|seq| event("shop", 1, seq))));
    drain(&mut before);
    let mut after = restarted(before, |_| Topic::of(anew()));
    drain(&mut after);
    assert_eq!(totals(&after), [13, 13, 0, 0, 0, 0]);

    // And while it is being read.
    after.source_mut().renew((0..9).map(|seq| event("shop", 3, seq)));
    assert!(after.step(T0).is_err());
    drain(&mut after);
    assert_eq!(totals(&after), [22, 22, 0, 0, 0, 0]);
    assert_eq!(deleted(&after), []);
}

#[test]
fn an_offset_beyond_the_end_of_a_source_is_noticed() {
    let mut before = consumer(Topic::of((0..5).map(|seq| event("shop", 1, seq))));
    drain(&mut before);
    let mut after = restarted(before, |_| Topic::of((0..3).map(|seq| event("shop", 1, seq))));
    drain(&mut after);
    assert_eq!(totals(&after), [5, 5, 3, 0, 0, 0], "read from the start, and known as copies");
    push(&mut after, 0, [event("shop", 1, 5)]);
    drain(&mut after);
    assert_eq!(totals(&after), [6, 6, 3, 0, 0, 0]);
}

#[test]
fn a_source_whose_read_records_were_dropped_goes_on_where_it_was() {
    let mut before = consumer(Topic::of((0..5).map(|seq| event("shop", 1, seq))));
    drain(&mut before);
    let mut after = restarted(before, |mut topic| {
        topic.push(0, [event("shop", 1, 5)]);
        topic.delete_before(0, 5);
        topic
    });
    drain(&mut after);
    assert_eq!((totals(&after), deleted(&after)), ([6, 6, 0, 0, 0, 0], vec![]));
}

#[test]
fn records_that_were_deleted_before_they_were_read_are_committed_as_a_fact_once() {
    let mut consumer = consumer(Topic::of((0..5).map(|seq| event("shop", 1, seq))));
    drain(&mut consumer);
    push(&mut consumer, 0, (5..9).map(|seq| event("shop", 1, seq)));
    consumer.source_mut().delete_before(0, 7);
    assert!(consumer.step(T0).is_err(), "the offset is gone");
    drain(&mut consumer);
    assert_eq!((totals(&consumer), deleted(&consumer)), ([9, 7, 0, 0, 0, 0], vec![(0, 5, 7)]));

    // Everything that is left to read.
    push(&mut consumer, 0, [event("shop", 1, 9)]);
    consumer.source_mut().delete_before(0, 10);
    assert!(consumer.step(T0).is_err());
    assert_eq!(consumer.step(T0).unwrap(), 0);
    assert_eq!(deleted(&consumer), [(0, 5, 7), (0, 9, 10)]);
    let mut after = restarted(consumer, |topic| topic);
    push(&mut after, 0, [event("shop", 1, 10)]);
    drain(&mut after);
    assert_eq!((totals(&after), deleted(&after)), ([11, 8, 0, 0, 0, 0], vec![(0, 5, 7), (0, 9, 10)]));
}

#[test]
fn a_failed_commit_notices_again_what_was_deleted() {
    let mut topic = Topic::of((0..5).map(|seq| event("shop", 1, seq)));
    topic.delete_before(0, 2);
    let mut consumer = consumer(topic);
    consumer.store_mut().next = Some(Fate::FailsBefore);
    assert!(consumer.step(T0).is_err());
    assert_eq!(consumer.commit(T0).unwrap(), 0, "nothing is committed from memory that is doubtful");
    drain(&mut consumer);
    assert_eq!((totals(&consumer), deleted(&consumer)), ([5, 3, 0, 0, 0, 0], vec![(0, 0, 2)]));
}

#[test]
fn parts_that_are_added_while_it_runs_are_read() {
    let mut consumer = consumer(Topic::of([event("shop", 1, 0)]));
    drain(&mut consumer);
    push(&mut consumer, 7, [event("shop", 2, 0), event("shop", 1, 0)]);
    consumer.gather(T0).unwrap();
    push(&mut consumer, 3, [event("shop", 3, 0)]);
    drain(&mut consumer);
    assert_eq!(totals(&consumer), [3, 3, 1, 0, 0, 0]);
    let mut after = restarted(consumer, |topic| topic);
    drain(&mut after);
    assert_eq!(totals(&after), [3, 3, 1, 0, 0, 0], "each part has an offset of its own");
}

#[test]
fn a_commit_names_only_the_offsets_that_moved() {
    let mut consumer = consumer(Topic::of([event("shop", 1, 0)]));
    push(&mut consumer, 1, [event("shop", 2, 0)]);
    drain(&mut consumer);
    push(&mut consumer, 1, [event("shop", 2, 1)]);
    drain(&mut consumer);
    let parts = |commit: &Commit| commit.offsets.iter().map(|offset| (offset.part, offset.next)).collect();
    let offsets: Vec<Vec<_>> = consumer.store().commits.iter().map(parts).collect();
    assert_eq!(offsets, [vec![(0, 1), (1, 1)], vec![(1, 2)]]);
}

#[test]
fn a_record_that_cannot_be_read_is_kept_named_and_passed_over() {
    let mut broken = event("shop", 1, 1);
    broken["timestamp"] = "yesterday".into();
    let mut absurd = event("shop", 1, 2);
    absurd["received_at"] = i64::MAX.into();
    let records = [event("shop", 1, 0), broken.clone(), absurd, json!("no record"), event("shop", 1, 3)];
    let mut consumer = consumer(Topic::of(records));
    drain(&mut consumer);
    assert_eq!(totals(&consumer), [4, 2, 0, 1, 0, 0]);
    let letters = &consumer.store().commits[0].dead_letters;
    assert_eq!(letters.iter().map(|letter| letter.position).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(letters[0].record, broken.to_string().into_bytes());
    assert_eq!(delivery(&consumer).total.lost["dead_letter"], 1);
}

#[test]
fn closed_gaps_are_read_back_as_they_were_closed() {
    let mut before = consumer(Topic::of((0..1500).map(|number| event("shop", 1, number * 2))));
    drain(&mut before);
    push(&mut before, 0, [event("shop", 1, 1)]);
    push(&mut before, 0, (1400..1600).map(|number| event("shop", 1, number * 2 + 1)));
    drain(&mut before);
    let state = before.state();
    let mut after = restarted(before, |topic| topic);
    after.load(T0).unwrap();
    assert_eq!(*after.state().read().unwrap(), *state.read().unwrap());
    let total = delivery(&after).total;
    assert!(total.lost["too_many_gaps"] > 400, "{total:?}");
    assert_eq!(total.copies, 1);
}

#[test]
fn more_than_fits_a_commit_is_committed_in_several_and_no_part_waits_for_another() {
    let records = u32::try_from(MAX_RECORDS).unwrap();
    let mut consumer = consumer(Topic::of((0..records * 2).map(|seq| event("shop", 1, seq))));
    push(&mut consumer, 1, [event("shop", 2, 0)]);
    let mut step = || consumer.step(T0).unwrap();
    assert_eq!([step(), step(), step(), step()], [MAX_RECORDS, MAX_RECORDS, 1, 0]);
    let second = consumer.store().commits[1].offsets.iter().map(|offset| offset.part);
    assert_eq!(second.collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn two_sites_and_two_streams_may_use_the_same_names() {
    let mut consumer = consumer(Topic::of([
        event("shop", 1, 0),
        event("blog", 1, 0),
        event("shop", 2, 0),
        plain("shop", 9, T0),
        plain("blog", 9, T0),
    ]));
    drain(&mut consumer);
    assert_eq!(consumer.store().events().count(), 5);
    assert_eq!(totals(&consumer), [2, 2, 0, 0, 1, 0]);
}

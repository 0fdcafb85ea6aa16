use headwater_consumer::testing::{T0, any_records, event, ledger, plain};
use headwater_numbers::{
    days::Day,
    report::{Group, Metric, Question},
};
use serde_json::{Value, json};

use super::*;
use crate::{
    query::Rows,
    testing::{Topic, consumer, drain, number},
};

const SITE: u64 = 1;

fn totals(consumer: &Runner<Topic>) -> [u64; 6] {
    let state = consumer.state();
    let delivery = state.read().unwrap().delivery(SITE, T0, 0);
    let total = &delivery.total;
    [
        total.known,
        total.counted,
        total.copies,
        total.lost_total(),
        delivery.plain.counted,
        delivery.plain.copies,
    ]
}

#[test]
fn a_restart_reads_back_the_very_state() {
    for seed in 0..12 {
        let dir = tempfile::tempdir().unwrap();
        let topic = Topic::of([]);
        let mut before = consumer(dir.path(), &topic);
        for chunk in any_records(seed, clock::unix_ms()).chunks(37) {
            topic.push(chunk.iter().cloned());
            drain(&mut before);
        }
        let state = before.state();
        let expected = totals(&before);
        drop(before);
        let after = consumer(dir.path(), &topic);
        assert_eq!(*after.state().read().unwrap(), *state.read().unwrap(), "seed {seed}");
        assert_eq!(totals(&after), expected, "seed {seed}");
    }
}

#[test]
fn any_order_and_any_copies_give_the_same_numbers() {
    for seed in 200..206 {
        let mut random = fastrand::Rng::with_seed(seed);
        // One reason: which of two comes first is the one thing that follows the order.
        let lost = |at: u32| ledger("shop", 3, [at, at + 3], &json!([[at, at + 2, "queue_full"]]));
        let mut records: Vec<Value> = (0..40).map(|seq| event("shop", random.u64(0..4), seq)).collect();
        records.extend((0..5).map(|_| lost(random.u32(0..60))));
        records.extend((0..5).map(|id| plain("shop", id, clock::unix_ms())));
        let expected = numbers_of(&records, 1000);

        let copies = random.choose_multiple(records.clone(), 25);
        records.extend(copies);
        random.shuffle(&mut records);
        assert_eq!(numbers_of(&records, random.usize(1..20)), expected, "seed {seed}");
    }
}

/// The account and some reports, after commits of so many records.
fn numbers_of(records: &[Value], per_commit: usize) -> impl Eq + std::fmt::Debug + use<> {
    let dir = tempfile::tempdir().unwrap();
    let topic = Topic::of([]);
    let mut consumer = consumer(dir.path(), &topic);
    for chunk in records.chunks(per_commit) {
        topic.push(chunk.iter().cloned());
        drain(&mut consumer);
    }
    let [known, counted, _, lost, plain, _] = totals(&consumer);
    let queries = consumer.queries().unwrap();
    let day = Day::of(T0);
    let reports = Metric::ALL.map(|metric| {
        let groups = vec![if metric == Metric::Sessions { Group::Hour } else { Group::Url }];
        queries.report("shop", &Question { metric, from: day, to: day, groups }, Rows::AtMost(100)).unwrap()
    });
    ([known, counted, lost, plain], reports)
}

#[test]
fn a_failed_commit_forgets_what_it_decided_and_the_records_count_once_later() {
    let dir = tempfile::tempdir().unwrap();
    let topic = Topic::of([event("shop", 1, 0), plain("shop", 1, clock::unix_ms())]);
    let mut consumer = consumer(dir.path(), &topic);
    drain(&mut consumer);
    topic.push([
        event("shop", 1, 1),
        event("shop", 2, 0),
        plain("shop", 2, clock::unix_ms()),
        ledger("shop", 1, [1, 9], &json!([])),
    ]);

    // The events can be written, the commit's own row cannot.
    let readers = consumer.consumer.store().readers().unwrap();
    let sql = |text: &str| readers.connection().unwrap().execute_batch(text).unwrap();
    sql("ALTER TABLE commits RENAME TO hidden; CREATE TABLE commits (commit_no BIGINT)");
    assert!(consumer.step(Duration::ZERO).is_err());
    assert_eq!(totals(&consumer), [1, 1, 0, 0, 1, 0]);
    assert_eq!(number(&readers, "SELECT count(*) FROM events"), 2);

    assert!(consumer.step(Duration::ZERO).is_err(), "the tables cannot be read back either");

    sql("DROP TABLE commits; ALTER TABLE hidden RENAME TO commits");
    drain(&mut consumer);
    assert_eq!(totals(&consumer), [10, 3, 0, 0, 2, 0]);
    assert_eq!(number(&readers, "SELECT count(*) FROM events"), 5);
    assert_eq!(
        number(&readers, "SELECT count(DISTINCT (stream_no, seq)) FROM events WHERE seq IS NOT NULL"),
        3
    );
}

#[test]
fn a_record_that_cannot_be_read_is_kept_named_and_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut broken = event("shop", 1, 1);
    broken["timestamp"] = "yesterday".into();
    let mut absurd = event("shop", 1, 2);
    absurd["received_at"] = i64::MAX.into();
    let topic = Topic::of([event("shop", 1, 0), broken, absurd, json!("no record"), event("shop", 1, 3)]);
    let mut consumer = consumer(dir.path(), &topic);
    drain(&mut consumer);
    assert_eq!(totals(&consumer), [4, 2, 0, 1, 0, 0]);
    let readers = consumer.consumer.store().readers().unwrap();
    assert_eq!(number(&readers, "SELECT count(*) FROM dead_letters"), 3);
    assert_eq!(number(&readers, "SELECT count(*) FROM ledger_lost WHERE reason = 'dead_letter'"), 1);
}

#[test]
fn closed_gaps_are_read_back_as_they_were_closed() {
    let dir = tempfile::tempdir().unwrap();
    let topic = Topic::of((0..1500).map(|number| event("shop", 1, number * 2)));
    let mut before = consumer(dir.path(), &topic);
    drain(&mut before);
    topic.push([event("shop", 1, 1)]);
    topic.push((1400..1600).map(|number| event("shop", 1, number * 2 + 1)));
    drain(&mut before);
    let state = before.state();
    drop(before);
    let after = consumer(dir.path(), &topic);
    assert_eq!(*after.state().read().unwrap(), *state.read().unwrap());
    let delivery = after.state().read().unwrap().delivery(SITE, T0, 1);
    assert!(delivery.total.lost["too_many_gaps"] > 400, "{delivery:?}");
    assert_eq!(delivery.total.copies, 1);
}

#[test]
fn what_was_deleted_before_it_was_read_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let topic = Topic::of((0..5).map(|seq| event("shop", 1, seq)));
    *topic.first.borrow_mut() = 3;
    let mut before = consumer(dir.path(), &topic);
    drain(&mut before);
    let state = before.state();
    drop(before);
    let after = consumer(dir.path(), &topic);
    assert_eq!(*after.state().read().unwrap(), *state.read().unwrap());
    let deleted = after.state().read().unwrap().delivery(SITE, T0, 0).deleted;
    let spans: Vec<_> = deleted.iter().map(|span| (&*span.source, span.part, span.from, span.to)).collect();
    assert_eq!(spans, [("topic", 0, 0, 3)]);
}

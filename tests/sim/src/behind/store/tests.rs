use headwater_consumer::Consumer;
use headwater_schema::{At, Event, Ledger, Lost, RawValue, Record, Uuid};

use super::*;
use crate::behind::{log::Log, numbers::Names};
use books::{Books, Counted};

mod books;

const T0: i64 = 1_710_320_000_000;

type World = Consumer<Log, Store, Names>;

fn world() -> World {
    Consumer::new(Log::default(), Store::default(), Names::default())
}

fn event(stream: u128, seq: u32, name: &str) -> Vec<u8> {
    let empty = r#"{"event_id":"0190aaaa-0000-7000-8000-000000000000","site_id":"shop","client_id":"c",
        "event_type":"custom","timestamp":0,"ts":0,"sent_at":0,"received_at":0,"schema_version":1}"#;
    let mut event: Event = serde_json::from_str(empty).unwrap();
    event.stream = Some(Uuid::from_u128(stream));
    event.seq = Some(seq);
    event.name = Some(name.to_owned());
    event.props = Some(RawValue::from_string(format!("{{\"n\":{seq}}}")).unwrap());
    [event.timestamp, event.ts, event.sent_at, event.received_at] = [T0; 4];
    Record::from(event).to_vec()
}

fn ledger(stream: u128, done: u32, head: u32, lost: Option<Lost>) -> Vec<u8> {
    let ledger = Ledger {
        site_id: "shop".to_owned(),
        stream: Some(Uuid::from_u128(stream)),
        at: Some(At { done, head }),
        lost: lost.into_iter().collect(),
        by: "sdk".to_owned(),
        received_at: T0,
        sent_at: T0,
        ..Ledger::default()
    };
    Record::from(ledger).to_vec()
}

/// Written, fsynced and committed.
fn commit(world: &mut World, records: &[Vec<u8>]) -> anyhow::Result<usize> {
    let log = world.source_mut();
    log.append(0, 0, records);
    log.advance(0);
    world.step(T0)
}

fn rows(world: &World) -> Vec<(u128, u32, u32, String)> {
    let books = Books::read(world.store(), T0);
    let row = |row: &Counted<'_>| (row.stream, row.seq, row.count, row.name.unwrap_or_default().to_owned());
    books.counted().iter().map(row).collect()
}

fn assert_memory_is_the_fold(world: &World) {
    assert_eq!(*world.state().read().unwrap(), world.store().refold(T0));
}

#[test]
fn the_books_show_every_counted_event_as_it_was_counted_first() {
    let mut world = world();
    commit(&mut world, &[event(2, 0, "a"), event(1, 1, "b")]).unwrap();
    commit(&mut world, &[event(1, 0, "c"), event(1, 1, "another copy")]).unwrap();
    let row = |stream, seq, name: &str| (stream, seq, 1, name.to_owned());
    assert_eq!(rows(&world), [row(1, 0, "c"), row(1, 1, "b"), row(2, 0, "a")]);
    let books = Books::read(world.store(), T0);
    assert_eq!(books.counted()[1].props, Some(r#"{"n":1}"#));
    assert_memory_is_the_fold(&world);
}

#[test]
fn an_event_with_two_rows_is_seen() {
    let mut world = world();
    let before = world.store().backup();
    commit(&mut world, &[event(1, 0, "a")]).unwrap();
    let first = world.store().backup();
    world.store_mut().restore(&before);
    world.refold(T0).unwrap();
    commit(&mut world, &[event(1, 0, "a")]).unwrap();
    world.store_mut().commits.extend(first.0);
    assert_eq!(rows(&world), [(1, 0, 2, "a".to_owned())]);
}

#[test]
fn accounts_and_delivery_are_of_the_rows() {
    let mut world = world();
    let lost = Lost { from: 1, to: 3, reason: "queue_full".to_owned() };
    commit(&mut world, &[event(1, 0, "a"), ledger(1, 0, 5, Some(lost)), ledger(2, 0, 1, None)]).unwrap();
    commit(&mut world, &[event(1, 0, "a")]).unwrap();
    let books = Books::read(world.store(), T0);
    let account = books.account(1).unwrap();
    assert_eq!([account.known, account.counted, account.copies, account.in_flight], [5, 1, 1, 2]);
    assert_eq!(account.lost["queue_full"], 2);
    assert_eq!(books.account(2).unwrap().known, 1);
    assert_eq!((books.account(3), books.streams().collect::<Vec<_>>()), (None, vec![1, 2]));
    let delivery = books.delivery("shop", 9);
    assert_eq!([delivery.total.known, delivery.streams_total as u64], [6, 2]);
    assert_eq!(books.delivery("none", 9).streams_total, 0);
}

#[test]
fn a_failed_commit_is_there_or_not_and_counts_once_in_the_end() {
    for (failure, rows_left) in [(Failure::After, 1), (Failure::Before, 0)] {
        let mut world = world();
        world.store_mut().fail_next_commit(failure);
        assert!(commit(&mut world, &[event(1, 0, "a")]).is_err());
        assert_eq!(rows(&world).len(), rows_left, "{failure:?}");
        world.store_mut().fail_next_load();
        assert!(world.step(T0).is_err());
        world.step(T0).unwrap();
        assert_eq!(rows(&world), [(1, 0, 1, "a".to_owned())]);
        assert_memory_is_the_fold(&world);
    }
}

#[test]
fn a_restored_backup_is_read_on_from_its_own_offsets() {
    let mut world = world();
    commit(&mut world, &[event(1, 0, "a")]).unwrap();
    let backup = world.store().backup();
    commit(&mut world, &[event(1, 1, "b")]).unwrap();
    let used = world.store().names_used();
    world.store_mut().restore(&backup);
    assert_eq!(rows(&world).len(), 1);
    world.refold(T0).unwrap();
    world.step(T0).unwrap();
    assert_eq!(rows(&world).len(), 2);
    assert_eq!((world.store().names_used(), world.numbers().durable()), (used, used));
    assert_memory_is_the_fold(&world);
}

#[test]
fn a_log_that_lost_its_tail_and_grew_again_is_read_whole() {
    let mut world = world();
    commit(&mut world, &[event(1, 0, "a"), event(1, 1, "b")]).unwrap();
    let (_, store, numbers) = world.into_parts();
    let mut world = Consumer::new(Log::default(), store, numbers);
    commit(&mut world, &[event(1, 0, "a"), event(2, 0, "c"), event(2, 1, "d")]).unwrap();
    assert_eq!(rows(&world).len(), 4);
    let total = Books::read(world.store(), T0).delivery("shop", 0).total;
    assert_eq!([total.counted, total.copies], [4, 1]);
}

#[test]
fn records_deleted_before_they_were_read_are_in_delivery() {
    let mut world = world();
    let log = world.source_mut();
    log.append(0, 0, [event(1, 0, "a"), event(1, 1, "b")]);
    log.advance(0);
    log.delete_before(1);
    world.step(T0).unwrap();
    let delivery = Books::read(world.store(), T0).delivery("shop", 0);
    let spans: Vec<_> = delivery.deleted.iter().map(|span| (span.from, span.to)).collect();
    assert_eq!((spans, delivery.total.counted, delivery.total.in_flight), (vec![(0, 1)], 1, 1));
}

#[cfg(feature = "planted")]
mod planted;

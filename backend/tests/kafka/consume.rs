//! Every record of the topic counts once, whatever happens to the topic, to the broker's offsets or to the server.

use std::{path::Path, sync::mpsc, thread};

use headwater_backend::clock::unix_ms;
use headwater_consumer::testing::{T0, event, ledger, plain};
use rdkafka::Offset;
use serde_json::{Value, json};

use crate::{
    support::{Headwater, command},
    topic::Topic,
};

fn start(data: &Path, topic: &Topic) -> Headwater {
    serve(data, &topic.broker, &topic.name)
}

fn serve(data: &Path, broker: &str, topic: &str) -> Headwater {
    Headwater::start(data, &["--open", "--no-collector", "--kafka", broker, "--topic", topic])
}

fn events(stream: u64, seqs: std::ops::Range<u32>) -> impl Iterator<Item = Value> {
    seqs.map(move |seq| event("shop", stream, seq))
}

/// Otherwise what is missing of its stream has been silent for years.
fn received_now(mut event: Value) -> Value {
    event["received_at"] = unix_ms().into();
    event["sent_at"] = unix_ms().into();
    event
}

/// known, counted, copies, in flight and unexplained together
pub(crate) fn totals(headwater: &Headwater) -> [u64; 4] {
    let total = &headwater.delivery("shop")["total"];
    let [known, counted, copies, in_flight, unexplained] =
        ["known", "counted", "copies", "in_flight", "unexplained"].map(|name| total[name].as_u64().unwrap());
    [known, counted, copies, in_flight + unexplained]
}

/// Partition, from, to.
fn deleted(headwater: &Headwater) -> Vec<(i64, u64, u64)> {
    let delivery = headwater.delivery("shop");
    let spans = delivery["deleted"].as_array().unwrap().iter();
    spans
        .map(|span| {
            (span["part"].as_i64().unwrap(), span["from"].as_u64().unwrap(), span["to"].as_u64().unwrap())
        })
        .collect()
}

pub(crate) fn metric(headwater: &Headwater, name: &str) -> f64 {
    let text = headwater.get("/metrics").body;
    let values =
        text.lines().filter(|line| line.starts_with(name)).map(|line| line.rsplit(' ').next().unwrap());
    values.map(|value| value.parse::<f64>().unwrap()).sum()
}

#[test]
fn events_copies_and_ledger_records_of_all_partitions_make_the_numbers() {
    let Some(mut topic) = Topic::create("numbers", 3) else { return };
    for stream in 0..6 {
        let part = i32::try_from(stream % 3).unwrap();
        topic.send(part, events(stream, 0..20));
        // Some come twice, and one of those by another partition.
        topic.send(part, events(stream, 5..8));
        topic.send((part + 1) % 3, events(stream, 7..8));
        topic.send(part, [ledger("shop", stream, [25, 25], &json!([[20, 25, "queue_full"]]))]);
    }
    topic.send(0, [plain("shop", 1, T0), plain("shop", 1, T0), plain("shop", 2, T0)]);
    let dir = tempfile::tempdir().unwrap();
    let headwater = start(dir.path(), &topic);
    headwater.wait_for(&[150, 120, 24, 0], totals);
    headwater.wait_for(&json!({ "counted": 2, "copies": 1, "dropped": {} }), |headwater| {
        headwater.delivery("shop")["plain"].clone()
    });
    assert_eq!(headwater.delivery("shop")["total"]["lost"], json!({ "queue_full": 30 }));
    assert_eq!((headwater.total("shop", "events"), headwater.total("shop", "users")), (122, 7));

    let lag = |headwater: &Headwater| {
        ["headwater_kafka_lag_records{", "headwater_kafka_lag_seconds{", "headwater_kafka_lag_alert{"]
            .map(|name| metric(headwater, name))
    };
    headwater.wait_for(&[0.0, 0.0, 0.0], lag);
    headwater.wait_for(&[Offset::Offset(50), Offset::Offset(53)], |_| {
        [topic.group_offset(1), topic.group_offset(0)]
    });
    assert_eq!(headwater.request("POST", "/collect", &[], "{}").status, 405, "there is no collector");
    assert_eq!(headwater.get("/healthz").status, 200);
}

#[test]
fn after_kill_9_reading_goes_on_behind_the_last_commit() {
    let Some(mut topic) = Topic::create("killed", 4) else { return };
    let count = 10_000;
    for part in 0..4 {
        topic.send(part, events(u64::try_from(part).unwrap(), 0..count));
    }
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        let headwater = start(dir.path(), &topic);
        // Mid-way: it takes four commits to read it all.
        headwater.wait_for(&true, |headwater| totals(headwater)[1] >= round * 9_000);
        headwater.kill();
    }
    let headwater = start(dir.path(), &topic);
    let all = 4 * u64::from(count);
    headwater.wait_for(&[all, all, 0, 0], totals);
    assert_eq!(headwater.total("shop", "events"), all);
}

#[test]
fn sigterm_under_load_loses_and_doubles_nothing() {
    let Some(mut topic) = Topic::create("terminated", 2) else { return };
    let dir = tempfile::tempdir().unwrap();
    let headwater = start(dir.path(), &topic);
    let (stop, stopped) = mpsc::channel::<()>();
    let sender = thread::spawn(move || {
        let mut sent = 0;
        while matches!(stopped.try_recv(), Err(mpsc::TryRecvError::Empty)) {
            topic.send(0, events(1, sent..sent + 50));
            topic.send(1, events(2, sent..sent + 50));
            sent += 50;
        }
        (topic, u64::from(sent))
    });
    headwater.wait_for(&true, |headwater| totals(headwater)[1] >= 100);
    assert_eq!(headwater.terminate().code(), Some(0));
    stop.send(()).unwrap();
    let (topic, sent) = sender.join().unwrap();
    let headwater = start(dir.path(), &topic);
    headwater.wait_for(&[2 * sent, 2 * sent, 0, 0], totals);
}

#[test]
fn a_topic_that_is_created_anew_after_it_was_read_is_read_from_its_start() {
    let Some(mut topic) = Topic::create("recreated", 2) else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut headwater = start(dir.path(), &topic);
    topic.send(0, events(1, 0..100));
    headwater.wait_for(&[100, 100, 0, 0], totals);

    // Longer than what was read before the server looks again, so that its offset is somewhere in the middle.
    headwater.signal("-STOP");
    topic.recreate(2);
    topic.send(0, events(2, 0..250));
    topic.send(0, events(1, 50..100));
    headwater.signal("-CONT");
    headwater.wait_for(&[350, 350, 50, 0], totals);

    // The same while nobody reads, first longer, then shorter.
    for (stream, count, counted) in [(3, 400, 750), (4, 10, 760)] {
        assert_eq!(headwater.terminate().code(), Some(0));
        topic.recreate(2);
        topic.send(0, events(stream, 0..count));
        headwater = start(dir.path(), &topic);
        headwater.wait_for(&[counted, counted, 50, 0], totals);
    }
    // And shorter while it reads.
    topic.recreate(1);
    topic.send(0, events(5, 0..5));
    headwater.wait_for(&[765, 765, 50, 0], totals);
    assert_eq!(deleted(&headwater), []);
}

#[test]
fn partitions_that_are_added_are_read_from_their_first_record() {
    let Some(mut topic) = Topic::create("grown", 1) else { return };
    let dir = tempfile::tempdir().unwrap();
    let headwater = start(dir.path(), &topic);
    topic.send(0, events(1, 0..10));
    headwater.wait_for(&[10, 10, 0, 0], totals);
    topic.set_partitions(3);
    topic.send(2, events(2, 0..10));
    topic.send(1, events(3, 0..10));
    topic.send(0, events(1, 10..20));
    headwater.wait_for(&[40, 40, 0, 0], totals);
}

#[test]
fn what_was_deleted_before_it_was_read_is_shown_as_the_cause() {
    let Some(mut topic) = Topic::create("deleted", 1) else { return };
    topic.send(0, events(1, 0..100).map(received_now));
    topic.delete_before(0, 40);
    let dir = tempfile::tempdir().unwrap();
    let headwater = start(dir.path(), &topic);
    headwater.wait_for(&[100, 60, 0, 40], totals);
    assert_eq!(deleted(&headwater), [(0, 0, 40)]);
    headwater.kill();

    topic.send(0, events(1, 100..150).map(received_now));
    topic.delete_before(0, 120);
    let headwater = start(dir.path(), &topic);
    headwater.wait_for(&[150, 90, 0, 60], totals);
    assert_eq!(deleted(&headwater), [(0, 0, 40), (0, 100, 120)]);
}

#[test]
fn without_a_broker_it_answers_what_it_knows_and_ends_when_told() {
    let Some(mut topic) = Topic::create("away", 1) else { return };
    topic.send(0, events(1, 0..10));
    let dir = tempfile::tempdir().unwrap();
    let headwater = start(dir.path(), &topic);
    headwater.wait_for(&[10, 10, 0, 0], totals);
    headwater.kill();
    // Nobody listens there.
    let headwater = serve(dir.path(), "127.0.0.1:1", &topic.name);
    assert_eq!(totals(&headwater), [10, 10, 0, 0]);
    headwater.wait_for(&true, |headwater| metric(headwater, "headwater_kafka_silence_seconds{") > 1.0);
    assert_eq!(headwater.terminate().code(), Some(0));
}

#[test]
fn a_dead_letter_that_is_replayed_takes_its_loss_back_and_twice_is_once() {
    let Some(mut topic) = Topic::create("replayed", 2) else { return };
    let named = |stream, seq: u32| {
        let mut named = ledger("shop", stream, [0, 0], &json!([[seq, seq + 1, "dead_letter"]]));
        named["by"] = "bridge".into();
        named["at"] = Value::Null;
        named
    };
    topic.send(0, events(1, 0..3).chain([named(1, 3), named(1, 4)]).chain(events(1, 5..6)));
    let dir = tempfile::tempdir().unwrap();
    let headwater = start(dir.path(), &topic);
    let lost = |headwater: &Headwater| headwater.delivery("shop")["total"]["lost"].clone();
    headwater.wait_for(&[6, 4, 0, 0], totals);
    assert_eq!(lost(&headwater), json!({ "dead_letter": 2 }));
    topic.send(0, events(1, 3..4));
    headwater.wait_for(&[6, 5, 0, 0], totals);
    assert_eq!(lost(&headwater), json!({ "dead_letter": 1 }));
    // By another partition, as after more were added to the topic.
    topic.send(1, events(1, 3..4));
    headwater.wait_for(&[6, 5, 1, 0], totals);
    assert_eq!((lost(&headwater), headwater.total("shop", "events")), (json!({ "dead_letter": 1 }), 5));
}

#[test]
fn what_is_missing_on_the_command_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = command(dir.path(), &["--open", "--kafka", "127.0.0.1:1", "--topic", "t"]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && message.contains("--no-collector"), "{message}");
}

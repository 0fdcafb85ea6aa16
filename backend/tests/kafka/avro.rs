//! Values as Avro, with a real schema registry whose address is in `HEADWATER_REGISTRY`.

use std::{
    io::{self, Write},
    ops::Range,
    path::Path,
};

use headwater_consumer::testing::event;
use headwater_registry::{Client, Encoder, SCHEMA, frame, subject};

use crate::{
    consume::{metric, totals},
    support::Headwater,
    topic::Topic,
};

fn url(test: &str) -> Option<String> {
    let url = std::env::var("HEADWATER_REGISTRY").ok();
    if url.is_none() {
        let _ =
            writeln!(io::stderr(), "\n*** SKIPPED: {test}: HEADWATER_REGISTRY names no schema registry ***");
    }
    url
}

fn start(data: &Path, topic: &Topic, more: &[&str]) -> Headwater {
    let settings = ["--open", "--no-collector", "--kafka", &topic.broker, "--topic", &topic.name];
    Headwater::start(data, &[&settings[..], more].concat())
}

fn json(stream: u64, seqs: Range<u32>) -> Vec<Vec<u8>> {
    seqs.map(|seq| event("shop", stream, seq).to_string().into_bytes()).collect()
}

fn avro(encoder: Encoder, records: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    records.into_iter().map(|record| encoder.encode(&record).unwrap()).collect()
}

/// Partitions that stand, and the alert.
fn standing(headwater: &Headwater) -> [f64; 2] {
    ["headwater_kafka_unreadable{", "headwater_kafka_lag_alert{"].map(|name| metric(headwater, name))
}

#[test]
fn both_forms_are_read_and_what_cannot_be_read_yet_is_not_passed_over() {
    let (Some(url), Some(mut topic)) = (url("avro"), Topic::create("avro", 2)) else { return };
    let id = Client::new(&url, None).unwrap().register(&subject(&topic.name), SCHEMA).unwrap();
    let encoder = Encoder::new(id);
    topic.send_bytes(0, json(1, 0..5).into_iter().chain(avro(encoder, json(1, 5..10))));
    topic.send_bytes(1, json(2, 0..10));
    let dir = tempfile::tempdir().unwrap();

    // Nobody named the registry: what is JSON counts, and the partition with Avro stands where it begins.
    let headwater = start(dir.path(), &topic, &[]);
    headwater.wait_for(&[15, 15, 0, 0], totals);
    headwater.wait_for(&[1.0, 1.0], standing);
    topic.send_bytes(1, json(2, 10..20));
    headwater.wait_for(&[25, 25, 0, 0], totals);
    assert_eq!(headwater.terminate().code(), Some(0));

    // With it the rest counts, also as a copy of the other form; a schema that it does not know stops the partition.
    let headwater = start(dir.path(), &topic, &["--schema-registry", &url]);
    headwater.wait_for(&[30, 30, 0, 0], totals);
    headwater.wait_for(&[0.0, 0.0], standing);
    topic.send_bytes(0, avro(encoder, json(1, 0..2)));
    let unknown = [&frame(4_000_000)[..], b"whatever"].concat();
    topic.send_bytes(0, [unknown].into_iter().chain(json(1, 10..12)));
    topic.send_bytes(1, avro(encoder, json(2, 20..30)));
    headwater.wait_for(&[40, 40, 2, 0], totals);
    headwater.wait_for(&[1.0, 1.0], standing);
    headwater.kill();

    // A start in front of it reads nothing twice, and the other partition goes on.
    let headwater = start(dir.path(), &topic, &["--schema-registry", &url]);
    headwater.wait_for(&[1.0, 1.0], standing);
    topic.send_bytes(1, avro(encoder, json(2, 30..31)));
    headwater.wait_for(&[41, 41, 2, 0], totals);
}

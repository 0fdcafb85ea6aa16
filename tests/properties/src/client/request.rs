//! Reads a request as the server will.

use std::collections::BTreeMap;

use headwater_core::{
    client::{Client, Request, mark},
    ranges::Range,
};
use serde_json::Value;

/// What a request says.
pub(super) struct Said {
    pub(super) seqs: Vec<u32>,
    pub(super) done: u32,
    pub(super) head: u32,
    pub(super) end: bool,
    /// Whether its bodies are under the stream's header.
    pub(super) header: bool,
    pub(super) lost: Vec<Range>,
    /// Counters of refused calls.
    pub(super) refused: BTreeMap<String, u32>,
}

/// The request that was just begun.
pub(super) fn read(client: &Client, request: u32) -> Said {
    let Request { seqs, template, .. } = client.request(request).expect("a request that was just begun");
    let mut text = Vec::new();
    for byte in template {
        match byte {
            mark::HEADER => text.extend_from_slice(br#""header":true"#),
            mark::BODY => text.extend_from_slice(br#""body":0}"#),
            mark::SITE | mark::STREAM => text.extend_from_slice(br#""name""#),
            mark::SENT_AT => text.push(b'1'),
            byte => text.push(byte),
        }
    }
    let request: Value = serde_json::from_slice(&text).expect("a template of JSON");
    let batch = &request["batches"][0];
    let events = batch["events"].as_array().expect("events");
    let written: Vec<_> = events.iter().map(|event| number(&event["seq"])).collect();
    assert_eq!(written, seqs, "the bodies go where the template says");
    assert!(seqs.is_sorted_by(|a, b| a < b), "ascending: {seqs:?}");
    let (done, head) = (number(&batch["at"][0]), number(&batch["at"][1]));
    assert!(done <= head, "done {done} above head {head}");
    let lost = batch["lost"].as_array().map_or(&[][..], Vec::as_slice);
    let lost: Vec<_> = lost.iter().map(|loss| (number(&loss[0]), number(&loss[1]))).collect();
    assert!(lost.iter().all(|(from, to)| from < to), "{lost:?}");
    let refused = batch["refused"].as_object().into_iter().flatten();
    let refused = refused.map(|(verdict, total)| (verdict.clone(), number(total))).collect();
    Said { seqs, done, head, end: batch["end"] == true, header: batch["header"] == true, lost, refused }
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).expect("a number of 32 bits")
}

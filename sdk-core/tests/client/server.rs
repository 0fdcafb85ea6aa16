//! A server that keeps the last stage's books with `Seen`.

use std::collections::BTreeMap;

use headwater_core::seen::{Admission, Seen};
use serde_json::Value;

use crate::storage::Uuid;

/// The last stage's books.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) streams: BTreeMap<Uuid, Books>,
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) seen: Seen,
    pub(crate) named: BTreeMap<u32, String>,
    pub(crate) head: u32,
    /// How often each event was counted.
    pub(crate) counted: BTreeMap<u32, u32>,
}

impl Server {
    /// Whether event `seq` of `uuid` can never be accepted.
    pub(crate) fn is_poison(uuid: Uuid, seq: u32) -> bool {
        (uuid.wrapping_mul(2_654_435_761) ^ seq.wrapping_mul(40_503)).is_multiple_of(41)
    }

    /// Handles a request: status and `hw-ack`.
    pub(crate) fn receive(&mut self, text: &[u8]) -> (u16, u32) {
        let body: Value = serde_json::from_slice(text).expect("JSON");
        let batch = &body["batches"][0];
        let number = |v: &Value| u32::try_from(v.as_u64().expect("a number")).expect("u32");
        let uuid: Uuid = batch["stream"].as_str().and_then(|s| s.parse().ok()).expect("a stream");
        let seqs: Vec<u32> =
            batch["events"].as_array().expect("events").iter().map(|e| number(&e["seq"])).collect();
        assert!(seqs.is_empty() || batch["client_id"] == "c", "events need their header");
        if let Some(poison) = seqs.iter().find(|&&seq| Self::is_poison(uuid, seq)) {
            return ([400, 413, 422][*poison as usize % 3], 0);
        }
        let books = self.streams.entry(uuid).or_default();
        for &seq in &seqs {
            if books.seen.admit(seq) == Admission::Fresh {
                *books.counted.entry(seq).or_default() += 1;
            }
        }
        for loss in batch["lost"].as_array().into_iter().flatten() {
            for seq in number(&loss[0])..number(&loss[1]) {
                books.named.entry(seq).or_insert_with(|| loss[2].as_str().expect("a reason").to_owned());
            }
        }
        let (done, head) = (number(&batch["at"][0]), number(&batch["at"][1]));
        assert!(done <= head, "{batch}");
        books.head = books.head.max(head);
        for seq in 0..done {
            assert!(books.knows(seq), "stream {uuid}: {seq} is below done and unexplained: {batch}");
        }
        (204, u32::try_from(seqs.len()).expect("few"))
    }
}

impl Books {
    pub(crate) fn knows(&self, seq: u32) -> bool {
        self.seen.contains(seq) || self.named.contains_key(&seq)
    }
}

//! A typical request: a shop's page, as the browser's SDK sends it, each of a stream of its own so that no event is a copy.

use fastrand::Rng;
use headwater_bench_core::event;
use serde::de::IgnoredAny;

/// Events of a round, so that it takes milliseconds.
const EVENTS: usize = 2_000;

/// Unix ms.
pub(crate) const NOW: i64 = 1_710_320_010_000;

pub(crate) struct Requests(Rng);

impl Requests {
    pub(crate) fn new() -> Self {
        Self(Rng::with_seed(7))
    }

    /// Bodies of so many events each.
    pub(crate) fn bodies(&mut self, size: usize) -> Vec<Vec<u8>> {
        (0..EVENTS / size).map(|_| self.body(size)).collect()
    }

    fn body(&mut self, size: usize) -> Vec<u8> {
        let rng = &mut self.0;
        let header = event::header(rng);
        let event = |seq: usize| {
            let body = event::body(rng, 1_710_320_000_000 + 20 * seq as u64);
            format!(r#"{{"seq":{seq},"session_id":"018e3a1c-7c00-4abc-9def-0123456789ab",{body}"#)
        };
        let events: Vec<_> = (0..size).map(event).collect();
        format!(
            r#"{{"v":1,"site_id":"site-123","sent_at":{NOW},"batches":[{{{header},"at":[0,{size}],"end":false,"events":[{}]}}]}}"#,
            events.join(",")
        )
        .into_bytes()
    }
}

/// The least that reading it can cost.
pub(crate) fn parse(body: &[u8]) {
    let read: serde_json::Result<IgnoredAny> = serde_json::from_slice(std::hint::black_box(body));
    std::hint::black_box(read.expect("JSON"));
}

//! What the tests of several modules share.

use std::{cell::RefCell, ops::Range, path::Path, rc::Rc, time::Duration};

use headwater_consumer::Source;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    consumer::Runner,
    dictionary::Dictionary,
    source::Wait,
    store::{Readers, Store},
};

/// 2024-03-13 08:53:20 UTC.
pub(crate) const T0: i64 = 1_710_320_000_000;

/// A topic in memory with one partition, which tests can change behind the consumer's back.
#[derive(Clone, Default)]
pub(crate) struct Topic {
    pub(crate) records: Rc<RefCell<Vec<Vec<u8>>>>,
    pub(crate) first: Rc<RefCell<u64>>,
    pub(crate) name: &'static str,
}

impl Topic {
    pub(crate) fn of(records: impl IntoIterator<Item = Value>) -> Self {
        let topic = Self { name: "topic", ..Self::default() };
        topic.push(records);
        topic
    }

    pub(crate) fn push(&self, records: impl IntoIterator<Item = Value>) {
        self.records.borrow_mut().extend(records.into_iter().map(|record| record.to_string().into_bytes()));
    }
}

impl Source for Topic {
    fn name(&self) -> &'static str {
        self.name
    }

    fn parts(&self) -> Vec<i32> {
        vec![0]
    }

    fn bounds(&mut self, _part: i32) -> anyhow::Result<Range<u64>> {
        let first = *self.first.borrow();
        Ok(first..first.max(self.records.borrow().len() as u64))
    }

    fn read(
        &mut self,
        _part: i32,
        from: u64,
        _max_bytes: usize,
        max_records: usize,
    ) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        let records = self.records.borrow();
        let numbered = (0..).zip(records.iter().cloned());
        Ok(numbered.skip(usize::try_from(from)?).take(max_records).collect())
    }

    fn committed(&mut self, _part: i32, _next: u64) {}
}

impl Wait for Topic {
    fn wait(&mut self, _next: &[(i32, u64)], _timeout: Duration) {}
}

/// A consumer of `topic` into the store in `dir`.
pub(crate) fn consumer(dir: &Path, topic: &Topic) -> Runner<Topic> {
    let dictionary = Dictionary::open(&dir.join("dictionary.log")).unwrap();
    let store = Store::open(&dir.join("headwater.duckdb"), &dictionary).unwrap();
    Runner::new(topic.clone(), store, dictionary).unwrap()
}

/// Commits everything that is there.
pub(crate) fn drain(consumer: &mut Runner<Topic>) {
    while consumer.step(Duration::ZERO).unwrap() > 0 {}
}

/// The one number that a query answers.
pub(crate) fn number(readers: &Readers, sql: &str) -> i64 {
    readers.connection().unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

pub(crate) fn stream_id(number: u64) -> String {
    Uuid::from_u128(u128::from(number) << 64 | 0xabc).to_string()
}

/// A page view of a stream.
pub(crate) fn event(site: &str, stream: u64, seq: u32) -> Value {
    let at = T0 + i64::from(seq) * 1000;
    json!({
        "event_id": Uuid::from_u128(u128::from(stream) << 32 | u128::from(seq)).to_string(),
        "stream": stream_id(stream), "seq": seq, "site_id": site, "client_id": format!("client-{stream}"),
        "session_id": format!("session-{stream}"), "event_type": "pageview", "url": format!("/{}", seq % 3),
        "timestamp": at, "ts": at, "sent_at": at + 5, "received_at": at + 10, "schema_version": 1,
    })
}

/// A click without a stream.
pub(crate) fn plain(site: &str, id: u128) -> Value {
    json!({
        "event_id": Uuid::from_u128(id).to_string(), "site_id": site, "client_id": "c", "event_type": "click",
        "timestamp": T0, "ts": T0, "sent_at": T0, "received_at": crate::clock::unix_ms(), "schema_version": 1,
    })
}

/// A ledger record of a stream.
pub(crate) fn ledger(site: &str, stream: u64, at: [u32; 2], lost: &Value) -> Value {
    json!({
        "event_type": "$ledger", "site_id": site, "stream": stream_id(stream), "client_id": "c", "at": at,
        "lost": lost, "by": "sdk", "received_at": T0, "sent_at": T0,
    })
}

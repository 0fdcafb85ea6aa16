//! What the tests of several modules share.

use std::{cell::RefCell, ops::Range, path::Path, rc::Rc, time::Duration};

use headwater_consumer::{Source, bounded};
use serde_json::Value;

use crate::{
    consumer::Runner,
    dictionary::Dictionary,
    source::Wait,
    store::{Readers, Store},
};

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
        max_bytes: usize,
        max_records: usize,
    ) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        let records = self.records.borrow();
        let numbered = (0..).zip(records.iter().map(Vec::as_slice));
        Ok(bounded(numbered.skip(usize::try_from(from)?), max_bytes, max_records))
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

//! A source, a store and numbers in memory.

use std::{collections::BTreeMap, ops::Range};

use anyhow::ensure;
use serde_json::Value;

use crate::{
    Consumer, Counts, Delivery, Kind, Numbers, Source, State, Store, bounded,
    rows::{Commit, EventRow, Offset},
    testing::T0,
};

/// The number of the first site that is named.
pub(crate) const SITE: u64 = 1;

/// Parts, each with its first kept offset and all its records since 0.
#[derive(Default)]
pub(crate) struct Topic {
    pub(crate) parts: BTreeMap<i32, (u64, Vec<Vec<u8>>)>,
    pub(crate) renewed: bool,
}

impl Topic {
    pub(crate) fn of(records: impl IntoIterator<Item = Value>) -> Self {
        let mut topic = Self::default();
        topic.push(0, records);
        topic
    }

    pub(crate) fn push(&mut self, part: i32, records: impl IntoIterator<Item = Value>) {
        let (_, all) = self.parts.entry(part).or_default();
        all.extend(records.into_iter().map(|record| record.to_string().into_bytes()));
    }

    /// Another topic of this name, which a reader is told once.
    pub(crate) fn renew(&mut self, records: impl IntoIterator<Item = Value>) {
        *self = Self { renewed: true, ..Self::of(records) };
    }

    pub(crate) fn delete_before(&mut self, part: i32, offset: u64) {
        self.parts.entry(part).or_default().0 = offset;
    }
}

impl Source for Topic {
    fn name(&self) -> &'static str {
        "topic"
    }

    fn parts(&self) -> Vec<i32> {
        self.parts.keys().copied().collect()
    }

    fn bounds(&mut self, part: i32) -> anyhow::Result<Range<u64>> {
        let (first, records) = &self.parts[&part];
        Ok(*first..(records.len() as u64).max(*first))
    }

    fn read(
        &mut self,
        part: i32,
        from: u64,
        max_bytes: usize,
        max_records: usize,
    ) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        ensure!(!std::mem::take(&mut self.renewed), "it is another topic");
        let bounds = self.bounds(part)?;
        ensure!((bounds.start..=bounds.end).contains(&from), "{from} is not in {bounds:?}");
        let records = (0..).zip(self.parts[&part].1.iter().map(Vec::as_slice));
        Ok(bounded(records.skip(usize::try_from(from)?), max_bytes, max_records))
    }

    fn committed(&mut self, _part: i32, _next: u64) {}
}

/// What becomes of the next commit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// It is told as failed, and happened.
    FailsAfter,
    /// It fails.
    FailsBefore,
}

#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) commits: Vec<Commit>,
    offsets: BTreeMap<i32, Offset>,
    pub(crate) next: Option<Fate>,
    /// Whether it can be read back.
    pub(crate) broken: bool,
}

impl Tables {
    pub(crate) fn events(&self) -> impl Iterator<Item = &EventRow> {
        self.commits.iter().flat_map(|commit| &commit.events)
    }
}

impl Store for Tables {
    fn commit(&mut self, commit: Commit, _source: &str, _names: Counts, _now: i64) -> anyhow::Result<()> {
        let fate = self.next.take();
        if !matches!(fate, Some(Fate::FailsBefore)) {
            self.offsets.extend(commit.offsets.iter().map(|offset| (offset.part, *offset)));
            self.commits.push(commit);
        }
        ensure!(fate.is_none(), "told to fail");
        Ok(())
    }

    fn load(&mut self, now: i64) -> anyhow::Result<State> {
        ensure!(!self.broken, "the tables are broken");
        Ok(State::refold(&self.commits, now))
    }

    fn offsets(&mut self, _source: &str) -> anyhow::Result<Vec<Offset>> {
        Ok(self.offsets.values().copied().collect())
    }
}

#[derive(Default)]
pub(crate) struct Names {
    numbers: BTreeMap<(Kind, u64, Vec<u8>), u64>,
    counts: Counts,
    pub(crate) durable: Counts,
    /// Whether the next sync fails.
    pub(crate) fails: bool,
}

impl Numbers for Names {
    fn number(&mut self, kind: Kind, site: u64, name: &[u8]) -> anyhow::Result<u64> {
        let next = self.counts.of(kind) + 1;
        let number = *self.numbers.entry((kind, site, name.to_vec())).or_insert(next);
        if number == next {
            self.counts = self.counts.with(kind, next);
        }
        Ok(number)
    }

    fn sync(&mut self) -> anyhow::Result<()> {
        ensure!(!std::mem::take(&mut self.fails), "told to fail");
        self.durable = self.counts;
        Ok(())
    }

    fn reopen(&mut self) -> anyhow::Result<()> {
        self.counts = self.durable;
        self.numbers.retain(|(kind, ..), number| *number <= self.durable.of(*kind));
        Ok(())
    }

    fn counts(&self) -> Counts {
        self.counts
    }
}

pub(crate) type InMemory = Consumer<Topic, Tables, Names>;

/// A consumer into empty tables.
pub(crate) fn consumer(topic: Topic) -> InMemory {
    Consumer::new(topic, Tables::default(), Names::default())
}

/// The same process after a crash, with another source if that changed meanwhile.
pub(crate) fn restarted(consumer: InMemory, source: impl FnOnce(Topic) -> Topic) -> InMemory {
    let (topic, tables, names) = consumer.into_parts();
    Consumer::new(source(topic), tables, names)
}

/// Commits everything that is there.
pub(crate) fn drain(consumer: &mut InMemory) {
    while consumer.step(T0).expect("nothing was told to fail") > 0 {}
}

pub(crate) fn delivery(consumer: &InMemory) -> Delivery {
    consumer.state().read().expect("nothing panicked").delivery(SITE, T0, usize::MAX)
}

/// known, counted, copies, lost, and plain events: counted, copies
pub(crate) fn totals(consumer: &InMemory) -> [u64; 6] {
    let Delivery { total, plain, .. } = delivery(consumer);
    [total.known, total.counted, total.copies, total.lost_total(), plain.counted, plain.copies]
}

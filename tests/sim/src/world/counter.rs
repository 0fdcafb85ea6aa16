//! The last stage: the real consumer before a store in memory, and what can happen to both.

use headwater_consumer::{Consumer, Source, rows::Commit};

use crate::{
    behind::{
        numbers::Names,
        store::{Backup, Failure, Store},
    },
    breach::Kind,
    names::Named,
    oracle::Oracle,
    trace::{Lane, Trace},
};

/// How long after the first waiting record a commit begins, ms, as in the program.
const LINGER_MS: u64 = 250;

/// First and longest wait after failures in a row, ms.
const PAUSE_MS: (u64, u64) = (100, 300_000);

/// A consumer and its store.
pub(crate) struct Counter<S> {
    /// Absent only while it is taken apart.
    consumer: Option<Consumer<S, Store, Names>>,
    backup: Option<Backup>,
    next_at: Option<u64>,
    failing: u8,
    failure: Failure,
    /// Failures in a row.
    failures: u32,
}

impl<S: Source> Counter<S> {
    pub(crate) fn new(source: S) -> Self {
        Self {
            consumer: Some(Consumer::new(source, Store::default(), Names::default())),
            backup: None,
            next_at: None,
            failing: 0,
            failure: Failure::Before,
            failures: 0,
        }
    }

    pub(crate) fn source(&self) -> &S {
        self.consumer().source()
    }

    pub(crate) fn source_mut(&mut self) -> &mut S {
        self.consumer.as_mut().expect("whole between calls").source_mut()
    }

    pub(crate) fn consumer(&self) -> &Consumer<S, Store, Names> {
        self.consumer.as_ref().expect("whole between calls")
    }

    /// Something durable waits.
    pub(crate) fn wake(&mut self, now: u64) {
        let at = now + LINGER_MS;
        self.next_at = Some(self.next_at.map_or(at, |next| next.min(at)));
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.next_at
    }

    pub(crate) fn fail(&mut self, count: u8, failure: Failure) {
        (self.failing, self.failure) = (count, failure);
    }

    /// Reads and commits, if it is time.
    pub(crate) fn advance(&mut self, now: u64, unix: i64, trace: &mut Trace) {
        if self.next_at.is_none_or(|at| at > now) {
            return;
        }
        let consumer = self.consumer.as_mut().expect("whole between calls");
        if self.failing > 0 {
            self.failing -= 1;
            consumer.store_mut().fail_next_commit(self.failure);
        }
        match consumer.step(unix) {
            Ok(0) => (self.next_at, self.failures) = (None, 0),
            Ok(count) => {
                self.failures = 0;
                self.next_at = Some(now + LINGER_MS);
                trace.message(now, Lane::Log, Lane::Store, || format!("{count} records committed"));
            }
            Err(error) => {
                let pause = PAUSE_MS.0 << self.failures.min(16);
                self.failures += 1;
                self.next_at = Some(now + pause.min(PAUSE_MS.1));
                trace.message(now, Lane::Log, Lane::Store, || format!("no commit: {error:#}"));
            }
        }
    }

    /// No faults any more.
    pub(crate) fn heal(&mut self, now: u64) {
        (self.failing, self.failures) = (0, 0);
        self.wake(now);
    }

    /// The process ends and is started again.
    pub(crate) fn crash(&mut self, now: u64) {
        if let Some(consumer) = self.consumer.take() {
            let (source, store, mut numbers) = consumer.into_parts();
            // Only a numbers file that cannot be read fails here, and this one is memory.
            headwater_consumer::Numbers::reopen(&mut numbers).expect("memory can be read");
            self.consumer = Some(Consumer::new(source, store, numbers));
            self.wake(now);
        }
    }

    pub(crate) fn back_up(&mut self) {
        self.backup = Some(self.consumer().store().backup());
    }

    /// Back to the backup, or to nothing if there was none.
    pub(crate) fn restore(&mut self, now: u64) {
        let backup = self.backup.clone().unwrap_or_else(|| Store::default().backup());
        if let Some(consumer) = &mut self.consumer {
            consumer.store_mut().restore(&backup);
        }
        self.crash(now);
    }

    /// What the committed rows speak of.
    pub(crate) fn committed(&self) -> Vec<Named> {
        self.consumer().store().commits().flat_map(named).collect()
    }

    /// No record may have been read that is not durable.
    pub(crate) fn judge_places(&self, end: u64, oracle: &mut Oracle) {
        for (_, next) in self.consumer().places() {
            if next > end {
                oracle.breach(Kind::Conservation, || {
                    format!("the consumer is at offset {next}, and only {end} are durable")
                });
            }
        }
    }
}

fn named(commit: &Commit) -> impl Iterator<Item = Named> {
    let events = commit
        .events
        .iter()
        .filter_map(|row| Some(Named::Event { stream: row.event.stream?.as_u128(), seq: row.event.seq? }));
    let ledger = commit.ledger.iter().filter_map(|row| {
        let lost = row.ledger.lost.iter().map(|lost| (lost.from, lost.to, lost.reason.clone()));
        Some(Named::Ledger { stream: row.ledger.stream?.as_u128(), lost: lost.collect() })
    });
    events.chain(ledger)
}

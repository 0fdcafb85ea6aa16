//! One machine behind the edge: a log, its fsyncs, its consumer.

use std::collections::VecDeque;

use fastrand::Rng;
use headwater_collector::Unavailable;

use super::{
    counter::Counter,
    stage::{Answer, Watch},
};
use crate::{
    behind::log::Log,
    names::{self, Named},
    oracle::By,
    trace::Lane,
};

pub(crate) struct Embedded {
    pub(crate) counter: Counter<Log>,
    /// What each record of the log speaks of.
    names: Vec<Named>,
    /// The first that retention left.
    first: usize,
    /// So many of them are durable, as far as the oracle was told.
    told: usize,
    /// Requests that wait for an fsync, with the end of their records.
    waiting: VecDeque<(u64, u64)>,
    answers: Vec<Answer>,
    incarnation: u128,
    backup: Option<Backup>,
}

#[derive(Clone, Default)]
struct Backup {
    log: Log,
    first: usize,
    told: usize,
}

impl Embedded {
    pub(crate) fn new() -> Self {
        Self {
            counter: Counter::new(Log::default()),
            names: Vec::new(),
            first: 0,
            told: 0,
            waiting: VecDeque::new(),
            answers: Vec::new(),
            incarnation: 1,
            backup: None,
        }
    }

    pub(crate) fn submit(&mut self, watch: &mut Watch<'_>, ticket: Option<u64>, records: Vec<Vec<u8>>) {
        self.names.extend(records.iter().map(|record| names::of_record(record)));
        // Between a quick disk and a busy one.
        let fsync_takes = 1 + (watch.now.wrapping_mul(0x9e37_79b9) >> 7) % 40;
        let end = self.counter.source_mut().append(watch.now, fsync_takes, records);
        if let Some(ticket) = ticket {
            self.waiting.push_back((end, ticket));
        }
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.counter.source().poll_timeout().into_iter().chain(self.counter.next_at()).min()
    }

    pub(crate) fn advance(&mut self, watch: &mut Watch<'_>) {
        self.counter.source_mut().advance(watch.now);
        self.note_durable(watch);
        self.counter.advance(watch.now, watch.unix(), watch.trace);
        let end = self.counter.source().durable_end();
        self.counter.judge_places(end, watch.oracle);
    }

    pub(crate) fn take_answers(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers)
    }

    pub(crate) fn incarnation(&self) -> u128 {
        self.incarnation
    }

    /// The process ends and is started again; of what was not fsynced a part reached the disk.
    pub(crate) fn crash(&mut self, watch: &mut Watch<'_>, seed: u64) {
        let kept = [0, 0, 50, 100][Rng::with_seed(seed).usize(0..4)];
        let log = self.counter.source_mut();
        let kept = log.unsynced_bytes() * kept / 100;
        log.crash(kept);
        let end = usize::try_from(log.end()).unwrap_or(usize::MAX);
        self.names.truncate(end);
        self.waiting.clear();
        self.counter.crash(watch.now);
        self.note_durable(watch);
    }

    pub(crate) fn back_up(&mut self) {
        let mut log = self.counter.source().clone();
        log.crash(0);
        self.backup = Some(Backup { log, first: self.first, told: self.told });
        self.counter.back_up();
    }

    /// The store goes back to its backup, and with `log` the log too; that is another storage then.
    pub(crate) fn restore(&mut self, watch: &mut Watch<'_>, log: bool) {
        if log {
            let backup = self.backup.clone().unwrap_or_default();
            (self.first, self.told) = (backup.first, backup.told);
            *self.counter.source_mut() = backup.log;
            self.names.truncate(self.told);
            self.waiting.clear();
            self.incarnation += 1;
        }
        self.counter.restore(watch.now);
        // The log is what edges hear of.
        let by = if log { By::Operator } else { By::OperatorQuietly };
        self.recount(watch, by, "a restore");
    }

    pub(crate) fn retain(&mut self, watch: &mut Watch<'_>, kept: u8) {
        self.first = self.first.max(self.told.saturating_sub(kept.into()));
        self.counter.source_mut().delete_before(self.first as u64);
        self.recount(watch, By::OperatorQuietly, "retention");
    }

    fn recount(&mut self, watch: &mut Watch<'_>, by: By, cause: &'static str) {
        let left = self.counter.committed();
        watch.oracle.recount(left.iter().chain(&self.names[self.first..self.told]), by, cause);
    }

    fn note_durable(&mut self, watch: &mut Watch<'_>) {
        let end = self.counter.source().durable_end();
        let durable = usize::try_from(end).unwrap_or(usize::MAX);
        if durable > self.told {
            for named in &self.names[self.told..durable] {
                watch.oracle.durable(named);
            }
            watch.trace.message(watch.now, Lane::Log, Lane::Log, || format!("durable up to offset {end}"));
            self.told = durable;
            self.counter.wake(watch.now);
        }
        while let Some((_, ticket)) = self.waiting.pop_front_if(|(upto, _)| *upto <= end) {
            let incarnation = Some(self.incarnation);
            self.answers.push(Answer { ticket, result: Ok::<(), Unavailable>(()), incarnation });
        }
    }
}

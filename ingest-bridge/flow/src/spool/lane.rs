//! The spool of one partition: what it holds, and the batch of it that is on its way to the broker.

use std::collections::VecDeque;

use crate::{
    input::Found,
    limits::{Backoff, Limits},
};

/// Ages are kept in so many steps, whatever the number of records.
const AGE_STEPS: u64 = 256;

#[derive(Debug)]
pub(crate) struct Lane {
    /// The oldest record that is not known to be with the broker.
    first: u64,
    /// All below are durable.
    synced: u64,
    /// What the sync that is under way will make durable.
    syncing: u64,
    end: u64,
    bytes: u64,
    /// When the records from an offset on are too old, ascending in both; the first entry covers `first`.
    expiries: VecDeque<(u64, u64)>,
    batch: Option<Batch>,
    is_reading: bool,
    retry_at: u64,
    backoff: Backoff,
}

#[derive(Debug)]
struct Batch {
    number: u64,
    lens: Vec<u64>,
    is_with_broker: Vec<bool>,
    left: usize,
}

/// What became free.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Freed {
    pub(crate) bytes: u64,
    /// The lane's first offset now, if it moved.
    pub(crate) upto: Option<u64>,
}

impl Lane {
    /// An empty lane whose next offset is `end`.
    pub(crate) fn new(end: u64, limits: &Limits) -> Self {
        Self {
            first: end,
            synced: end,
            syncing: end,
            end,
            bytes: 0,
            expiries: VecDeque::new(),
            batch: None,
            is_reading: false,
            retry_at: 0,
            backoff: Backoff::new(limits.backoff_ms),
        }
    }

    pub(crate) fn found(found: &Found, now: u64, limits: &Limits) -> Self {
        let expires = (now + limits.spool_age_ms).saturating_sub(found.age_ms);
        Self {
            first: found.first,
            bytes: found.bytes,
            expiries: [(found.first, expires)].into(),
            ..Self::new(found.end, limits)
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first == self.end
    }

    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether its oldest record is too old for more to queue behind it.
    pub(crate) fn is_expired(&self, now: u64) -> bool {
        !self.is_empty() && self.expiries.front().is_some_and(|(_, expires)| *expires <= now)
    }

    pub(crate) fn append(&mut self, now: u64, bytes: u64, limits: &Limits) -> u64 {
        let expires = now + limits.spool_age_ms;
        let step = limits.spool_age_ms / AGE_STEPS;
        // An entry stands for the step that follows it: ages are rounded up.
        if self.expiries.back().is_none_or(|(_, last)| last + step < expires) {
            self.expiries.push_back((self.end, expires));
        }
        self.end += 1;
        self.bytes += bytes;
        self.end - 1
    }

    pub(crate) fn sync(&mut self) {
        self.syncing = self.end;
    }

    pub(crate) fn synced(&mut self) {
        self.synced = self.syncing;
    }

    /// When a batch can be read, if there is one to read.
    pub(crate) fn readable_at(&self) -> Option<u64> {
        let is_idle = self.batch.is_none() && !self.is_reading;
        (is_idle && self.synced > self.first).then_some(self.retry_at)
    }

    pub(crate) fn read(&mut self) -> u64 {
        self.is_reading = true;
        self.first
    }

    /// A batch was read and is on its way. False if nobody asked for it (any more).
    pub(crate) fn begin(&mut self, number: u64, from: u64, lens: Vec<u64>) -> bool {
        let is_due = std::mem::take(&mut self.is_reading) && from == self.first && self.batch.is_none();
        if is_due {
            self.batch =
                Some(Batch { number, left: lens.len(), is_with_broker: vec![false; lens.len()], lens });
        }
        is_due
    }

    /// A record of the batch is with the broker.
    pub(crate) fn is_with_broker(&mut self, number: u64, index: usize) -> Freed {
        let Some(batch) = self.batch.as_mut().filter(|batch| batch.number == number) else {
            return Freed::default();
        };
        if !std::mem::replace(&mut batch.is_with_broker[index], true) {
            batch.left -= 1;
        }
        if batch.left > 0 {
            return Freed::default();
        }
        self.backoff.reset();
        self.end_batch()
    }

    /// The batch did not get through: what follows its unbroken beginning is read again, later.
    pub(crate) fn fail(&mut self, number: u64, now: u64) -> Freed {
        if self.batch.as_ref().is_none_or(|batch| batch.number != number) {
            return Freed::default();
        }
        self.retry_at = self.backoff.after(now);
        self.end_batch()
    }

    /// Nothing came of a read.
    pub(crate) fn read_nothing(&mut self, now: u64) {
        self.is_reading = false;
        self.retry_at = self.backoff.after(now);
    }

    pub(crate) fn hurry(&mut self) {
        self.retry_at = 0;
    }

    fn end_batch(&mut self) -> Freed {
        let Some(batch) = self.batch.take() else { return Freed::default() };
        let records = batch.is_with_broker.iter().take_while(|is_there| **is_there).count();
        if records == 0 {
            return Freed::default();
        }
        self.first += records as u64;
        let bytes = batch.lens[..records].iter().sum::<u64>().min(self.bytes);
        self.bytes -= bytes;
        while self.expiries.get(1).is_some_and(|(from, _)| *from <= self.first) {
            self.expiries.pop_front();
        }
        Freed { bytes, upto: Some(self.first) }
    }
}

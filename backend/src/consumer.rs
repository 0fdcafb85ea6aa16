//! Reads records, decides about them, and commits what is new together with how far it read.
//!
//! **Marks only from committed state.** A commit that fails throws away what was in memory: state and
//! offsets are read back from the tables, and the records are read again. Nothing is skipped, and nothing
//! is counted twice.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;

use crate::{
    clock,
    dictionary::Dictionary,
    fold::{Batch, State, hash},
    query::Queries,
    source::Source,
    store::{Store, rows::Offset},
};

/// How long after the first waiting record a commit begins: an event is in the answers within a second,
/// and a transaction's fixed cost is paid four times a second at most.
pub const LINGER: Duration = Duration::from_millis(250);

/// More records than this are committed without lingering.
pub const MAX_RECORDS: usize = 10_000;

/// More bytes than this likewise, so that large events do not add up to gigabytes.
const MAX_BYTES: usize = 32 << 20;

/// How long it waits for records before it looks whether it should stop.
const IDLE: Duration = Duration::from_millis(100);

/// A database that failed so often in a row does not recover by itself.
const MAX_FAILURES: u32 = 5;

/// The names of what has no stream are thinned out so often.
const EXPIRE_EVERY: Duration = Duration::from_hours(6);

/// The consumer of one source into one store.
pub struct Consumer<S> {
    source: S,
    store: Store,
    dictionary: Dictionary,
    state: Arc<RwLock<State>>,
    next: BTreeMap<i32, Offset>,
    /// Memory may say what is not committed: it must be read back before anything else is decided.
    stale: bool,
    expired: Instant,
}

impl<S: Source> Consumer<S> {
    /// Reads back what the store knows and finds where to go on.
    pub fn new(source: S, mut store: Store, dictionary: Dictionary) -> anyhow::Result<Self> {
        let state = Arc::new(RwLock::new(store.load(clock::unix_ms())?));
        let (next, expired) = (BTreeMap::new(), Instant::now());
        let mut consumer = Self { source, store, dictionary, state, next, stale: false, expired };
        consumer.resume()?;
        Ok(consumer)
    }

    /// The committed state, for readers.
    pub fn state(&self) -> Arc<RwLock<State>> {
        Arc::clone(&self.state)
    }

    /// What can be asked while it runs.
    pub fn queries(&self) -> anyhow::Result<Queries> {
        Ok(Queries::new(self.store.readers()?, self.dictionary.names(), self.state()))
    }

    /// Commits until `stop` is set and everything durable by then is committed.
    ///
    /// # Errors
    /// When the database or the log cannot be used any more; a restart continues after the last commit.
    pub fn run(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut failures = 0;
        loop {
            let stopping = stop.load(Ordering::Acquire);
            let linger = if stopping { Duration::ZERO } else { LINGER };
            match self.step(linger) {
                Ok(0) if stopping => return Ok(()),
                Ok(0) => self.source.wait(&self.places(), IDLE),
                Ok(_) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::error!(failures, error = format!("{error:#}"), "a commit failed");
                    if failures >= MAX_FAILURES {
                        return Err(error.context("the consumer gives up"));
                    }
                    thread::sleep(Duration::from_millis(100) * failures);
                }
            }
        }
    }

    /// Commits the records that are there, or come within `linger`. Returns how many there were.
    ///
    /// # Errors
    /// What was decided since the last commit is forgotten, and read again in the next step.
    pub fn step(&mut self, linger: Duration) -> anyhow::Result<usize> {
        if self.stale {
            self.refold().context("the tables cannot be read back")?;
        }
        let records = self.read(linger)?;
        if !records.is_empty() {
            self.stale = true;
            self.commit(&records)?;
            self.stale = false;
        }
        Ok(records.len())
    }

    /// Makes the next start quick.
    pub fn checkpoint(&self) -> anyhow::Result<()> {
        Ok(self.store.checkpoint()?)
    }

    fn read(&mut self, linger: Duration) -> anyhow::Result<Vec<(i32, u64, Vec<u8>)>> {
        let mut records = Vec::new();
        let mut bytes = 0;
        let mut places: BTreeMap<i32, u64> = self.places().into_iter().collect();
        let mut deadline = None;
        loop {
            for (part, next) in &mut places {
                let (room, left) = (MAX_BYTES.saturating_sub(bytes), MAX_RECORDS - records.len());
                if room == 0 || left == 0 {
                    return Ok(records);
                }
                for (offset, record) in self.source.read(*part, *next, room, left)? {
                    *next = offset + 1;
                    bytes += record.len();
                    records.push((*part, offset, record));
                }
            }
            if records.is_empty() {
                return Ok(records);
            }
            let now = Instant::now();
            let left = deadline.get_or_insert(now + linger).saturating_duration_since(now);
            if left.is_zero() {
                return Ok(records);
            }
            let places: Vec<_> = places.iter().map(|(part, next)| (*part, *next)).collect();
            self.source.wait(&places, left);
        }
    }

    fn commit(&mut self, records: &[(i32, u64, Vec<u8>)]) -> anyhow::Result<()> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::new(&state, &mut self.dictionary);
        for (part, offset, record) in records {
            batch.record(*part, *offset, record)?;
        }
        let (mut commit, changes) = batch.finish();
        drop(state);

        let last: BTreeMap<i32, &(i32, u64, Vec<u8>)> =
            records.iter().map(|record| (record.0, record)).collect();
        let mut next = self.next.clone();
        next.extend(last.into_iter().map(|(part, (_, offset, record))| {
            (part, Offset { part, next: offset + 1, fingerprint: hash(record) })
        }));
        commit.offsets = next.values().copied().collect();
        // A number that the database uses must be in the dictionary whatever happens next.
        self.dictionary.sync()?;
        let names = self.dictionary.counts();
        self.store.commit(&commit, self.source.name(), names, clock::unix_ms())?;

        self.next = next;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.apply(changes);
        if self.expired.elapsed() > EXPIRE_EVERY {
            self.expired = Instant::now();
            state.window_mut().expire(clock::unix_ms());
        }
        drop(state);
        for place in self.next.values() {
            self.source.committed(place.part, place.next);
        }
        Ok(())
    }

    /// Forgets everything in memory and reads it back.
    fn refold(&mut self) -> anyhow::Result<()> {
        self.dictionary.reopen()?;
        let state = self.store.load(clock::unix_ms())?;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.resume()?;
        self.stale = false;
        Ok(())
    }

    fn places(&self) -> Vec<(i32, u64)> {
        self.next.values().map(|place| (place.part, place.next)).collect()
    }

    /// Finds where to go on in each part.
    fn resume(&mut self) -> anyhow::Result<()> {
        let stored = self.store.offsets(self.source.name())?;
        self.next.clear();
        for part in self.source.parts() {
            let place = match stored.get(&part) {
                Some(place) => self.resume_at(*place)?,
                None => Offset { part, next: self.source.bounds(part)?.start, fingerprint: 0 },
            };
            self.next.insert(part, place);
        }
        Ok(())
    }

    /// The stored place, or the start if the source is not the one that was read.
    fn resume_at(&mut self, place: Offset) -> anyhow::Result<Offset> {
        let Offset { part, next, fingerprint } = place;
        let bounds = self.source.bounds(part)?;
        let start = Offset { part, next: bounds.start, fingerprint: 0 };
        let source = self.source.name();
        if next > bounds.end {
            tracing::warn!(
                source,
                part,
                next,
                end = bounds.end,
                "it ends before what was read: reading it anew"
            );
            return Ok(start);
        }
        if next < bounds.start {
            tracing::error!(
                source,
                part,
                from = next,
                to = bounds.start,
                "records were deleted before they were read"
            );
            return Ok(start);
        }
        if next > bounds.start {
            let before = self.source.read(part, next - 1, 1, 1)?;
            if before.first().is_none_or(|(_, record)| hash(record) != fingerprint) {
                tracing::warn!(
                    source,
                    part,
                    next,
                    "it is another one than was read before: reading it from the start"
                );
                return Ok(start);
            }
        }
        Ok(place)
    }
}

#[cfg(test)]
mod tests;

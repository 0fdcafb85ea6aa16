//! Reads records, decides about them, and commits what is new together with how far it read.
//!
//! **Marks only from committed state.** A commit that fails throws away what was in memory: state and
//! offsets are read back from the store, and the records are read again. Nothing is skipped, and nothing
//! is counted twice.

use std::{
    mem,
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::Context;
use headwater_core::planted;
use headwater_numbers::days::HOUR_MS;

use crate::{
    Batch, Changes, Numbers, Source, State, Store, hash,
    resume::{self, Resume},
    rows::{Commit, Deleted, Offset},
};

/// More records than this are committed without waiting for others.
pub const MAX_RECORDS: usize = 10_000;

/// More bytes than this likewise, so that large events do not add up to gigabytes.
const MAX_BYTES: usize = 32 << 20;

/// The names of what has no stream are thinned out so often, milliseconds.
pub const EXPIRE_EVERY_MS: i64 = 6 * HOUR_MS;

/// The consumer of one source into one store.
///
/// Whoever drives it calls [`gather`](Self::gather) until enough records wait, then [`commit`](Self::commit), and
/// after an error waits a while and goes on; what has to be read back then, it knows itself.
pub struct Consumer<S, D, N> {
    source: S,
    store: D,
    numbers: N,
    state: Arc<RwLock<State>>,
    places: Vec<Place>,
    /// Read and not committed: part, offset, record.
    waiting: Vec<(i32, u64, Vec<u8>)>,
    waiting_bytes: usize,
    trust: Trust,
    expired_at: i64,
}

/// How far one part is read.
struct Place {
    part: i32,
    /// The next offset to read.
    next: u64,
    /// Index of its last record in `waiting`.
    last: Option<usize>,
    /// What was deleted before it was read, and is not committed yet.
    deleted: Option<Range<u64>>,
}

/// What of the memory is sure to be what was committed.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Trust {
    All,
    Nothing,
    /// But not the places.
    State,
}

impl<S: Source, D: Store, N: Numbers> Consumer<S, D, N> {
    /// Knows nothing yet: [`load`](Self::load) or the first [`gather`](Self::gather) reads back what the store holds.
    pub fn new(source: S, store: D, numbers: N) -> Self {
        Self {
            source,
            store,
            numbers,
            state: Arc::default(),
            places: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            trust: Trust::Nothing,
            expired_at: 0,
        }
    }

    /// Reads back what the store knows as of `now` (Unix milliseconds) and finds where to go on.
    pub fn load(&mut self, now: i64) -> anyhow::Result<()> {
        self.trust = Trust::Nothing;
        let state = self.store.load(now)?;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.expired_at = now;
        self.trust = Trust::State;
        self.find_places()
    }

    /// Forgets everything in memory, also names that are not durable, and reads it back: as a restart does.
    pub fn refold(&mut self, now: i64) -> anyhow::Result<()> {
        self.trust = Trust::Nothing;
        self.numbers.reopen()?;
        self.load(now)
    }

    /// Reads what is durable. Returns how many records it added to those that wait for their commit.
    ///
    /// # Errors
    /// What waits may be forgotten, and is read again by the next call.
    pub fn gather(&mut self, now: i64) -> anyhow::Result<usize> {
        match self.trust {
            Trust::All => self.find_new_parts()?,
            Trust::Nothing => self.refold(now).context("the tables cannot be read back")?,
            Trust::State => self.find_places()?,
        }
        let read = self.read();
        if read.is_err() {
            self.trust = Trust::State;
        }
        read
    }

    /// How many records wait for their commit.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether more records should not be waited for.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_RECORDS || self.waiting_bytes >= MAX_BYTES
    }

    /// Commits what waits. Returns how many records that were.
    ///
    /// # Errors
    /// What was decided since the last commit is forgotten, and read again by the next [`gather`](Self::gather).
    pub fn commit(&mut self, now: i64) -> anyhow::Result<usize> {
        let due = !self.waiting.is_empty() || self.places.iter().any(|place| place.deleted.is_some());
        if self.trust != Trust::All || !due {
            return Ok(0);
        }
        self.trust = Trust::Nothing;
        let (commit, changes) = self.decide(now)?;
        // A number that the store uses must be known whatever happens next.
        self.numbers.sync()?;
        if let Err(error) = self.write(commit, now) {
            if planted!(CommitFailedMarksStay) {
                self.apply(changes, now);
                self.trust = Trust::State;
            }
            return Err(error);
        }
        self.apply(changes, now);
        self.trust = Trust::All;
        Ok(self.go_on())
    }

    /// [`gather`](Self::gather) and [`commit`](Self::commit).
    pub fn step(&mut self, now: i64) -> anyhow::Result<usize> {
        self.gather(now)?;
        self.commit(now)
    }

    /// The committed state, for readers.
    pub fn state(&self) -> Arc<RwLock<State>> {
        Arc::clone(&self.state)
    }

    /// The next offset to read of each part.
    pub fn places(&self) -> Vec<(i32, u64)> {
        self.places.iter().map(|place| (place.part, place.next)).collect()
    }

    /// Where it reads.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The same, to wait for records or to be written to.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Where it commits.
    pub fn store(&self) -> &D {
        &self.store
    }

    /// The same. Whoever changes what is committed must [`refold`](Self::refold).
    pub fn store_mut(&mut self) -> &mut D {
        &mut self.store
    }

    /// Where its names have numbers.
    pub fn numbers(&self) -> &N {
        &self.numbers
    }

    /// Takes it apart, as a crash does: what waits is forgotten.
    pub fn into_parts(self) -> (S, D, N) {
        (self.source, self.store, self.numbers)
    }

    fn read(&mut self) -> anyhow::Result<usize> {
        let before = self.waiting.len();
        for place in &mut self.places {
            let room = MAX_BYTES.saturating_sub(self.waiting_bytes);
            let left = MAX_RECORDS.saturating_sub(self.waiting.len());
            if room == 0 || left == 0 {
                break;
            }
            for (offset, record) in self.source.read(place.part, place.next, room, left)? {
                if !self.source.prepare(place.part, offset, &record) {
                    break;
                }
                place.next = offset + 1;
                place.last = Some(self.waiting.len());
                self.waiting_bytes += record.len();
                self.waiting.push((place.part, offset, record));
            }
        }
        Ok(self.waiting.len() - before)
    }

    fn decide(&mut self, now: i64) -> anyhow::Result<(Commit, Changes)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::new(&state, &mut self.numbers);
        for (part, offset, record) in &self.waiting {
            batch.record(*part, *offset, &self.source.text(record))?;
        }
        let (mut commit, mut changes) = batch.finish();
        let source = self.source.name();
        for Place { part, next, last, deleted } in &self.places {
            let last = last.map(|index| hash(&self.waiting[index].2));
            if last.is_some() || deleted.is_some() {
                commit.offsets.push(Offset { part: *part, next: *next, fingerprint: last.unwrap_or(0) });
            }
            commit.deleted.extend(deleted.as_ref().map(|span| Deleted {
                source: source.to_owned(),
                part: *part,
                from: span.start,
                to: span.end,
                noticed_at: now,
            }));
        }
        changes.deleted.clone_from(&commit.deleted);
        Ok((commit, changes))
    }

    fn write(&mut self, mut commit: Commit, now: i64) -> anyhow::Result<()> {
        let (source, names) = (self.source.name(), self.numbers.counts());
        if planted!(OffsetsApart) {
            let offsets = mem::take(&mut commit.offsets);
            let committed = self.store.commit(commit, source, names, now);
            self.store.commit(Commit { offsets, ..Commit::default() }, source, names, now)?;
            return committed;
        }
        self.store.commit(commit, source, names, now)
    }

    fn apply(&mut self, changes: Changes, now: i64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.apply(changes);
        if now - self.expired_at > EXPIRE_EVERY_MS {
            self.expired_at = now;
            state.window_mut().expire(now);
        }
    }

    /// What waited is committed.
    fn go_on(&mut self) -> usize {
        let (count, full) = (self.waiting.len(), self.is_full());
        self.waiting.clear();
        self.waiting_bytes = 0;
        for place in &mut self.places {
            if place.last.take().is_some() | place.deleted.take().is_some() {
                self.source.committed(place.part, place.next);
            }
        }
        if full && let [_, _, ..] = self.places[..] {
            // Otherwise the first part with a backlog would be the only one that is read.
            self.places.rotate_left(1);
        }
        count
    }

    /// Looks anew where to go on in every part; what waited is read again.
    fn find_places(&mut self) -> anyhow::Result<()> {
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.places.clear();
        self.trust = Trust::All;
        self.find_new_parts()
    }

    fn find_new_parts(&mut self) -> anyhow::Result<()> {
        let mut parts = self.source.parts();
        parts.retain(|part| self.places.iter().all(|place| place.part != *part));
        if parts.is_empty() {
            return Ok(());
        }
        let found = self.find_parts(&parts);
        if found.is_err() {
            self.trust = Trust::State;
        }
        found
    }

    fn find_parts(&mut self, parts: &[i32]) -> anyhow::Result<()> {
        let stored = self.store.offsets(self.source.name())?;
        for part in parts {
            let stored = stored.iter().find(|offset| offset.part == *part);
            let place = self.resume(*part, stored.copied())?;
            self.places.push(place);
        }
        Ok(())
    }

    fn resume(&mut self, part: i32, stored: Option<Offset>) -> anyhow::Result<Place> {
        let bounds = self.source.bounds(part)?;
        let mut before = None;
        if let Some(Offset { next, .. }) = stored.filter(|_| resume::is_checked(stored, &bounds)) {
            let read = self.source.read(part, next - 1, 1, 1)?;
            before = read.first().filter(|(offset, _)| *offset == next - 1).map(|(_, record)| hash(record));
        }
        let resumed = resume::resume(stored, &bounds, before);
        let mut deleted = None;
        match &resumed {
            Resume::Deleted(span) => {
                let source = self.source.name();
                tracing::error!(source, part, ?span, "records were deleted before they were read");
                deleted = Some(span.clone());
            }
            Resume::On(next) => self.source.committed(part, *next),
            Resume::Restart(start, mismatch) => {
                tracing::warn!(
                    source = self.source.name(),
                    part,
                    start,
                    ?mismatch,
                    ?stored,
                    "not what was read before: reading it anew"
                );
            }
        }
        Ok(Place { part, next: resumed.next(), last: None, deleted })
    }
}

#[cfg(test)]
mod tests;

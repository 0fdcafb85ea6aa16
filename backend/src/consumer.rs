//! Drives the consumer on a thread: how long records are waited for, what happens after a failure, and when it
//! gives up. What is decided about records is [`headwater_consumer`]'s.

use std::{
    hint::black_box,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use headwater_consumer::{Consumer, Source, State, Unready};

use crate::{clock, dictionary::Dictionary, query::Queries, source::Wait, store::Store};

/// How long after the first waiting record a commit begins: an event is in the answers within a second,
/// and a transaction's fixed cost is paid four times a second at most.
pub const LINGER: Duration = Duration::from_millis(250);

/// How long it waits for records before it looks whether it should stop.
const IDLE: Duration = Duration::from_millis(100);

/// How long it waits after a source could not be read.
const UNREADY: Duration = Duration::from_millis(250);

/// A database that failed so often in a row does not recover by itself.
const MAX_FAILURES: u32 = 5;

/// Just below what glibc's thresholds may become at most, 32 MiB.
const KEPT_BYTES: usize = 31 << 20;

/// The consumer of one source into the database.
pub struct Runner<S> {
    consumer: Consumer<S, Store, Dictionary>,
}

impl<S: Source + Wait> Runner<S> {
    /// Reads back what the store knows and finds where to go on, later if the source is not ready.
    pub fn new(source: S, store: Store, dictionary: Dictionary) -> anyhow::Result<Self> {
        let mut consumer = Consumer::new(source, store, dictionary);
        match consumer.load(clock::unix_ms()) {
            Err(error) if !error.is::<Unready>() => Err(error),
            _ => Ok(Self { consumer }),
        }
    }

    /// The committed state, for readers.
    pub fn state(&self) -> Arc<RwLock<State>> {
        self.consumer.state()
    }

    /// What can be asked while it runs.
    pub fn queries(&self) -> anyhow::Result<Queries> {
        let readers = self.consumer.store().readers()?;
        Ok(Queries::new(readers, self.consumer.numbers().names(), self.state()))
    }

    /// Commits until `stop` is set and everything durable by then is committed.
    ///
    /// # Errors
    /// When the database or the log cannot be used any more; a restart continues after the last commit.
    pub fn run(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        keep_memory();
        let mut failures = 0;
        loop {
            let stopping = stop.load(Ordering::Acquire);
            let linger = if stopping { Duration::ZERO } else { LINGER };
            if stopping {
                self.consumer.source_mut().end();
            }
            match self.step(linger) {
                Ok(0) if stopping => return Ok(()),
                Ok(0) => self.wait(IDLE),
                Ok(_) => failures = 0,
                Err(error) if error.is::<Unready>() => {
                    tracing::warn!(error = format!("{error:#}"), "the source cannot be read now");
                    if stopping {
                        return Ok(());
                    }
                    thread::sleep(UNREADY);
                }
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
        let mut deadline = None;
        loop {
            self.consumer.gather(clock::unix_ms())?;
            if self.consumer.waiting() == 0 || self.consumer.is_full() {
                break;
            }
            let now = Instant::now();
            let left = deadline.get_or_insert(now + linger).saturating_duration_since(now);
            if left.is_zero() {
                break;
            }
            self.wait(left);
        }
        self.consumer.commit(clock::unix_ms())
    }

    /// Makes the next start quick.
    pub fn checkpoint(&self) -> anyhow::Result<()> {
        Ok(self.consumer.store().checkpoint()?)
    }

    fn wait(&mut self, timeout: Duration) {
        let places = self.consumer.places();
        self.consumer.source_mut().wait(&places, timeout);
    }
}

/// What the records of a commit take, glibc takes from the system and gives back after it, a few pages at a time. A block
/// that is freed raises the size from which it gives memory back to twice its own (`M_TRIM_THRESHOLD` of mallopt(3)), so one
/// that is never touched does for good. Other allocators keep their own counsel.
fn keep_memory() {
    drop(black_box(Vec::<u8>::with_capacity(KEPT_BYTES)));
}

#[cfg(test)]
mod tests;

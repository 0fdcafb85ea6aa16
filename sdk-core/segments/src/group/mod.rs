//! One write and one fsync for many appends.

mod receipt;
mod worker;

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

pub use receipt::{AppendError, Receipt, ReceiptFuture};

use crate::{Log, MAX_RECORD_BYTES};

/// A thread that owns a [`Log`]. Whatever arrives while it writes and fsyncs forms the next group, so
/// the groups grow with the load and an idle log answers after one fsync.
///
/// Appends are written in the order they were queued, and are answered only when they are durable.
/// After a failed write or fsync everything is answered [`AppendError::Failed`], now and later, until
/// the log is opened anew: an append answered so may or may not be found then.
pub struct GroupCommit {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How a [`GroupCommit`] runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupOptions {
    /// The name of its thread; Linux shows the first 15 bytes.
    pub thread_name: String,
    /// How many bytes of records may wait or be under way; more are answered [`AppendError::Busy`].
    /// One append is always let in when nothing waits. 32 MiB by default: a few hundred milliseconds
    /// of a slow disk.
    pub queue_bytes: usize,
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self { thread_name: "hw-log".into(), queue_bytes: 32 << 20 }
    }
}

impl GroupCommit {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(log: Log, options: GroupOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            arrived: Condvar::new(),
            durable: Mutex::new(log.durable_end()),
            advanced: Condvar::new(),
            queue_bytes: options.queue_bytes,
        });
        let thread = thread::Builder::new().name(options.thread_name).spawn({
            let shared = Arc::clone(&shared);
            move || worker::run(log, &shared)
        })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Queues `records`, to be written side by side, and never blocks on the disk. What a crash leaves
    /// of an append that was not answered may be a part of it.
    ///
    /// # Errors
    /// What can be said at once; the outcome of the write is told by the [`Receipt`].
    pub fn append(&self, records: Vec<Vec<u8>>) -> Result<Receipt, AppendError> {
        let (sender, receiver) = oneshot::channel();
        self.append_then(records, move |outcome| {
            // Nobody waits any more: the append stands all the same.
            let _ = sender.send(outcome);
        })?;
        Ok(Receipt::new(receiver))
    }

    /// As [`append`](Self::append), but calls `answer` on the log's thread; it must neither block nor
    /// panic. It is called exactly once if this returns `Ok`, and never otherwise.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_then(
        &self,
        records: Vec<Vec<u8>>,
        answer: impl FnOnce(Result<u64, AppendError>) + Send + 'static,
    ) -> Result<(), AppendError> {
        // One that cannot be framed must not fail its whole group.
        if let Some(record) = records.iter().find(|record| !(1..=MAX_RECORD_BYTES).contains(&record.len())) {
            return Err(AppendError::RecordSize(record.len()));
        }
        let bytes = records.iter().map(Vec::len).sum();
        let mut queue = self.open_queue()?;
        if queue.bytes > 0 && queue.bytes.saturating_add(bytes) > self.shared.queue_bytes {
            return Err(AppendError::Busy);
        }
        queue.bytes += bytes;
        queue.jobs.push(Job::Append { records, bytes, answer: Box::new(answer) });
        self.shared.arrived.notify_one();
        Ok(())
    }

    /// As [`Log::drop_before`], between two groups; waits for it.
    ///
    /// # Errors
    /// [`AppendError::Failed`] when a file could not be removed (the log itself is not harmed), or as
    /// [`append`](Self::append).
    pub fn drop_before(&self, offset: u64) -> Result<usize, AppendError> {
        let (answer, receiver) = oneshot::channel();
        self.open_queue()?.jobs.push(Job::DropBefore { offset, answer });
        self.shared.arrived.notify_one();
        receiver.recv().unwrap_or(Err(AppendError::Closed))
    }

    /// Records below this offset are durable; consumers may read them.
    #[must_use]
    pub fn durable_end(&self) -> u64 {
        *lock(&self.shared.durable)
    }

    /// Waits until [`durable_end`](Self::durable_end) is above `offset`, at most for `timeout`, and
    /// returns it. After [`close`](Self::close) it only times out.
    #[must_use]
    pub fn wait_beyond(&self, offset: u64, timeout: Duration) -> u64 {
        let deadline = Instant::now().checked_add(timeout);
        let mut durable = lock(&self.shared.durable);
        while *durable <= offset {
            let left =
                deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            durable = self
                .shared
                .advanced
                .wait_timeout(durable, left)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(durable, _)| durable);
        }
        *durable
    }

    /// Refuses what comes from now on, writes and answers what was queued, and ends the thread.
    /// Dropping does the same.
    pub fn close(&self) {
        lock(&self.shared.queue).closing = true;
        self.shared.arrived.notify_one();
        if let Some(thread) = lock(&self.thread).take() {
            // It panicked only if a callback did; its receipts answer `Closed`.
            let _ = thread.join();
        }
    }

    fn open_queue(&self) -> Result<MutexGuard<'_, Queue>, AppendError> {
        let queue = lock(&self.shared.queue);
        match &queue.failure {
            Some(failure) => Err(failure.clone()),
            None if queue.closing => Err(AppendError::Closed),
            None => Ok(queue),
        }
    }
}

impl Drop for GroupCommit {
    fn drop(&mut self) {
        self.close();
    }
}

struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    durable: Mutex<u64>,
    advanced: Condvar,
    queue_bytes: usize,
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    /// Of records waiting or under way.
    bytes: usize,
    closing: bool,
    failure: Option<AppendError>,
}

enum Job {
    Append { records: Vec<Vec<u8>>, bytes: usize, answer: Answer },
    DropBefore { offset: u64, answer: oneshot::Sender<Result<usize, AppendError>> },
}

type Answer = Box<dyn FnOnce(Result<u64, AppendError>) + Send>;

/// No code panics while it holds one of these locks, and each value is sound between two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

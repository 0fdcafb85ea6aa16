//! What waits on this machine's disk for the stage behind, of senders who may not come again: a segment log, drained in order.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use headwater_collector::{Unavailable, bridge};
use headwater_segments::{GroupCommit, GroupOptions, Log, Mark, Options, Reader};
use headwater_service::lock;
use tokio::{sync::Notify, time::sleep};

use crate::{Forward, limits};

/// A segment is removed as a whole.
const SEGMENT_BYTES: u64 = 8 << 20;

/// Bytes of one request to the stage behind, about.
const DRAIN_BYTES: usize = 512 << 10;

/// The name of the mark beside the log.
const DRAINED: &str = "drained";

/// An outbox that is open.
pub struct Outbox {
    dir: PathBuf,
    log: GroupCommit,
    /// Bytes of records that the stage behind has not.
    waiting_bytes: AtomicU64,
    waiting_records: AtomicU64,
    most_bytes: u64,
    drain: Mutex<Option<(Mark, u64)>>,
    kept: Notify,
    _lock: File,
}

/// What there is no room for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

impl Outbox {
    /// Opens the outbox in a directory, which is created if need be, of at most so many bytes of records.
    pub fn open(dir: &Path, most_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let lock = lock::take(dir)?;
        let log = Log::open(dir, Options { segment_bytes: SEGMENT_BYTES }).map_err(io::Error::other)?;
        let (first, end) = (log.first_offset(), log.next_offset());
        let (mark, next) = Mark::open(dir, DRAINED, first, end).map_err(io::Error::other)?;
        let bytes = scan(dir, next, end).map_err(io::Error::other)?;
        let log = GroupCommit::start(
            log,
            GroupOptions { thread_name: "hw-outbox".to_owned(), ..Default::default() },
        )?;
        Ok(Self {
            dir: dir.to_owned(),
            log,
            waiting_bytes: AtomicU64::new(bytes),
            waiting_records: AtomicU64::new(end - next),
            most_bytes,
            drain: Mutex::new(Some((mark, next))),
            kept: Notify::new(),
            _lock: lock,
        })
    }

    /// Makes records durable here. Refuses what there is no room for, and what the disk does not take.
    pub(crate) async fn keep(&self, records: Vec<Vec<u8>>) -> Result<(), Full> {
        let (bytes, count) = (sum(&records), records.len() as u64);
        let room = |held: u64| held.checked_add(bytes).filter(|all| *all <= self.most_bytes);
        self.waiting_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).map_err(|_| Full)?;
        // Before the append, so that whoever drains does not count what is not yet counted.
        self.waiting_records.fetch_add(count, Ordering::AcqRel);
        let kept = match self.log.append(records) {
            Ok(receipt) => receipt.await,
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "the outbox does not take a request");
            self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
            self.waiting_records.fetch_sub(count, Ordering::AcqRel);
            return Err(Full);
        }
        self.kept.notify_one();
        Ok(())
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting_records() == 0
    }

    pub(crate) fn waiting_records(&self) -> u64 {
        self.waiting_records.load(Ordering::Acquire)
    }

    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes.load(Ordering::Acquire)
    }

    /// Whether it would take something more.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting_bytes() < self.most_bytes
    }

    /// Sends what waits, oldest first, for as long as it is polled, and tells of each piece how many records it had. One at a
    /// time drains; a second call waits for nothing and never ends.
    pub(crate) async fn drain<F: Forward>(&self, forward: &F, drained: impl Fn(usize)) {
        let taken = self.drain.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((mut mark, mut next)) = taken else { return std::future::pending().await };
        loop {
            let records = match self.read(next) {
                Ok(records) => records,
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read");
                    sleep(Duration::from_secs(u64::from(limits::RETRY_AFTER_S))).await;
                    continue;
                }
            };
            if records.is_empty() {
                self.kept.notified().await;
                continue;
            }
            let (count, bytes) = (records.len(), sum(&records));
            if let Err(why) = send(forward, records).await {
                sleep(Duration::from_secs(u64::from(why.retry_after_s))).await;
                continue;
            }
            next += count as u64;
            // A mark that was not written sends copies after a restart, and they do not count.
            if let Err(error) = mark.set(next) {
                tracing::warn!(%error, "the outbox's mark");
            }
            if let Err(error) = self.log.drop_before(next) {
                tracing::warn!(%error, "old segments of the outbox");
            }
            self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
            self.waiting_records.fetch_sub(count as u64, Ordering::AcqRel);
            drained(count);
        }
    }

    fn read(&self, next: u64) -> Result<Vec<Vec<u8>>, headwater_segments::Error> {
        let end = self.log.durable_end();
        if next >= end {
            return Ok(Vec::new());
        }
        let records = Reader::open(&self.dir, next)?.read_batch(DRAIN_BYTES, end)?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }
}

/// Sends records, and the names of those that the stage behind will never take.
async fn send<F: Forward>(forward: &F, records: Vec<Vec<u8>>) -> Result<(), Unavailable> {
    let answer = forward.forward(records.clone(), None).await?;
    if answer.rejected.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        rejected = answer.rejected.len(),
        "records of the outbox that the stage behind will never take"
    );
    let rejected = answer.rejected.iter().filter_map(|(at, _)| records.get(*at));
    let names = bridge::names(rejected.map(Vec::as_slice)).map_err(stuck)?;
    answer.named(&forward.forward(names, None).await?).map(drop).map_err(stuck)
}

/// Only a person can mend that: it is said, and tried again once a minute.
fn stuck(why: Unavailable) -> Unavailable {
    tracing::error!(%why, "the outbox");
    Unavailable { retry_after_s: 60, ..why }
}

fn scan(dir: &Path, next: u64, end: u64) -> Result<u64, headwater_segments::Error> {
    let mut bytes = 0;
    if next < end {
        let mut reader = Reader::open(dir, next)?;
        while reader.offset() < end {
            bytes +=
                reader.read_batch(1 << 20, end)?.iter().map(|(_, record)| record.len() as u64).sum::<u64>();
        }
    }
    Ok(bytes)
}

fn sum(records: &[Vec<u8>]) -> u64 {
    records.iter().map(|record| record.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicBool};

    use super::*;
    use crate::{Forwarded, Trace};

    /// A bridge that is away or there.
    #[derive(Default)]
    struct Behind {
        is_there: AtomicBool,
        records: Mutex<Vec<Vec<u8>>>,
    }

    impl Forward for Behind {
        async fn forward(&self, records: Vec<Vec<u8>>, _: Option<Trace>) -> Result<Forwarded, Unavailable> {
            if !self.is_there.load(Ordering::SeqCst) {
                return Err(Unavailable { message: String::new(), retry_after_s: 1 });
            }
            self.records.lock().unwrap().extend(records);
            Ok(Forwarded::all(1))
        }
    }

    fn record(number: u32) -> Vec<u8> {
        format!("record {number}").into_bytes()
    }

    #[tokio::test]
    async fn what_is_kept_is_there_after_a_restart_and_drained_in_order_once() {
        let dir = tempfile::tempdir().unwrap();
        let behind = Arc::new(Behind::default());
        let open = || Arc::new(Outbox::open(dir.path(), 1 << 20).unwrap());
        let outbox = open();
        for number in 0..100 {
            outbox.keep(vec![record(number)]).await.unwrap();
        }
        assert_eq!((outbox.waiting_records(), outbox.waiting_bytes()), (100, 890));
        drop(outbox);

        let outbox = open();
        assert_eq!((outbox.waiting_records(), outbox.waiting_bytes()), (100, 890));
        behind.is_there.store(true, Ordering::SeqCst);
        let all = Notify::new();
        tokio::select! {
            () = outbox.drain(&behind, |_| all.notify_one()) => unreachable!("it never ends"),
            () = all.notified() => {}
        }
        assert!(outbox.is_empty());
        drop(outbox);
        let sent: Vec<_> = std::mem::take(&mut *behind.records.lock().unwrap());
        assert_eq!(sent, (0..100).map(record).collect::<Vec<_>>());
        assert!(open().is_empty(), "they are not sent again");
    }

    #[tokio::test]
    async fn it_is_full_by_bytes_and_has_room_again_when_it_is_drained() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(dir.path(), 20).unwrap();
        outbox.keep(vec![record(1), record(2)]).await.unwrap();
        assert_eq!(outbox.keep(vec![record(3)]).await, Err(Full));
        let behind = Behind::default();
        behind.is_there.store(true, Ordering::SeqCst);
        let all = Notify::new();
        tokio::select! {
            () = outbox.drain(&behind, |_| all.notify_one()) => unreachable!("it never ends"),
            () = all.notified() => {}
        }
        assert_eq!(outbox.keep(vec![record(3)]).await, Ok(()));
    }
}

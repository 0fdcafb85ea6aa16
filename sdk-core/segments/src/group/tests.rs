use std::{
    fs::File,
    io,
    path::Path,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use super::*;
use crate::{Options, Reader, log::SyncData};

/// No test waits longer for something that must happen.
const DEADLINE: Duration = Duration::from_secs(30);

fn start(dir: &Path, queue_bytes: usize, sync_data: SyncData) -> GroupCommit {
    let log = Log::open_with(dir.to_owned(), Options::default(), sync_data).unwrap();
    GroupCommit::start(log, GroupOptions { queue_bytes, ..GroupOptions::default() }).unwrap()
}

/// A disk whose every fsync waits for a word; the first one (opening) does not.
struct SlowDisk {
    started: mpsc::Receiver<()>,
    finish: mpsc::Sender<io::Result<()>>,
}

impl SlowDisk {
    fn new() -> (Self, SyncData) {
        let (start, started) = mpsc::channel();
        let (finish, finished) = mpsc::channel();
        let mut opened = false;
        let sync_data = Box::new(move |file: &File| {
            if !std::mem::replace(&mut opened, true) {
                return Ok(());
            }
            start.send(()).unwrap();
            finished.recv_timeout(DEADLINE).unwrap()?;
            file.sync_data()
        });
        (Self { started, finish }, sync_data)
    }

    fn wait_until_syncing(&self) {
        self.started.recv_timeout(DEADLINE).unwrap();
    }

    fn finish(&self, outcome: io::Result<()>) {
        self.finish.send(outcome).unwrap();
    }
}

fn record(text: &str) -> Vec<Vec<u8>> {
    vec![text.as_bytes().to_vec()]
}

#[test]
fn an_append_is_answered_only_when_it_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, sync_data) = SlowDisk::new();
    let log = start(dir.path(), 1000, sync_data);
    let (answered, answers) = mpsc::channel();
    log.append_then(record("a"), move |outcome| answered.send(outcome).unwrap()).unwrap();
    disk.wait_until_syncing();
    assert!(answers.try_recv().is_err(), "the fsync has not returned");
    assert_eq!(log.durable_end(), 0);
    disk.finish(Ok(()));
    assert_eq!(answers.recv_timeout(DEADLINE).unwrap().unwrap(), 0);
    assert_eq!(log.durable_end(), 1);
}

#[test]
fn what_arrives_during_an_fsync_shares_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, sync_data) = SlowDisk::new();
    let log = start(dir.path(), 1000, sync_data);
    let first = log.append(record("a")).unwrap();
    disk.wait_until_syncing();
    let later: Vec<_> =
        ["b", "c", "d"].into_iter().map(|text| log.append(vec![text.into(), text.into()]).unwrap()).collect();
    disk.finish(Ok(()));
    assert_eq!(first.wait().unwrap(), 0);
    disk.wait_until_syncing();
    disk.finish(Ok(()));
    let offsets: Vec<_> = later.into_iter().map(|receipt| receipt.wait().unwrap()).collect();
    assert_eq!(offsets, [1, 3, 5]);
    log.close();
    assert!(disk.started.try_recv().is_err(), "two fsyncs were enough");
    let mut reader = Reader::open(dir.path(), 0).unwrap();
    let read: Vec<_> = reader.read_batch(1000, 7).unwrap().into_iter().map(|(_, record)| record).collect();
    assert_eq!(read.concat(), b"abbccdd");
}

#[test]
fn a_failed_fsync_answers_everyone_and_poisons_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, sync_data) = SlowDisk::new();
    let log = start(dir.path(), 1000, sync_data);
    let first = log.append(record("a")).unwrap();
    disk.wait_until_syncing();
    let waiting = log.append(record("b")).unwrap();
    disk.finish(Err(io::Error::other("the disk is gone")));
    assert!(matches!(first.wait(), Err(AppendError::Failed(_))));
    assert!(matches!(waiting.wait(), Err(AppendError::Failed(_))));
    let later = log.append(record("c")).map(drop).unwrap_err();
    assert!(later.to_string().contains("the disk is gone"), "{later}");
    assert_eq!(log.durable_end(), 0);
    assert!(disk.started.try_recv().is_err(), "a second fsync would lie");
}

#[test]
fn a_full_queue_answers_busy_until_it_has_room() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, sync_data) = SlowDisk::new();
    let log = start(dir.path(), 10, sync_data);
    let first = log.append(vec![vec![1; 50]]).unwrap();
    disk.wait_until_syncing();
    assert!(matches!(log.append(record("b")), Err(AppendError::Busy)), "50 bytes are under way");
    disk.finish(Ok(()));
    first.wait().unwrap();
    let second = log.append(record("b")).unwrap();
    disk.wait_until_syncing();
    disk.finish(Ok(()));
    assert_eq!(second.wait().unwrap(), 1);
}

#[test]
fn closing_writes_and_answers_what_was_queued() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 1 << 20, Box::new(File::sync_data));
    let receipts: Vec<_> = (0..100).map(|number| log.append(record(&number.to_string())).unwrap()).collect();
    log.close();
    for (offset, receipt) in receipts.into_iter().enumerate() {
        assert_eq!(receipt.wait().unwrap(), offset as u64);
    }
    assert!(matches!(log.append(record("late")), Err(AppendError::Closed)));
    assert_eq!(Log::open(dir.path(), Options::default()).unwrap().next_offset(), 100);
}

#[test]
fn a_panicking_callback_leaves_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let log = start(dir.path(), 1 << 20, Box::new(File::sync_data));
    log.append_then(record("a"), |_| std::panic::resume_unwind(Box::new("a fault of the caller"))).unwrap();
    // It is queued behind the panic or refused after it.
    let outcome = log.append(record("b")).and_then(Receipt::wait);
    assert!(matches!(outcome, Ok(1) | Err(AppendError::Closed)));
    log.close();
    assert!(matches!(log.append(record("c")), Err(AppendError::Closed)));
}

#[test]
fn a_consumer_is_woken_by_new_records_and_times_out_without() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(start(dir.path(), 1 << 20, Box::new(File::sync_data)));
    assert_eq!(log.wait_beyond(0, Duration::from_millis(1)), 0);
    let consumer = thread::spawn({
        let log = Arc::clone(&log);
        move || log.wait_beyond(1, DEADLINE)
    });
    log.append(vec![vec![1], vec![2]]).unwrap().wait().unwrap();
    assert_eq!(consumer.join().unwrap(), 2);
}

#[test]
fn a_receipt_can_be_awaited_in_any_runtime() {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (disk, sync_data) = SlowDisk::new();
    let log = start(dir.path(), 1000, sync_data);
    let mut receipt = pin!(log.append(record("a")).unwrap().into_future());
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    disk.wait_until_syncing();
    assert!(receipt.as_mut().poll(&mut context).is_pending());
    disk.finish(Ok(()));
    let outcome = loop {
        match receipt.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => break outcome,
            Poll::Pending => thread::park_timeout(DEADLINE),
        }
    };
    assert_eq!(outcome.unwrap(), 0);
}

#[test]
fn old_segments_are_dropped_between_two_groups() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), Options { segment_bytes: 1 }).unwrap();
    let log = GroupCommit::start(log, GroupOptions::default()).unwrap();
    for number in 0..5_u8 {
        log.append(vec![vec![number + 1]]).unwrap().wait().unwrap();
    }
    assert_eq!(log.drop_before(3).unwrap(), 3);
    assert!(Reader::open(dir.path(), 2).is_err());
    assert!(Reader::open(dir.path(), 3).is_ok());
}

#[test]
fn many_threads_get_each_offset_once() {
    let dir = tempfile::tempdir().unwrap();
    let syncs = Arc::new(AtomicUsize::new(0));
    let log = Arc::new(start(dir.path(), 1 << 20, {
        let syncs = Arc::clone(&syncs);
        Box::new(move |file| {
            syncs.fetch_add(1, Ordering::Relaxed);
            file.sync_data()
        })
    }));
    let threads: Vec<_> = (0..8_u8)
        .map(|number| {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                (0..50)
                    .map(|_| log.append(vec![vec![number + 1]]).unwrap().wait().unwrap())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut offsets: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (0..400).collect::<Vec<_>>());
    assert!(syncs.load(Ordering::Relaxed) <= 401);
}

//! The spool on disk: a thread with a segment log per partition, that does in order what the flow says.
//!
//! What it cannot do it reports once, closes everything, and ignores all until it is told to open again: then the files
//! tell what is there.

mod lane;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use bytes::Bytes;
use headwater_bridge_flow::{Found, Input, Record};
use headwater_segments::Error;
use headwater_service::lock;

use self::lane::Lane;
use crate::report::Reporter;

/// Fsyncs that run beside each other: a file system commits them together.
const FSYNCS_AT_ONCE: usize = 8;

/// What the flow wants of the disk, as its effects say.
#[derive(Debug)]
pub enum Command {
    /// Records with their partitions and offsets.
    Append(Vec<(u32, u64, Bytes)>),
    /// Open, or open again.
    Open,
    /// Synced records from `from` on.
    Read {
        /// Of which partition.
        partition: u32,
        /// The first offset.
        from: u64,
        /// About so many.
        max_bytes: usize,
    },
    /// All appends so far.
    Sync(u64),
    /// What is below `upto` is with the broker.
    Trim {
        /// Of which partition.
        partition: u32,
        /// The first offset that is not.
        upto: u64,
    },
}

/// The thread.
pub struct Spool(mpsc::Sender<Command>);

impl Spool {
    /// Starts it; it opens the directory when the flow says so.
    pub fn start(dir: PathBuf, reporter: Reporter) -> io::Result<Self> {
        let (commands, waiting) = mpsc::channel();
        let disk = Disk { dir, reporter, open: None };
        thread::Builder::new().name("hw-spool".to_owned()).spawn(move || disk.run(&waiting))?;
        Ok(Self(commands))
    }

    /// Does not wait. The channel is bounded by what the flow admits.
    pub fn tell(&self, command: Command) {
        let _ = self.0.send(command);
    }
}

struct Disk {
    dir: PathBuf,
    reporter: Reporter,
    open: Option<Open>,
}

struct Open {
    dir: PathBuf,
    lanes: BTreeMap<u32, Lane>,
    _lock: File,
}

impl Disk {
    fn run(mut self, commands: &mpsc::Receiver<Command>) {
        while let Ok(command) = commands.recv() {
            if let Command::Open = command {
                self.open();
            } else if let Some(open) = &mut self.open
                && let Err(error) = open.obey(command, &self.reporter)
            {
                tracing::error!(%error, "the spool failed");
                self.open = None;
                self.reporter.tell(Input::SpoolFailed);
            }
        }
    }

    fn open(&mut self) {
        self.open = None;
        match Open::new(&self.dir) {
            Ok(open) => {
                self.reporter.tell(Input::SpoolOpened(open.found()));
                self.open = Some(open);
            }
            Err(error) => {
                tracing::error!(%error, dir = %self.dir.display(), "the spool cannot be opened");
                self.reporter.tell(Input::SpoolFailed);
            }
        }
    }
}

impl Open {
    fn new(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let lock = lock::take(dir)?;
        let mut lanes = BTreeMap::new();
        for entry in fs::read_dir(dir)? {
            let name = entry?.file_name();
            let partition = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
            if let Some(partition) = partition {
                lanes.insert(partition, Lane::open(&lane_dir(dir, partition)).map_err(io::Error::other)?);
            }
        }
        Ok(Self { dir: dir.to_owned(), lanes, _lock: lock })
    }

    fn found(&self) -> Vec<Found> {
        self.lanes.iter().map(|(partition, lane)| lane.found(*partition)).collect()
    }

    fn obey(&mut self, command: Command, reporter: &Reporter) -> Result<(), Error> {
        match command {
            Command::Append(records) => {
                for (partition, offset, body) in records {
                    self.lane(partition)?.append(offset, &body)?;
                }
            }
            Command::Open => {}
            Command::Read { partition, from, max_bytes } => {
                let records = self.lane(partition)?.read(from, max_bytes).unwrap_or_else(|error| {
                    // Nothing read is nothing lost: the flow asks again later, and what comes queues behind.
                    tracing::error!(%error, partition, "the spool cannot be read");
                    Vec::new()
                });
                let records = records.into_iter().map(|body| Record::parse(Bytes::from(body))).collect();
                reporter.tell(Input::SpoolRead { partition, from, records });
            }
            Command::Sync(sync) => {
                self.sync()?;
                reporter.tell(Input::Synced { sync });
            }
            Command::Trim { partition, upto } => self.lane(partition)?.trim(upto)?,
        }
        Ok(())
    }

    fn lane(&mut self, partition: u32) -> Result<&mut Lane, Error> {
        match self.lanes.entry(partition) {
            std::collections::btree_map::Entry::Occupied(lane) => Ok(lane.into_mut()),
            std::collections::btree_map::Entry::Vacant(place) => {
                Ok(place.insert(Lane::open(&lane_dir(&self.dir, partition))?))
            }
        }
    }

    /// Fsyncs every lane that was appended to.
    fn sync(&mut self) -> Result<(), Error> {
        let mut dirty: Vec<&mut Lane> = self.lanes.values_mut().filter(|lane| lane.is_dirty()).collect();
        if let [lane] = &mut dirty[..] {
            return lane.sync();
        }
        let share = dirty.len().div_ceil(FSYNCS_AT_ONCE).max(1);
        thread::scope(|scope| {
            let sync_all = |lanes: &mut [&mut Lane]| lanes.iter_mut().try_for_each(|lane| lane.sync());
            let threads: Vec<_> =
                dirty.chunks_mut(share).map(|lanes| scope.spawn(move || sync_all(lanes))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().expect("a sync does not panic"))
        })
    }
}

const PREFIX: &str = "partition-";

fn lane_dir(dir: &Path, partition: u32) -> PathBuf {
    dir.join(format!("{PREFIX}{partition}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Reports;

    const EVENT: &str = r#"{"event_id":"e","stream":"018e3a1c-0000-4000-8000-000000000001","seq":N,"site_id":"s","client_id":"c","event_type":"pageview","timestamp":1,"ts":1,"sent_at":1,"received_at":1,"schema_version":1}"#;

    fn body(seq: u64) -> Bytes {
        Bytes::from(EVENT.replace('N', &seq.to_string()))
    }

    fn start(dir: &Path) -> (Spool, Reports) {
        let (reporter, reports) = Reporter::channel();
        (Spool::start(dir.to_owned(), reporter).unwrap(), reports)
    }

    /// Opens it, also while the process before still holds the lock.
    fn open(spool: &Spool, reports: &mut Reports) -> Vec<Found> {
        loop {
            spool.tell(Command::Open);
            match reports.blocking_recv() {
                Some(Input::SpoolOpened(found)) => return found,
                Some(Input::SpoolFailed) => thread::yield_now(),
                other => panic!("{other:?}"),
            }
        }
    }

    fn append(spool: &Spool, reports: &mut Reports, partition: u32, offsets: std::ops::Range<u64>) {
        spool.tell(Command::Append(offsets.map(|offset| (partition, offset, body(offset))).collect()));
        spool.tell(Command::Sync(7));
        assert!(matches!(reports.blocking_recv(), Some(Input::Synced { sync: 7 })));
    }

    fn read(spool: &Spool, reports: &mut Reports, partition: u32, from: u64) -> Vec<Bytes> {
        spool.tell(Command::Read { partition, from, max_bytes: 1 << 20 });
        let Some(Input::SpoolRead { records, .. }) = reports.blocking_recv() else { panic!("no records") };
        records.into_iter().map(|record| record.expect("a record").body).collect()
    }

    #[test]
    fn what_is_synced_is_found_again_and_what_is_trimmed_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut reports) = start(dir.path());
        assert_eq!(open(&spool, &mut reports), []);
        append(&spool, &mut reports, 3, 0..10);
        append(&spool, &mut reports, 5, 0..1);
        spool.tell(Command::Trim { partition: 3, upto: 4 });
        spool.tell(Command::Trim { partition: 5, upto: 1 });
        assert_eq!(read(&spool, &mut reports, 3, 4), (4..10).map(body).collect::<Vec<_>>());
        drop(spool);

        let (spool, mut reports) = start(dir.path());
        let found = open(&spool, &mut reports);
        let bytes = (4..10).map(|seq| body(seq).len() as u64).sum();
        let ends: Vec<_> =
            found.iter().map(|found| (found.partition, found.first, found.end, found.bytes)).collect();
        assert_eq!(ends, [(3, 4, 10, bytes), (5, 1, 1, 0)]);
        append(&spool, &mut reports, 3, 10..12);
        assert_eq!(read(&spool, &mut reports, 3, 9), (9..12).map(body).collect::<Vec<_>>());
    }

    #[test]
    fn a_second_process_does_not_get_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut reports) = start(dir.path());
        open(&spool, &mut reports);
        let (second, mut told) = start(dir.path());
        second.tell(Command::Open);
        assert!(matches!(told.blocking_recv(), Some(Input::SpoolFailed)));
    }

    #[test]
    fn after_a_failure_nothing_is_done_until_it_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut reports) = start(dir.path());
        open(&spool, &mut reports);
        append(&spool, &mut reports, 0, 0..1);
        // Not the next offset: a slip of the flow must not be written.
        spool.tell(Command::Append(vec![(0, 5, body(5))]));
        assert!(matches!(reports.blocking_recv(), Some(Input::SpoolFailed)));
        spool.tell(Command::Append(vec![(0, 1, body(1))]));
        spool.tell(Command::Sync(9));
        let found = open(&spool, &mut reports);
        assert_eq!((found[0].first, found[0].end), (0, 1));
    }

    #[test]
    fn a_drained_lane_gives_its_disk_back() {
        let dir = tempfile::tempdir().unwrap();
        let (spool, mut reports) = start(dir.path());
        open(&spool, &mut reports);
        let large =
            |seq: u64| Bytes::from(EVENT.replace('N', &seq.to_string()).replace('e', &"e".repeat(20_000)));
        spool.tell(Command::Append((0..20).map(|seq| (0, seq, large(seq))).collect()));
        spool.tell(Command::Sync(1));
        assert!(matches!(reports.blocking_recv(), Some(Input::Synced { .. })));
        spool.tell(Command::Trim { partition: 0, upto: 20 });
        append(&spool, &mut reports, 0, 20..21);
        let lane = lane_dir(dir.path(), 0);
        let bytes: u64 =
            fs::read_dir(lane).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes < 10_000, "{bytes}");
        assert_eq!(read(&spool, &mut reports, 0, 20), [body(20)]);
    }
}

//! The embedded log: what the collector appends to, and the source that the consumer reads.
//!
//! An append is answered when its records are fsynced, and only fsynced records are read.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, ensure};
use headwater_consumer::Source;
use headwater_segments::{Error, GroupCommit, GroupOptions, Log, Options, Reader, segments};

use crate::source::Wait;

/// Segments whose records are committed are kept this long all the same, so that a store that was
/// restored from a backup, or a new one, can read them again.
pub const KEEP: Duration = Duration::from_hours(7 * 24);

/// How often old segments are looked for.
const CLEAN_EVERY: Duration = Duration::from_mins(10);

/// The log has one part.
const PART: i32 = 0;

/// Opens the log in `dir` for appending.
pub fn open(dir: &Path) -> anyhow::Result<Arc<GroupCommit>> {
    let log = Log::open(dir, Options::default())?;
    if let Some(tail) = log.torn_tail() {
        tracing::info!(file = %tail.file.display(), offset = tail.offset, bytes = tail.bytes, "cut a torn tail");
    }
    Ok(Arc::new(GroupCommit::start(log, GroupOptions::default())?))
}

/// The log as a source.
pub struct LogSource {
    dir: PathBuf,
    log: Arc<GroupCommit>,
    reader: Option<Reader>,
    cleaned: Option<Instant>,
}

impl LogSource {
    /// Reads the log in `dir` that `log` appends to.
    #[must_use]
    pub fn new(dir: PathBuf, log: Arc<GroupCommit>) -> Self {
        Self { dir, log, reader: None, cleaned: None }
    }

    fn clean(&self, next: u64) -> anyhow::Result<()> {
        // The record before `next` stays: its fingerprint tells whether this is still the same log.
        let needed = next.saturating_sub(1);
        let segments = segments(&self.dir)?;
        let mut drop_before = None;
        for pair in segments.windows(2) {
            let [(_, file), (following, _)] = pair else { break };
            if *following > needed || !is_old(file)? {
                break;
            }
            drop_before = Some(*following);
        }
        if let Some(offset) = drop_before {
            let segments = self.log.drop_before(offset)?;
            tracing::info!(segments, offset, "dropped old segments of the log");
        }
        Ok(())
    }
}

impl Source for LogSource {
    fn name(&self) -> &'static str {
        "log"
    }

    fn parts(&self) -> Vec<i32> {
        vec![PART]
    }

    fn bounds(&mut self, _part: i32) -> anyhow::Result<Range<u64>> {
        let end = self.log.durable_end();
        match Reader::open(&self.dir, 0) {
            Ok(_) => Ok(0..end),
            Err(Error::OutOfRange { first, .. }) => Ok(first..end.max(first)),
            Err(error) => Err(error.into()),
        }
    }

    fn read(
        &mut self,
        _part: i32,
        from: u64,
        max_bytes: usize,
        max_records: usize,
    ) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        let end = self.log.durable_end();
        ensure!(from <= end, "offset {from} is beyond the log's end, {end}");
        let below = end.min(from.saturating_add(max_records as u64));
        if below <= from {
            return Ok(Vec::new());
        }
        let mut reader = match self.reader.take() {
            Some(reader) if reader.offset() == from => reader,
            _ => Reader::open(&self.dir, from)?,
        };
        let records = reader.read_batch(max_bytes, below).context("reading the log")?;
        self.reader = Some(reader);
        Ok(records)
    }

    fn committed(&mut self, _part: i32, next: u64) {
        if self.cleaned.is_some_and(|last| last.elapsed() < CLEAN_EVERY) {
            return;
        }
        self.cleaned = Some(Instant::now());
        if let Err(error) = self.clean(next) {
            tracing::warn!(%error, "old segments of the log were not dropped");
        }
    }
}

impl Wait for LogSource {
    fn wait(&mut self, next: &[(i32, u64)], timeout: Duration) {
        let next = next.iter().map(|(_, next)| *next).min().unwrap_or(0);
        let _ = self.log.wait_beyond(next, timeout);
    }
}

fn is_old(segment: &Path) -> io::Result<bool> {
    let written = fs::metadata(segment)?.modified()?;
    Ok(SystemTime::now().duration_since(written).is_ok_and(|age| age > KEEP))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    /// A log whose every append has a segment of its own.
    fn log(dir: &Path, appends: u8) -> Arc<GroupCommit> {
        let log = Log::open(dir, Options { segment_bytes: 1 }).unwrap();
        let log = Arc::new(GroupCommit::start(log, GroupOptions::default()).unwrap());
        for number in 0..appends {
            log.append(vec![vec![number + 1]]).unwrap().wait().unwrap();
        }
        log
    }

    fn age(dir: &Path, base: u64) {
        let (_, path) = segments(dir).unwrap().into_iter().find(|(first, _)| *first == base).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - KEEP - Duration::from_mins(1)).unwrap();
    }

    #[test]
    fn only_segments_that_are_old_and_committed_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(dir.path(), 5);
        let mut source = LogSource::new(dir.path().to_owned(), Arc::clone(&log));
        for base in [0, 1, 3] {
            age(dir.path(), base);
        }
        source.committed(PART, 5);
        let left: Vec<u64> = segments(dir.path()).unwrap().into_iter().map(|(base, _)| base).collect();
        assert_eq!(left, [2, 3, 4], "2 is young, and 3 comes after it");
        assert_eq!(source.bounds(PART).unwrap(), 2..5);
    }

    #[test]
    fn the_record_before_the_committed_offset_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(dir.path(), 3);
        let mut source = LogSource::new(dir.path().to_owned(), Arc::clone(&log));
        (0..3).for_each(|base| age(dir.path(), base));
        source.committed(PART, 2);
        assert_eq!(source.bounds(PART).unwrap(), 1..3);
        assert_eq!(source.read(PART, 1, 1000, 1).unwrap(), [(1, vec![2])]);
    }

    #[test]
    fn reads_go_on_where_the_last_one_ended() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(dir.path(), 3);
        let mut source = LogSource::new(dir.path().to_owned(), Arc::clone(&log));
        assert_eq!(source.read(PART, 0, 1000, 2).unwrap(), [(0, vec![1]), (1, vec![2])]);
        assert_eq!(source.read(PART, 2, 1000, 2).unwrap(), [(2, vec![3])]);
        assert_eq!(source.read(PART, 3, 1000, 2).unwrap(), []);
    }
}

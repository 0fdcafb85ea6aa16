//! The spool of one partition: a segment log, and beside it how far it was trimmed.

use std::{fs, path::Path, time::SystemTime};

use headwater_bridge_flow::Found;
use headwater_segments::{Error, Log, Mark, Options, Reader, segments};

/// Small, because a segment is removed as a whole, and every partition has one.
const SEGMENT_BYTES: u64 = 8 << 20;

/// A lane that is drained gives its last segment back from so many bytes on; below, a new file would cost more.
const WORTH_A_FILE: u64 = 256 << 10;

/// Bytes that are read at once when a lane is opened.
const SCAN_BYTES: usize = 1 << 20;

pub(super) struct Lane {
    log: Log,
    reader: Option<Reader>,
    /// The first record that is not trimmed.
    first: u64,
    mark: Mark,
    /// Bytes of the records when it was opened.
    bytes: u64,
}

impl Lane {
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        let log = Log::open(dir, Options { segment_bytes: SEGMENT_BYTES })?;
        let (mark, first) = Mark::open(dir, "trimmed", log.first_offset(), log.next_offset())?;
        let mut lane = Self { log, reader: None, first, mark, bytes: 0 };
        lane.bytes = lane.scan()?;
        Ok(lane)
    }

    /// What it holds, right after it was opened.
    pub(super) fn found(&self, partition: u32) -> Found {
        let end = self.log.next_offset();
        let age_ms = if self.first == end { 0 } else { self.age_ms() };
        Found { partition, first: self.first, end, bytes: self.bytes, age_ms }
    }

    pub(super) fn append(&mut self, offset: u64, body: &[u8]) -> Result<(), Error> {
        let next = self.log.next_offset();
        if offset != next {
            return Err(Error::OutOfRange { offset, first: self.log.first_offset(), end: next });
        }
        self.log.append(&[body]).map(drop)
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.log.durable_end() < self.log.next_offset()
    }

    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.log.sync().map(drop)
    }

    pub(super) fn read(&mut self, from: u64, max_bytes: usize) -> Result<Vec<Vec<u8>>, Error> {
        let mut reader = match self.reader.take() {
            Some(reader) if reader.offset() == from => reader,
            _ => Reader::open(self.log.dir(), from)?,
        };
        let records = reader.read_batch(max_bytes, self.log.durable_end())?;
        self.reader = Some(reader);
        Ok(records.into_iter().map(|(_, body)| body).collect())
    }

    pub(super) fn trim(&mut self, upto: u64) -> Result<(), Error> {
        self.first = self.first.max(upto);
        // Only a lower bound: what an older mark leaves is sent again, and is a copy.
        let _ = self.mark.set(self.first);
        if self.first == self.log.next_offset() && self.log.active_bytes() >= WORTH_A_FILE {
            self.log.roll()?;
        }
        self.log.drop_before(self.first).map(drop)
    }

    /// Reads what is there once: the flow counts bytes.
    fn scan(&self) -> Result<u64, Error> {
        let end = self.log.next_offset();
        let mut bytes = 0;
        if self.first < end {
            let mut reader = Reader::open(self.log.dir(), self.first)?;
            while reader.offset() < end {
                let records = reader.read_batch(SCAN_BYTES, end)?;
                bytes += records.iter().map(|(_, body)| body.len() as u64).sum::<u64>();
            }
        }
        Ok(bytes)
    }

    /// The age of the oldest segment that holds something: an upper bound of the age of its records where the file
    /// system knows when a file was made, and the age of the last of them elsewhere.
    fn age_ms(&self) -> u64 {
        let segments = segments(self.log.dir()).unwrap_or_default();
        let holding = segments.iter().rfind(|(base, _)| *base <= self.first);
        let made = holding.and_then(|(_, path)| {
            let metadata = fs::metadata(path).ok()?;
            metadata.created().or_else(|_| metadata.modified()).ok()
        });
        let age = made.and_then(|made| SystemTime::now().duration_since(made).ok()).unwrap_or_default();
        u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
    }
}

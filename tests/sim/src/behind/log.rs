//! The embedded log on a disk that forgets: what was written and not fsynced may be lost in a crash, the last record
//! of it torn. Records lie in the frames that the real log uses, so a torn one is found as it is there.

use std::{mem, ops::Range};

use anyhow::ensure;
use headwater_consumer::{Source, bounded};
use headwater_core::{
    frame::{self, HEADER_LEN},
    planted,
};

/// The log's only part.
pub const PART: i32 = 0;

/// One fsync at a time, for all that was appended before it began. Times are of the world's clock, in any unit.
#[derive(Clone, Debug, Default)]
pub struct Log {
    bytes: Vec<u8>,
    /// Where each record's frame ends in `bytes`.
    ends: Vec<usize>,
    /// The oldest record that is kept.
    first: u64,
    /// How many records are fsynced.
    durable: usize,
    fsync: Option<Fsync>,
    fsync_takes: u64,
    /// It is another log than the reader knows.
    renewed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Fsync {
    records: usize,
    ends_at: u64,
}

impl Log {
    /// Appends a request's records, each of 1 byte to 16 MiB. It may be answered once [`durable_end`](Self::durable_end)
    /// is at least what this returns. An fsync that begins now or after the one under way takes `fsync_takes`.
    pub fn append<R: AsRef<[u8]>>(
        &mut self,
        now: u64,
        fsync_takes: u64,
        records: impl IntoIterator<Item = R>,
    ) -> u64 {
        for record in records {
            frame::write(&mut self.bytes, record.as_ref()).expect("records are JSON of a bounded request");
            self.ends.push(self.bytes.len());
        }
        self.fsync_takes = fsync_takes;
        self.begin_fsync(now);
        self.ends.len() as u64
    }

    /// Ends the fsyncs that are over by `now`, and begins what waited for them.
    pub fn advance(&mut self, now: u64) {
        while let Some(fsync) = self.fsync.take_if(|fsync| fsync.ends_at <= now) {
            self.durable = fsync.records;
            self.begin_fsync(fsync.ends_at);
        }
    }

    /// When the fsync under way is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        self.fsync.map(|fsync| fsync.ends_at)
    }

    /// The offset behind the last fsynced record. No consumer may ever be beyond it.
    #[must_use]
    pub fn durable_end(&self) -> u64 {
        self.durable as u64
    }

    /// The offset behind the last record written.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Bytes that a crash may lose.
    #[must_use]
    pub fn unsynced_bytes(&self) -> usize {
        self.bytes.len() - self.byte_end(self.durable)
    }

    /// The process ends, and is started again. Of the bytes that were not fsynced the disk has the first `kept`: all of
    /// them when only the process died. A record that is not whole is cut; what is left is durable.
    pub fn crash(&mut self, kept: usize) {
        let synced = self.byte_end(self.durable);
        self.bytes.truncate(synced.saturating_add(kept));
        let mut frames = frame::frames(&self.bytes[synced..]);
        let whole = self.durable + frames.by_ref().count();
        let valid = synced + frames.valid_len();
        self.bytes.truncate(valid);
        self.ends.truncate(whole);
        self.durable = whole;
        self.fsync = None;
    }

    /// Retention removes the records before `offset`, whether they were read or not.
    pub fn delete_before(&mut self, offset: u64) {
        self.first = self.first.max(offset.min(self.durable_end()));
    }

    /// An empty log takes its place; a reader is told once.
    pub fn renew(&mut self) {
        *self = Self { renewed: true, ..Self::default() };
    }

    /// The fsynced records that are kept, with their offsets.
    pub fn records(&self) -> impl Iterator<Item = (u64, &[u8])> {
        (self.first..self.durable_end()).filter_map(|offset| Some((offset, self.record(offset)?)))
    }

    fn begin_fsync(&mut self, now: u64) {
        if self.fsync.is_none() && self.durable < self.ends.len() {
            let ends_at = now.saturating_add(self.fsync_takes);
            self.fsync = Some(Fsync { records: self.ends.len(), ends_at });
        }
    }

    /// Where the first so many records end.
    fn byte_end(&self, records: usize) -> usize {
        records.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0)
    }

    fn record(&self, offset: u64) -> Option<&[u8]> {
        let index = usize::try_from(offset).ok()?;
        self.bytes.get(self.byte_end(index) + HEADER_LEN..*self.ends.get(index)?)
    }

    fn readable(&self) -> Range<u64> {
        let end = if planted!(ReadPastFsync) { self.end() } else { self.durable_end() };
        self.first..end
    }
}

impl Source for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn parts(&self) -> Vec<i32> {
        vec![PART]
    }

    fn bounds(&mut self, _part: i32) -> anyhow::Result<Range<u64>> {
        Ok(self.readable())
    }

    fn read(
        &mut self,
        _part: i32,
        from: u64,
        max_bytes: usize,
        max_records: usize,
    ) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        ensure!(!mem::take(&mut self.renewed), "another log took its place");
        let bounds = self.readable();
        ensure!((bounds.start..=bounds.end).contains(&from), "offset {from} is not in {bounds:?}");
        let records = (from..bounds.end).map_while(|offset| Some((offset, self.record(offset)?)));
        Ok(bounded(records, max_bytes, max_records))
    }

    fn committed(&mut self, _part: i32, _next: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(records: &[&str]) -> Log {
        let mut log = Log::default();
        log.append(0, 5, records);
        log
    }

    fn read(log: &mut Log, from: u64) -> Vec<u64> {
        log.read(PART, from, usize::MAX, usize::MAX).unwrap().into_iter().map(|(offset, _)| offset).collect()
    }

    #[test]
    fn only_what_is_fsynced_can_be_read() {
        let mut log = log(&["a", "b"]);
        log.advance(4);
        assert_eq!((read(&mut log, 0), log.bounds(PART).unwrap()), (vec![], 0..0));
        log.advance(5);
        assert_eq!((read(&mut log, 0), log.bounds(PART).unwrap()), (vec![0, 1], 0..2));
        assert_eq!(log.read(PART, 1, 9, 9).unwrap(), [(1, b"b".to_vec())]);
        assert_eq!(log.poll_timeout(), None);
    }

    #[test]
    fn what_is_appended_during_an_fsync_waits_for_the_next() {
        let mut log = log(&["a"]);
        assert_eq!(log.append(2, 7, ["b"]), 2);
        log.advance(5);
        assert_eq!((log.durable_end(), log.poll_timeout()), (1, Some(12)));
        log.advance(100);
        assert_eq!((log.durable_end(), log.poll_timeout()), (2, None));
    }

    #[test]
    fn a_crash_loses_what_was_not_fsynced_and_cuts_a_torn_record() {
        for (kept, end) in [(0, 1), (3, 1), (10, 1), (11, 2), (20, 2), (22, 3), (99, 3)] {
            let mut log = log(&["one"]);
            log.advance(5);
            log.append(6, 5, ["two", "six"]);
            assert_eq!(log.unsynced_bytes(), 22);
            log.crash(kept);
            assert_eq!(
                (log.end(), log.durable_end(), log.unsynced_bytes()),
                (end, end, 0),
                "{kept} bytes kept"
            );
            assert_eq!(log.poll_timeout(), None);
            assert_eq!(log.append(9, 5, ["ten"]), end + 1);
            log.advance(14);
            assert_eq!(log.records().last(), Some((end, &b"ten"[..])));
        }
    }

    #[test]
    fn an_offset_that_is_not_there_is_an_error() {
        let mut log = log(&["a", "b", "c"]);
        log.advance(5);
        assert!(log.read(PART, 4, 9, 9).is_err());
        log.delete_before(2);
        assert_eq!((log.bounds(PART).unwrap(), log.records().count()), (2..3, 1));
        assert!(log.read(PART, 1, 9, 9).is_err());
        assert_eq!(read(&mut log, 2), [2]);
    }

    #[test]
    fn another_log_in_its_place_is_told_once() {
        let mut log = log(&["a"]);
        log.renew();
        assert!(log.read(PART, 0, 9, 9).is_err());
        assert!(read(&mut log, 0).is_empty());
    }

    #[test]
    fn a_read_is_bounded_by_records_and_bytes() {
        let mut log = log(&["aaa", "bbb", "ccc"]);
        log.advance(5);
        let count = |log: &mut Log, bytes, records| log.read(PART, 0, bytes, records).unwrap().len();
        assert_eq!([count(&mut log, 3, 9), count(&mut log, 4, 9), count(&mut log, 99, 1)], [1, 2, 1]);
    }
}

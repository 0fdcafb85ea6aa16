//! Where a consumer reads.

use std::{borrow::Cow, ops::Range};

/// Why a source cannot be read at this moment though nothing is broken: its broker is away, or it is not what it was a
/// moment ago. Whoever drives the consumer waits and asks again, however long it takes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unready(pub String);

/// A sequence of numbered records in one or more parts: the embedded log, or assigned partitions of a topic.
/// One consumer per store.
///
/// After any error the consumer looks anew where to go on, so whatever makes a place doubtful is told as one: the
/// topic was created anew, the records at an offset are gone.
pub trait Source {
    /// Its name in the store's offsets.
    fn name(&self) -> &str;

    /// The parts that are assigned to this consumer now, which may become more at any time. Asked before every
    /// read, so it must be cheap.
    fn parts(&self) -> Vec<i32>;

    /// The offsets that can be read now: from the oldest kept record to the end of what is durable.
    fn bounds(&mut self, part: i32) -> anyhow::Result<Range<u64>>;

    /// The durable records from `from` on, until they add up to `max_bytes` or there are `max_records`.
    /// Empty only when there are none.
    ///
    /// # Errors
    /// Also when `from` is outside [`bounds`](Self::bounds).
    fn read(
        &mut self,
        part: i32,
        from: u64,
        max_bytes: usize,
        max_records: usize,
    ) -> anyhow::Result<Vec<(u64, Vec<u8>)>>;

    /// Whether a record that was read can be turned into text now. If not, reading of its part goes on with it later, and
    /// the source says why to those who run it: what cannot be read *yet* is not passed over.
    fn prepare(&mut self, _part: i32, _offset: u64, _record: &[u8]) -> bool {
        true
    }

    /// The record as JSON, after [`prepare`](Self::prepare). Its fingerprint is of the bytes that were read.
    fn text<'r>(&self, record: &'r [u8]) -> Cow<'r, [u8]> {
        Cow::Borrowed(record)
    }

    /// Everything before `next` is committed, now or by an earlier process; what is old enough may be dropped.
    fn committed(&mut self, part: i32, next: u64);
}

/// The first of `records` until they add up to `max_bytes` or there are `max_records`: what one [`Source::read`]
/// returns. No record is taken from the iterator that is not returned.
pub fn bounded<R: Into<Vec<u8>>>(
    records: impl IntoIterator<Item = (u64, R)>,
    max_bytes: usize,
    max_records: usize,
) -> Vec<(u64, Vec<u8>)> {
    let mut records = records.into_iter();
    let (mut read, mut bytes) = (Vec::new(), 0);
    while bytes < max_bytes && read.len() < max_records {
        let Some((offset, record)) = records.next() else { break };
        let record: Vec<u8> = record.into();
        bytes += record.len();
        read.push((offset, record));
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_ends_with_the_record_that_reaches_a_bound_and_takes_no_other() {
        let records = [(3, &b"aaa"[..]), (4, b"bbb"), (7, b"ccc")];
        for (max_bytes, max_records, count) in
            [(3, 9, 1), (4, 9, 2), (99, 1, 1), (99, 9, 3), (0, 9, 0), (9, 0, 0)]
        {
            let mut left = records.into_iter();
            let read = bounded(&mut left, max_bytes, max_records);
            assert_eq!(
                (read.len(), left.len()),
                (count, 3 - count),
                "{max_bytes} bytes, {max_records} records"
            );
            assert!(read.iter().zip(records).all(|(read, record)| *read == (record.0, record.1.to_vec())));
        }
    }
}

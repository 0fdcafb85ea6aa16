//! Where a consumer reads.

use std::ops::Range;

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

    /// Everything before `next` is committed; what is old enough may be dropped.
    fn committed(&mut self, part: i32, next: u64);
}

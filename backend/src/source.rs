//! Where a consumer reads: the embedded log, or assigned partitions of a topic. One consumer per store.

use std::{ops::Range, time::Duration};

/// A sequence of numbered records in one or more parts.
pub trait Source {
    /// Its name in the store's offsets.
    fn name(&self) -> &'static str;

    /// The parts that are assigned to this consumer.
    fn parts(&self) -> Vec<i32>;

    /// The offsets that can be read now: from the oldest kept record to the end of what is durable.
    fn bounds(&mut self, part: i32) -> anyhow::Result<Range<u64>>;

    /// The durable records from `from` on, until they add up to `max_bytes` or there are `max_records`.
    /// Empty only when there are none.
    fn read(
        &mut self,
        part: i32,
        from: u64,
        max_bytes: usize,
        max_records: usize,
    ) -> anyhow::Result<Vec<(u64, Vec<u8>)>>;

    /// Waits until some part has durable records at or beyond its next offset, at most for `timeout`.
    fn wait(&mut self, next: &[(i32, u64)], timeout: Duration);

    /// Everything before `next` is committed; what is old enough may be dropped.
    fn committed(&mut self, part: i32, next: u64);
}

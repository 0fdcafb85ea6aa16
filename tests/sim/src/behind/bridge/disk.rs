//! The disk of a spool: what was written and not fsynced may be lost in a crash.

use std::collections::BTreeMap;

use bytes::Bytes;
use headwater_bridge_flow::Found;

/// Milliseconds of an fsync.
const FSYNC_MS: u64 = 6;

#[derive(Debug, Default)]
pub(super) struct Disk {
    lanes: BTreeMap<u32, Lane>,
    /// The fsync that is under way: when it ends, and its number.
    fsync: Option<(u64, u64)>,
}

#[derive(Debug, Default)]
struct Lane {
    /// Offset of the oldest record that is kept.
    first: u64,
    /// With the time at which each was written.
    records: Vec<(u64, Bytes)>,
    durable: usize,
    /// What the fsync under way will make durable.
    syncing: usize,
}

impl Disk {
    pub(super) fn append(&mut self, now: u64, partition: u32, offset: u64, body: Bytes) {
        let lane = self.lanes.entry(partition).or_default();
        assert_eq!(lane.end(), offset, "the flow knows the next offset of partition {partition}");
        lane.records.push((now, body));
    }

    pub(super) fn sync(&mut self, now: u64, number: u64) {
        self.lanes.values_mut().for_each(|lane| lane.syncing = lane.records.len());
        self.fsync = Some((now + FSYNC_MS, number));
    }

    pub(super) fn next_at(&self) -> Option<u64> {
        self.fsync.map(|(at, _)| at)
    }

    /// The fsync that is over by `now`.
    pub(super) fn synced(&mut self, now: u64) -> Option<u64> {
        let (_, number) = self.fsync.take_if(|(at, _)| *at <= now)?;
        self.lanes.values_mut().for_each(|lane| lane.durable = lane.syncing);
        Some(number)
    }

    /// Fsynced records from `from` on: at least one, and up to about `max_bytes`.
    pub(super) fn read(&self, partition: u32, from: u64, max_bytes: usize) -> Vec<Bytes> {
        let Some(lane) = self.lanes.get(&partition) else { return Vec::new() };
        let from = lane.index(from);
        let mut left = Some(max_bytes);
        let fits = |record: &&(u64, Bytes)| {
            let fits = left.is_some();
            left = left.and_then(|left| left.checked_sub(record.1.len()));
            fits
        };
        lane.records[from..lane.durable].iter().take_while(fits).map(|(_, body)| body.clone()).collect()
    }

    pub(super) fn trim(&mut self, partition: u32, upto: u64) {
        let Some(lane) = self.lanes.get_mut(&partition) else { return };
        let count = lane.index(upto);
        lane.records.drain(..count);
        lane.first += count as u64;
        lane.durable -= count.min(lane.durable);
        lane.syncing -= count.min(lane.syncing);
    }

    /// Of what was not fsynced, the first `kept` records of each partition survive, and are durable then.
    pub(super) fn crash(&mut self, mut kept: impl FnMut(usize) -> usize) {
        self.fsync = None;
        for lane in self.lanes.values_mut() {
            let unsynced = lane.records.len() - lane.durable;
            lane.durable += kept(unsynced).min(unsynced);
            lane.records.truncate(lane.durable);
        }
    }

    pub(super) fn found(&self, now: u64) -> Vec<Found> {
        let found = |(partition, lane): (&u32, &Lane)| Found {
            partition: *partition,
            first: lane.first,
            end: lane.end(),
            bytes: lane.records.iter().map(|(_, body)| body.len() as u64).sum(),
            age_ms: lane.records.first().map_or(0, |(at, _)| now - at),
        };
        self.lanes.iter().map(found).collect()
    }

    /// What is durable and was not trimmed.
    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.lanes.values().flat_map(|lane| lane.records[..lane.durable].iter().map(|(_, body)| &body[..]))
    }
}

impl Lane {
    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    fn index(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.first))
            .map_or(self.records.len(), |n| n.min(self.records.len()))
    }
}

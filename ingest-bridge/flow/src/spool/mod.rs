//! When a record waits on disk: per partition, in order, until the broker has it.
//!
//! A lane is the spool of one partition. **While a lane holds a record, whatever comes for its partition queues behind
//! it.** A lane is drained by batches: read, produce, and only when the broker has all of one, trim it and read the next.

mod lane;

use std::collections::BTreeMap;

use headwater_core::planted;

use self::lane::Lane;
use crate::{
    effect::{Cause, Effect},
    flights::{Spooled, Waiter},
    input::Found,
    limits::{Backoff, Limits, SpoolPolicy},
};

#[derive(Debug)]
pub(crate) struct Spool {
    policy: SpoolPolicy,
    limits: Limits,
    state: State,
    is_known: bool,
    backoff: Backoff,
    bytes: u64,
    /// Only those that hold something.
    lanes: BTreeMap<u32, Lane>,
    /// The next offsets of the others.
    ends: BTreeMap<u32, u64>,
    /// Appended, and no sync covers them yet.
    unsynced: Vec<Waiter>,
    /// The sync that is under way, and who waits for it.
    syncing: Option<(u64, Vec<Waiter>)>,
    /// For syncs and batches.
    next: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Failed { again_at: u64 },
    Open,
    Opening,
}

impl Spool {
    /// A spool that is being opened, if there is one.
    pub(crate) fn new(policy: SpoolPolicy, limits: Limits) -> Self {
        Self {
            policy,
            limits,
            state: if policy == SpoolPolicy::Off { State::Open } else { State::Opening },
            is_known: policy == SpoolPolicy::Off,
            backoff: Backoff::new(limits.backoff_ms),
            bytes: 0,
            lanes: BTreeMap::new(),
            ends: BTreeMap::new(),
            unsynced: Vec::new(),
            syncing: None,
            next: 0,
        }
    }

    /// Whether it is known which lanes hold something: before, nothing can be admitted without overtaking.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Whether it can be written and read.
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub(crate) fn takes(&self, can_retry: bool) -> bool {
        self.policy.takes(can_retry)
    }

    pub(crate) fn holds(&self, lane: u32) -> bool {
        self.lanes.contains_key(&lane)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Queues a record in a lane; its offset. Who waits for it is told by the sync that follows.
    pub(crate) fn append(&mut self, now: u64, lane: u32, waiter: Waiter) -> Result<u64, Cause> {
        let bytes = waiter.bytes as u64;
        let is_full = self.bytes + bytes > self.limits.spool_bytes
            || self.lanes.get(&lane).is_some_and(|lane| lane.is_expired(now));
        if !waiter.may_spool || !self.is_open() || is_full {
            return Err(Cause::Spool);
        }
        let ends = &self.ends;
        let limits = &self.limits;
        let new = || Lane::new(ends.get(&lane).copied().unwrap_or(0), limits);
        let offset = self.lanes.entry(lane).or_insert_with(new).append(now, bytes, limits);
        self.bytes += bytes;
        self.unsynced.push(waiter);
        Ok(offset)
    }

    /// The next sync, if one is needed and none is under way.
    pub(crate) fn sync(&mut self) -> Option<Effect> {
        if self.unsynced.is_empty() || self.syncing.is_some() {
            return None;
        }
        let sync = self.number();
        self.syncing = Some((sync, std::mem::take(&mut self.unsynced)));
        self.lanes.values_mut().for_each(Lane::sync);
        Some(Effect::Sync { sync })
    }

    /// Who waited for this sync.
    pub(crate) fn synced(&mut self, sync: u64) -> Vec<Waiter> {
        let Some((_, waiters)) = self.syncing.take_if(|(number, _)| *number == sync) else {
            return Vec::new();
        };
        self.lanes.values_mut().for_each(Lane::synced);
        waiters
    }

    pub(crate) fn opened(&mut self, now: u64, found: &[Found]) {
        self.state = State::Open;
        self.is_known = true;
        self.backoff.reset();
        self.ends = found.iter().map(|found| (found.partition, found.end)).collect();
        let holding = found.iter().filter(|found| found.end > found.first);
        self.lanes = holding.map(|found| (found.partition, Lane::found(found, now, &self.limits))).collect();
        self.bytes = self.lanes.values().map(Lane::bytes).sum();
    }

    /// The disk failed. What lanes hold stays theirs, so that nothing overtakes it, until the spool is open again and
    /// tells what is left. Those who waited for a sync, and whether it is to be opened now.
    pub(crate) fn failed(&mut self, now: u64) -> (Vec<Waiter>, bool) {
        let begins = self.state == State::Open;
        self.state =
            if begins { State::Opening } else { State::Failed { again_at: self.backoff.after(now) } };
        let mut waiters = self.syncing.take().map(|(_, waiters)| waiters).unwrap_or_default();
        waiters.append(&mut self.unsynced);
        (waiters, begins)
    }

    /// Whether it is time to try to open it again.
    pub(crate) fn reopens(&mut self, now: u64) -> bool {
        let is_due = matches!(self.state, State::Failed { again_at } if again_at <= now);
        if is_due {
            self.state = State::Opening;
        }
        is_due
    }

    /// What can be read now.
    pub(crate) fn reads(&mut self, now: u64) -> Vec<Effect> {
        if !self.is_open() {
            return Vec::new();
        }
        let max_bytes = self.limits.read_bytes;
        let due = self.lanes.iter_mut().filter(|(_, lane)| lane.readable_at().is_some_and(|at| at <= now));
        due.map(|(partition, lane)| Effect::Read { partition: *partition, from: lane.read(), max_bytes })
            .collect()
    }

    /// A batch was read: its number, if it is one that was asked for, and what to trim.
    pub(crate) fn begin(
        &mut self,
        now: u64,
        lane: u32,
        from: u64,
        lens: Vec<u64>,
    ) -> (Option<u64>, Option<Effect>) {
        let number = self.number();
        if !self.is_open() {
            return (None, None);
        }
        let Some(of) = self.lanes.get_mut(&lane) else { return (None, None) };
        if lens.is_empty() {
            of.read_nothing(now);
            return (None, None);
        }
        let upto = from + lens.len() as u64;
        let begins = of.begin(number, from, lens);
        let early = begins && planted!(SpoolTrimBeforeAck);
        (begins.then_some(number), early.then_some(Effect::Trim { partition: lane, upto }))
    }

    /// A record is with the broker; what to trim.
    pub(crate) fn is_with_broker(&mut self, of: Spooled) -> Option<Effect> {
        let freed = self.lanes.get_mut(&of.lane)?.is_with_broker(of.batch, of.index);
        self.free(of.lane, freed)
    }

    /// A record did not get through, and its batch with it; what to trim.
    pub(crate) fn fail(&mut self, of: Spooled, now: u64) -> Option<Effect> {
        let freed = self.lanes.get_mut(&of.lane)?.fail(of.batch, now);
        self.free(of.lane, freed)
    }

    /// The broker is there: no lane waits.
    pub(crate) fn hurry(&mut self) {
        self.lanes.values_mut().for_each(Lane::hurry);
    }

    /// When [`reopens`](Self::reopens) or, if lanes are drained at all, [`reads`](Self::reads) has something to do.
    pub(crate) fn next(&self, drains: bool) -> Option<u64> {
        match self.state {
            State::Failed { again_at } => Some(again_at),
            State::Open if drains => self.lanes.values().filter_map(Lane::readable_at).min(),
            State::Open | State::Opening => None,
        }
    }

    fn free(&mut self, lane: u32, freed: lane::Freed) -> Option<Effect> {
        let upto = freed.upto?;
        self.bytes -= freed.bytes;
        if let Some(of) = self.lanes.get(&lane)
            && of.is_empty()
        {
            self.bytes -= of.bytes();
            self.ends.insert(lane, of.end());
            self.lanes.remove(&lane);
        }
        Some(Effect::Trim { partition: lane, upto })
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

//! The stage behind the edges, whichever it is.

use std::sync::{Arc, RwLock};

use headwater_collector::Unavailable;
use headwater_consumer::State;

use super::{EPOCH, bridged::Bridged, embedded::Embedded};
use crate::{
    behind::store::{Failure, Store},
    oracle::Oracle,
    schedule::Topology,
    trace::Trace,
};

/// The time, and who watches.
pub(crate) struct Watch<'a> {
    pub(crate) now: u64,
    pub(crate) oracle: &'a mut Oracle,
    pub(crate) trace: &'a mut Trace,
}

impl Watch<'_> {
    /// Unix ms of the servers.
    pub(crate) fn unix(&self) -> i64 {
        i64::try_from(EPOCH + self.now).unwrap_or(i64::MAX)
    }
}

/// The answer to what an edge submitted.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) ticket: u64,
    pub(crate) result: Result<(), Unavailable>,
    pub(crate) incarnation: Option<u128>,
}

pub(crate) enum Stage {
    Bridged(Box<Bridged>),
    Embedded(Box<Embedded>),
}

/// The same for either.
macro_rules! of {
    ($stage:expr, $each:ident => $what:expr) => {
        match $stage {
            Self::Bridged($each) => $what,
            Self::Embedded($each) => $what,
        }
    };
}

impl Stage {
    pub(crate) fn new(topology: Topology) -> Self {
        match topology {
            Topology::Bridged { partitions, spool, .. } => {
                Self::Bridged(Box::new(Bridged::new(partitions, spool)))
            }
            Topology::Embedded => Self::Embedded(Box::new(Embedded::new())),
        }
    }

    /// Records of a request; one without a ticket waits for no answer.
    pub(crate) fn submit(&mut self, watch: &mut Watch<'_>, ticket: Option<u64>, records: Vec<Vec<u8>>) {
        of!(self, stage => stage.submit(watch, ticket, records));
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        of!(self, stage => stage.next_at())
    }

    /// Does what is due.
    pub(crate) fn advance(&mut self, watch: &mut Watch<'_>) {
        of!(self, stage => stage.advance(watch));
    }

    pub(crate) fn take_answers(&mut self) -> Vec<Answer> {
        of!(self, stage => stage.take_answers())
    }

    /// Which storage it answers with.
    pub(crate) fn incarnation(&self) -> u128 {
        of!(self, stage => stage.incarnation())
    }

    /// What takes the records ends and is started again; `seed` draws what of the unfinished is there.
    pub(crate) fn crash(&mut self, watch: &mut Watch<'_>, seed: u64) {
        of!(self, stage => stage.crash(watch, seed));
    }

    /// It stands still until then. Returns whether the world has to see to that.
    pub(crate) fn pause(&mut self, until: u64) -> bool {
        match self {
            Self::Bridged(stage) => stage.pause(until),
            Self::Embedded(_) => return true,
        }
        false
    }

    pub(crate) fn crash_store(&mut self, watch: &mut Watch<'_>) {
        of!(self, stage => stage.counter.crash(watch.now));
    }

    pub(crate) fn back_up(&mut self) {
        match self {
            Self::Bridged(stage) => stage.counter.back_up(),
            Self::Embedded(stage) => stage.back_up(),
        }
    }

    pub(crate) fn restore(&mut self, watch: &mut Watch<'_>, log: bool) {
        match self {
            Self::Bridged(stage) => stage.restore(watch),
            Self::Embedded(stage) => stage.restore(watch, log),
        }
    }

    /// Retention removes all but the last records.
    pub(crate) fn retain(&mut self, watch: &mut Watch<'_>, kept: u8) {
        of!(self, stage => stage.retain(watch, kept));
    }

    /// What happens to the topic; nothing without one.
    pub(crate) fn bridged(&mut self) -> Option<&mut Bridged> {
        match self {
            Self::Bridged(stage) => Some(stage),
            Self::Embedded(_) => None,
        }
    }

    pub(crate) fn fail_commits(&mut self, count: u8, failure: Failure) {
        of!(self, stage => stage.counter.fail(count, failure));
    }

    /// No faults any more.
    pub(crate) fn heal(&mut self, now: u64) {
        match self {
            Self::Bridged(stage) => stage.heal(now),
            Self::Embedded(stage) => stage.counter.heal(now),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        of!(self, stage => stage.counter.consumer().store())
    }

    /// What the consumer has in memory.
    pub(crate) fn state(&self) -> Arc<RwLock<State>> {
        of!(self, stage => stage.counter.consumer().state())
    }
}

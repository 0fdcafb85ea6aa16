//! A sink that keeps records in memory and does what a test says.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use headwater_bridge_flow::{Failure, Input, To, Trace};

use super::{Produce, Sink};
use crate::report::Reporter;

/// What a broker takes by default.
const MAX_RECORD_BYTES: usize = 1_048_588;

/// The records, for whoever wants to look.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    events: Vec<(Bytes, Option<Trace>)>,
    letters: Vec<(String, Bytes)>,
    is_holding: bool,
    held: Vec<(Reporter, Produce)>,
}

impl Memory {
    /// A sink that keeps its records here.
    #[must_use]
    pub fn sink(&self, incarnation: u128, reporter: Reporter) -> Box<dyn Sink> {
        Box::new(MemorySink { memory: self.clone(), incarnation, reporter })
    }

    /// The events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Bytes> {
        self.lock().events.iter().map(|(body, _)| body.clone()).collect()
    }

    /// The trace of each of them.
    #[must_use]
    pub fn traces(&self) -> Vec<Option<Trace>> {
        self.lock().events.iter().map(|(_, trace)| trace.clone()).collect()
    }

    /// The dead letters so far, with their reasons.
    #[must_use]
    pub fn letters(&self) -> Vec<(String, Bytes)> {
        self.lock().letters.clone()
    }

    /// While it holds, no record has a report; afterwards all have theirs.
    pub fn hold(&self, is_holding: bool) {
        let held = {
            let mut kept = self.lock();
            kept.is_holding = is_holding;
            if is_holding { Vec::new() } else { mem::take(&mut kept.held) }
        };
        for (reporter, record) in held {
            self.keep(&reporter, record);
        }
    }

    /// How many records have no report.
    #[must_use]
    pub fn held(&self) -> usize {
        self.lock().held.len()
    }

    fn keep(&self, reporter: &Reporter, Produce { attempt, to, body, trace, .. }: Produce) {
        let result = if body.len() > MAX_RECORD_BYTES {
            Err(Failure::Refused("MSG_SIZE_TOO_LARGE".to_owned()))
        } else {
            let mut kept = self.lock();
            match to {
                To::DeadLetters { reason, .. } => kept.letters.push((reason, body)),
                To::Events { .. } => kept.events.push((body, trace)),
            }
            Ok(())
        };
        reporter.tell(Input::Produced { attempt, result });
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct MemorySink {
    memory: Memory,
    incarnation: u128,
    reporter: Reporter,
}

impl Sink for MemorySink {
    fn build(&mut self) {
        self.memory.lock().held.clear();
        self.reporter.tell(Input::Incarnation(self.incarnation));
        self.reporter.tell(Input::ProducerBuilt);
    }

    fn produce(&mut self, record: Produce) {
        let mut kept = self.memory.lock();
        if kept.is_holding {
            kept.held.push((self.reporter.clone(), record));
            return;
        }
        drop(kept);
        self.memory.keep(&self.reporter, record);
    }
}

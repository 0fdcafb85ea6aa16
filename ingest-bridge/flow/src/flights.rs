//! What the producer has: the books, which decide nothing.

use std::collections::BTreeMap;

use headwater_schema::Trace;

use crate::{dead_letter::Letter, record::Record};

/// A record in memory.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) record: Record,
    pub(crate) trace: Option<Trace>,
    pub(crate) origin: Origin,
    pub(crate) lane: u32,
    /// How often the broker refused it.
    pub(crate) refusals: u8,
}

/// Who is to be told what becomes of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    Request(Waiter),
    Spool(Spooled),
}

/// Who waits for a record: a line of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiter {
    pub(crate) request: u64,
    pub(crate) index: usize,
    pub(crate) sender: u64,
    /// What it adds to the pressure.
    pub(crate) bytes: usize,
    pub(crate) may_spool: bool,
}

/// A record of a batch that was read from the spool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spooled {
    pub(crate) lane: u32,
    pub(crate) batch: u64,
    pub(crate) index: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Flight {
    Body(Held),
    /// In place of the record with this number in `replaced`.
    Letter {
        of: u64,
        letter: Letter,
    },
}

#[derive(Debug, Default)]
pub(crate) struct Flights {
    next: u64,
    /// By attempt, so in the order in which the producer got them.
    attempts: BTreeMap<u64, Flight>,
    replaced: BTreeMap<u64, Replaced>,
}

#[derive(Debug)]
struct Replaced {
    held: Held,
    letters: usize,
}

impl Flights {
    pub(crate) fn begin(&mut self, flight: Flight) -> u64 {
        let attempt = self.next;
        self.next += 1;
        if let Flight::Letter { of, .. } = &flight
            && let Some(replaced) = self.replaced.get_mut(of)
        {
            replaced.letters += 1;
        }
        self.attempts.insert(attempt, flight);
        attempt
    }

    pub(crate) fn get(&self, attempt: u64) -> Option<&Flight> {
        self.attempts.get(&attempt)
    }

    /// Ends an attempt. None if it is not known (any more).
    pub(crate) fn end(&mut self, attempt: u64) -> Option<Flight> {
        let flight = self.attempts.remove(&attempt)?;
        if let Flight::Letter { of, .. } = &flight
            && let Some(replaced) = self.replaced.get_mut(of)
        {
            replaced.letters -= 1;
        }
        Some(flight)
    }

    /// Sets a record aside whose letters follow; its number for them.
    pub(crate) fn replace(&mut self, held: Held) -> u64 {
        let number = self.next;
        self.next += 1;
        self.replaced.insert(number, Replaced { held, letters: 0 });
        number
    }

    /// What a letter stands for.
    pub(crate) fn replaced(&self, number: u64) -> Option<&Held> {
        self.replaced.get(&number).map(|replaced| &replaced.held)
    }

    /// The record of `number` if all its letters have ended.
    pub(crate) fn take_replaced(&mut self, number: u64) -> Option<Held> {
        let is_done = self.replaced.get(&number)?.letters == 0;
        if is_done { self.replaced.remove(&number).map(|replaced| replaced.held) } else { None }
    }

    /// The record of `number`; its letters are forgotten.
    pub(crate) fn withdraw(&mut self, number: u64) -> Option<Held> {
        self.attempts.retain(|_, flight| !matches!(flight, Flight::Letter { of, .. } if *of == number));
        self.replaced.remove(&number).map(|replaced| replaced.held)
    }

    /// The records of requests that may go to the spool instead, of one lane or of all, in order.
    pub(crate) fn take_spoolable(&mut self, lane: Option<u32>) -> Vec<Held> {
        self.take_bodies(|waiter, of| waiter.may_spool && lane.is_none_or(|lane| lane == of))
    }

    /// The records of requests in these lanes, in order.
    pub(crate) fn take_lanes(&mut self, lanes: impl Fn(u32) -> bool) -> Vec<Held> {
        self.take_bodies(|_, of| lanes(of))
    }

    fn take_bodies(&mut self, wanted: impl Fn(&Waiter, u32) -> bool) -> Vec<Held> {
        let is_wanted = |flight: &Flight| match flight {
            Flight::Body(Held { origin: Origin::Request(waiter), lane, .. }) => wanted(waiter, *lane),
            _ => false,
        };
        self.attempts.extract_if(.., |_, flight| is_wanted(flight)).filter_map(|(_, f)| f.held()).collect()
    }

    /// Forgets what is under way of a batch that will be read again.
    pub(crate) fn drop_batch(&mut self, batch: u64) {
        let is_of = |held: &Held| matches!(held.origin, Origin::Spool(of) if of.batch == batch);
        self.replaced.retain(|_, replaced| !is_of(&replaced.held));
        let replaced = &self.replaced;
        self.attempts.retain(|_, flight| match flight {
            Flight::Body(held) => !is_of(held),
            Flight::Letter { of, .. } => replaced.contains_key(of),
        });
    }

    /// Everything, in order; nothing is under way any more. A replaced record comes as itself.
    pub(crate) fn take_all(&mut self) -> Vec<Held> {
        let replaced = std::mem::take(&mut self.replaced).into_iter();
        let bodies = std::mem::take(&mut self.attempts).into_iter();
        let mut all: BTreeMap<u64, Held> =
            bodies.filter_map(|(n, flight)| Some((n, flight.held()?))).collect();
        all.extend(replaced.map(|(n, replaced)| (n, replaced.held)));
        all.into_values().collect()
    }

    /// Gives every attempt a new number, in the same order: what is reported of the old ones is nothing to us.
    pub(crate) fn begin_again(&mut self) -> Vec<u64> {
        let flights = std::mem::take(&mut self.attempts);
        let first = self.next;
        for flight in flights.into_values() {
            self.attempts.insert(self.next, flight);
            self.next += 1;
        }
        (first..self.next).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.attempts.len()
    }
}

impl Flight {
    pub(crate) fn held(self) -> Option<Held> {
        match self {
            Self::Body(held) => Some(held),
            Self::Letter { .. } => None,
        }
    }
}

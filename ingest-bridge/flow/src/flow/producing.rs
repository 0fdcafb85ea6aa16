//! What goes to the producer, and what its reports do.

use headwater_core::planted;

use super::Flow;
use crate::{
    dead_letter::{Letter, letters, smaller},
    effect::{Cause, Effect, Outcome, To},
    flights::{Flight, Held, Origin},
    input::Failure,
};

impl Flow {
    /// Gives a record to the producer, or to the next one while it is being built.
    pub(super) fn produce(&mut self, held: Held) {
        self.begin(Flight::Body(held));
    }

    /// Puts a record aside that the broker refuses for good.
    pub(super) fn bury(&mut self, held: Held, reason: &str) {
        let letters = letters(&held.record, reason);
        let of = self.flights.replace(held);
        for letter in letters {
            self.begin(Flight::Letter { of, letter });
        }
    }

    pub(super) fn produced(&mut self, attempt: u64, result: Result<(), Failure>) {
        // What a broken producer reports last is no news, except that a record arrived: the next one gets the rest.
        if result.is_err() && !self.health.has_producer() {
            return;
        }
        match result {
            Ok(()) => self.arrived(attempt),
            Err(Failure::Refused(reason)) => self.refused(attempt, &reason),
            Err(Failure::Unsure) => self.unsure(attempt),
        }
    }

    /// The broker is there.
    pub(super) fn heard(&mut self) {
        if self.health.heard() {
            self.spool.hurry();
        }
    }

    pub(super) fn fatal(&mut self) {
        if self.health.rebuild() {
            self.out.push_back(Effect::BuildProducer);
        }
        if planted!(RebuildForgetsInFlight) {
            for held in self.flights.take_all() {
                self.accept(&held);
            }
        }
    }

    /// The new producer gets all that the old one had not reported, in the same order. The old one had what went to
    /// the spool meanwhile before it; the new one does not, so what was behind that stays behind it.
    pub(super) fn built(&mut self) {
        self.health.built();
        for held in self.flights.take_lanes(|lane| self.spool.holds(lane)) {
            self.give_up(held);
        }
        for attempt in self.flights.begin_again() {
            self.emit(attempt);
        }
        self.spool.hurry();
    }

    /// Without a producer nothing is under way: it goes to the spool, or back to the sender.
    pub(super) fn not_built(&mut self) {
        self.health.failed(self.now);
        for held in self.flights.take_all() {
            self.give_up(held);
        }
    }

    pub(super) fn broker_went_away(&mut self) {
        self.health.gone(self.now);
        if self.spool.is_open() {
            for held in self.flights.take_spoolable(None) {
                self.give_up(held);
            }
        }
    }

    fn begin(&mut self, flight: Flight) {
        let attempt = self.flights.begin(flight);
        if self.health.has_producer() {
            self.emit(attempt);
        }
    }

    fn emit(&mut self, attempt: u64) {
        let events = |lane| To::Events { partition: self.partitioner.of_lane(lane) };
        let (held, to, body) = match self.flights.get(attempt) {
            Some(Flight::Body(held)) => (held, events(held.lane), &held.record.body),
            Some(Flight::Letter { of, letter }) => {
                let Some(held) = self.flights.replaced(*of) else { return };
                match letter {
                    Letter::Dead { reason, cut, body } => {
                        (held, To::DeadLetters { reason: reason.clone(), cut: *cut }, body)
                    }
                    Letter::Name(body) | Letter::Part(body) => (held, events(held.lane), body),
                }
            }
            None => return,
        };
        let (key, trace) = (held.record.key.clone(), held.trace.clone());
        self.out.push_back(Effect::Produce { attempt, to, key, body: body.clone(), trace });
    }

    pub(super) fn arrived(&mut self, attempt: u64) {
        self.heard();
        match self.flights.end(attempt) {
            Some(Flight::Body(held)) => self.accept(&held),
            Some(Flight::Letter { of, .. }) => self.accept_replaced(of),
            None => {}
        }
    }

    fn refused(&mut self, attempt: u64, reason: &str) {
        self.heard();
        match self.flights.end(attempt) {
            Some(Flight::Body(mut held)) => {
                held.refusals += 1;
                if held.refusals < self.limits.tries { self.produce(held) } else { self.bury(held, reason) }
            }
            Some(Flight::Letter { of, letter }) => {
                let Some(letters) = smaller(letter, reason, self.limits.cut_letter_bytes) else {
                    return self.withdraw(of);
                };
                for letter in letters {
                    self.begin(Flight::Letter { of, letter });
                }
                self.accept_replaced(of);
            }
            None => {}
        }
    }

    fn unsure(&mut self, attempt: u64) {
        match self.flights.get(attempt) {
            Some(Flight::Body(Held { origin: Origin::Request(waiter), lane, .. }))
                if waiter.may_spool && self.spool.is_open() =>
            {
                // Those behind it may have failed with it, and none of them may arrive after what comes next.
                self.divert(*lane);
            }
            Some(Flight::Body(_)) => {
                if let Some(held) = self.flights.end(attempt).and_then(Flight::held) {
                    self.give_up(held);
                }
            }
            Some(Flight::Letter { of, .. }) => self.withdraw(*of),
            None => {}
        }
    }

    /// A record that could not be replaced either.
    fn withdraw(&mut self, of: u64) {
        let Some(held) = self.flights.withdraw(of) else { return };
        // As in `unsure`: what was behind it must not get behind what comes next.
        let behind = match held.origin {
            Origin::Request(waiter) if waiter.may_spool && self.spool.is_open() => {
                self.flights.take_spoolable(Some(held.lane))
            }
            _ => Vec::new(),
        };
        self.give_up(held);
        for held in behind {
            self.give_up(held);
        }
    }

    /// A record that the producer could not deliver: back to where it came from, or to the spool.
    pub(super) fn give_up(&mut self, held: Held) {
        match held.origin {
            Origin::Request(waiter) if waiter.may_spool => self.append(held, waiter),
            Origin::Request(waiter) => self.settle(waiter, Outcome::Retry(Cause::Broker)),
            Origin::Spool(of) => {
                self.flights.drop_batch(of.batch);
                self.out.extend(self.spool.fail(of, self.now));
            }
        }
    }

    fn accept_replaced(&mut self, of: u64) {
        if let Some(held) = self.flights.take_replaced(of) {
            self.accept(&held);
        }
    }

    fn accept(&mut self, held: &Held) {
        match held.origin {
            Origin::Request(waiter) => self.settle(waiter, Outcome::Accepted),
            Origin::Spool(of) => self.out.extend(self.spool.is_with_broker(of)),
        }
    }
}

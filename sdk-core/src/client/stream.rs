//! The books of one stream: which events are still owed to the server.

use alloc::vec::Vec;

use super::{
    Effect, StreamNo,
    ledger::{Ledger, Loss},
    lists::{keep, settle},
    outbox::Outbox,
};
use crate::{ranges::Range, reason::Reason, session::SessionId, time::UnixMs};

/// Whose stream it is, and how far we know it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// A dead owner's, completely told.
    Adopted,
    /// A dead owner's, still being told.
    Found,
    /// This shell's own.
    Own,
}

/// Where an event is on its way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// In a request that is not answered yet.
    InFlight,
    /// Left behind for a while: something before Headwater takes it for too large.
    PassedOver,
    /// In the journal.
    Waiting,
}

/// An event that is neither settled nor named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) seq: u32,
    /// Bytes of its body.
    pub(super) len: u32,
    pub(super) ts: UnixMs,
    pub(super) place: Place,
    /// Most events that a request carrying this one may hold: halved each time such a request is refused.
    pub(super) company: u32,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) no: StreamNo,
    pub(super) origin: Origin,
    /// The server has acknowledged that the adopter holds nothing more.
    pub(super) ended: bool,
    /// Its visitor denied consent: requests carry no header.
    pub(super) purged: bool,
    /// The next free seq.
    pub(super) head: u32,
    /// What the journal of a found stream says was settled.
    pub(super) start: u32,
    /// Requests in flight that carry something of it.
    pub(super) flights: u32,
    pub(super) ledger: Ledger,
    /// Ascending by seq.
    events: Vec<Event>,
    /// Ascending by seq.
    stamps: Vec<(u32, SessionId)>,
    /// Sum of the `len` of `events`.
    bytes: u32,
}

impl Stream {
    pub(super) fn new(no: StreamNo, origin: Origin, start: u32, head: u32) -> Self {
        Self {
            no,
            origin,
            ended: false,
            purged: false,
            head,
            start,
            flights: 0,
            ledger: Ledger::default(),
            events: Vec::new(),
            stamps: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes in an event; one that is already in the books changes nothing.
    pub(super) fn add(&mut self, seq: u32, len: u32, ts: UnixMs) {
        self.head = self.head.max(seq.saturating_add(1));
        if self.events.iter().rfind(|e| e.seq <= seq).is_none_or(|e| e.seq != seq) {
            self.events.push(Event { seq, len, ts, place: Place::Waiting, company: u32::MAX });
            settle(&mut self.events, &|e| e.seq);
            self.bytes = self.bytes.saturating_add(len);
        }
    }

    /// Takes events out of the books and names them. Each leaves the journal once its name is durable.
    pub(super) fn lose(&mut self, reason: Reason, out: &mut Outbox, which: &dyn Fn(&Event) -> bool) {
        self.take(Some(reason), out, which);
    }

    /// Takes events out of the books and the journal: they are settled, or named durably.
    pub(super) fn forget(&mut self, out: &mut Outbox, which: &dyn Fn(&Event) -> bool) {
        self.take(None, out, which);
    }

    /// Moves events from one place to another.
    pub(super) fn change(&mut self, which: &dyn Fn(&Event) -> bool, change: &dyn Fn(&mut Event)) {
        self.events.iter_mut().filter(|e| which(e)).for_each(change);
    }

    /// Events neither settled nor named, ascending.
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// Events that a request could carry now, ascending.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|e| e.place == Place::Waiting)
    }

    /// Bytes of bodies that the journal holds for events neither settled nor named.
    pub(super) fn bytes(&self) -> u32 {
        self.bytes
    }

    /// The `done` of a request that carries `names`: all below is settled, or named there or before.
    pub(super) fn done_with(&self, names: &[Loss]) -> u32 {
        let event = self.events.first().map_or(u32::MAX, |e| e.seq);
        let loss = self.ledger.first_besides(names);
        self.head.min(event).min(loss)
    }

    /// Whether the journal is still being read: nothing is decided about it yet.
    pub(super) fn is_being_told(&self) -> bool {
        self.origin == Origin::Found
    }

    /// Names `vanished` what is neither owed nor named although the journal once held it.
    pub(super) fn name_holes(&mut self, out: &mut Outbox) {
        let mut from = self.start;
        for next in self.events.iter().map(|e| e.seq).chain([self.head]) {
            self.ledger.name_holes((from, next), self.no, out);
            from = from.max(next.saturating_add(1));
        }
    }

    /// Whether nothing is owed any more.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_being_told() && self.events.is_empty() && self.ledger.is_empty()
    }

    /// Whether nothing is owed nor will be.
    pub(super) fn is_finished(&self) -> bool {
        let closed = self.ended || (self.purged && self.origin == Origin::Own);
        closed && self.is_settled() && self.flights == 0
    }

    /// The session stamped on `seq`, if the journal knows it.
    pub(super) fn session(&self, seq: u32) -> Option<SessionId> {
        self.stamps.iter().rfind(|s| s.0 <= seq).map(|s| s.1)
    }

    /// Stamps `session` on everything from `from` on, up to the next stamp.
    pub(super) fn stamp(&mut self, from: u32, session: SessionId) {
        self.stamps.push((from, session));
        settle(&mut self.stamps, &|s| s.0);
    }

    /// Removes events, and run by run, ascending, names them `reason`, or has them forgotten.
    fn take(&mut self, reason: Option<Reason>, out: &mut Outbox, which: &dyn Fn(&Event) -> bool) {
        let (ledger, stream) = (&mut self.ledger, self.no);
        let mut end_run = |(from, to): Range| {
            if from < to {
                match reason {
                    Some(reason) => ledger.name((from, to), reason, stream, out),
                    None => out.push(Effect::Forget { stream, from, to }),
                }
            }
        };
        let (mut run, mut bytes) = ((0, 0), 0u32);
        keep(&mut self.events, &mut |event| {
            if !which(event) {
                return true;
            }
            bytes = event.len.saturating_add(bytes);
            if event.seq != run.1 {
                end_run(run);
                run.0 = event.seq;
            }
            run.1 = event.seq.saturating_add(1);
            false
        });
        end_run(run);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

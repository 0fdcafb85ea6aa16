//! The books of one stream: which events are still owed to the server.

use alloc::vec::Vec;

use super::{
    Effect, StreamNo,
    ledger::{Ledger, Loss},
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
        let at = self.events.partition_point(|e| e.seq < seq);
        if self.events.get(at).is_none_or(|e| e.seq != seq) {
            self.events.insert(at, Event { seq, len, ts, place: Place::Waiting, company: u32::MAX });
            self.bytes = self.bytes.saturating_add(len);
        }
    }

    /// Takes events out of the books and names them. Each leaves the journal once its name is durable.
    pub(super) fn lose(&mut self, reason: Reason, out: &mut Outbox, which: &dyn Fn(&Event) -> bool) {
        for range in self.take(which) {
            self.ledger.name(range, reason, self.no, out);
        }
    }

    /// Takes events out of the books and the journal: they are settled, or named durably.
    pub(super) fn forget(&mut self, out: &mut Outbox, which: &dyn Fn(&Event) -> bool) {
        for (from, to) in self.take(which) {
            out.push(Effect::Forget { stream: self.no, from, to });
        }
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
        let event = self.events.first().map(|e| e.seq);
        let loss = self.ledger.first_besides(names);
        event.into_iter().chain(loss).min().unwrap_or(self.head)
    }

    /// Whether the journal is still being read: nothing is decided about it yet.
    pub(super) fn is_being_told(&self) -> bool {
        self.origin == Origin::Found
    }

    /// Where the run of events ends that begins at `seq` and is owed or named; `None` if `seq` is neither.
    pub(super) fn known_until(&self, seq: u32) -> Option<u32> {
        let owed = self.events.binary_search_by_key(&seq, |e| e.seq).ok().map(|_| seq.saturating_add(1));
        owed.or_else(|| self.ledger.iter().map(|l| l.range).find(|r| r.0 <= seq && seq < r.1).map(|r| r.1))
    }

    /// The first event after `seq` that is owed or named.
    pub(super) fn known_after(&self, seq: u32) -> Option<u32> {
        let owed = self.events.get(self.events.partition_point(|e| e.seq <= seq)).map(|e| e.seq);
        let named = self.ledger.iter().map(|l| l.range.0).filter(|&from| from > seq).min();
        owed.into_iter().chain(named).min()
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
        let after = self.stamps.partition_point(|s| s.0 <= seq);
        self.stamps.get(after.checked_sub(1)?).map(|s| s.1)
    }

    /// Stamps `session` on everything from `from` on, up to the next stamp.
    pub(super) fn stamp(&mut self, from: u32, session: SessionId) {
        let at = self.stamps.partition_point(|s| s.0 <= from);
        self.stamps.insert(at, (from, session));
    }

    /// Removes events and returns them as ranges, ascending.
    fn take(&mut self, which: &dyn Fn(&Event) -> bool) -> Vec<Range> {
        let mut ranges: Vec<Range> = Vec::new();
        let mut bytes = 0u32;
        self.events.retain(|event| {
            if !which(event) {
                return true;
            }
            bytes = event.len.saturating_add(bytes);
            let next = event.seq.saturating_add(1);
            match ranges.last_mut() {
                Some(last) if last.1 == event.seq => last.1 = next,
                _ => ranges.push((event.seq, next)),
            }
            false
        });
        self.bytes = self.bytes.saturating_sub(bytes);
        ranges
    }
}

//! The books of one stream: which events are still owed to the server.

use alloc::vec::Vec;

use super::{Effect, Lane, StreamNo, ledger::Ledger, lists::settle, outbox::Outbox, refused::Refused};
use crate::{
    planted,
    ranges::Range,
    reason::Reason,
    session::SessionId,
    time::{Instant, UnixMs},
};

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

/// In the journal, and in no request.
pub(super) const WAITING: u32 = 0;

/// Left behind for a while: something before Headwater takes it for too large.
pub(super) const PASSED_OVER: u32 = u32::MAX;

/// An event that is neither settled nor named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) seq: u32,
    /// Bytes of its body.
    pub(super) len: u32,
    pub(super) ts: UnixMs,
    /// When this client heard of it.
    pub(super) told: Instant,
    /// The request that carries it, [`WAITING`], or [`PASSED_OVER`].
    pub(super) request: u32,
    /// Most events that a request carrying this one may hold: halved each time such a request is refused.
    pub(super) company: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) no: StreamNo,
    pub(super) origin: Origin,
    pub(super) lane: Lane,
    /// Nothing more is appended to it.
    pub(super) closed: bool,
    /// The server has acknowledged that the adopter holds nothing more.
    pub(super) ended: bool,
    /// Its visitor denied consent, or is to be erased: requests carry no header.
    pub(super) purged: bool,
    /// The next free seq.
    pub(super) head: u32,
    /// What the journal of a found stream says was settled.
    pub(super) start: u32,
    /// Requests in flight that carry something of it.
    pub(super) flights: u32,
    pub(super) ledger: Ledger,
    pub(super) refused: Refused,
    /// Ascending by seq; the first `gone` of them are in the books no more. Events leave from the front, nearly: a
    /// list that is closed up at each acknowledgement would cost the square of its length.
    events: Vec<Event>,
    gone: usize,
    /// Ascending by seq.
    stamps: Vec<(u32, SessionId)>,
    /// Sum of the `len` of the events.
    bytes: u64,
}

impl Stream {
    pub(super) fn new(no: StreamNo, origin: Origin, lane: Lane, start: u32, head: u32) -> Self {
        Self {
            no,
            origin,
            lane,
            closed: false,
            ended: false,
            purged: false,
            head,
            start,
            flights: 0,
            ledger: Ledger::default(),
            refused: Refused::default(),
            events: Vec::new(),
            gone: 0,
            stamps: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes in an event; one that is already in the books changes nothing, nor does `u32::MAX`, which names none.
    pub(super) fn add(&mut self, seq: u32, len: u32, ts: UnixMs, told: Instant) {
        self.head = self.head.max(seq.saturating_add(1));
        if seq < u32::MAX && self.events().iter().rfind(|e| e.seq <= seq).is_none_or(|e| e.seq != seq) {
            self.events.push(Event { seq, len, ts, told, request: WAITING, company: u32::MAX });
            settle(self.events.get_mut(self.gone..).unwrap_or_default(), &|e| e.seq);
            self.bytes += u64::from(len);
        }
    }

    /// Takes events below `end` out of the books and names them. Each leaves the journal once its name is durable.
    pub(super) fn lose(
        &mut self,
        reason: Reason,
        end: u32,
        out: &mut Outbox,
        which: &dyn Fn(&Event) -> bool,
    ) {
        self.take(Some(reason), end, out, which);
    }

    /// Takes events below `end` out of the books and the journal: they are settled, or named durably.
    pub(super) fn forget(&mut self, end: u32, out: &mut Outbox, which: &dyn Fn(&Event) -> bool) {
        self.take(None, end, out, which);
    }

    /// Gives the first `count` of the waiting events to a request. Returns the seq after the last of them.
    pub(super) fn carry(&mut self, count: u32, request: u32) -> u32 {
        let waiting = self.events.iter_mut().skip(self.gone).filter(|e| e.request == WAITING);
        let mut end = 0;
        for event in waiting.take(count as usize) {
            (event.request, end) = (request, event.seq + 1);
        }
        end
    }

    /// Moves the events below `end` that are in `request` to another, or to where none carries them; henceforth they
    /// travel in a `company` of so many at most.
    pub(super) fn transfer(&mut self, end: u32, request: u32, to: u32, company: u32) {
        for event in self.events.iter_mut().skip(self.gone) {
            if event.seq >= end {
                return;
            }
            if event.request == request {
                event.request = to;
                event.company = event.company.min(company);
            }
        }
    }

    /// Events neither settled nor named, ascending.
    #[inline(never)] // called from everywhere; in the browser bytes count
    pub(super) fn events(&self) -> &[Event] {
        self.events.get(self.gone..).unwrap_or_default()
    }

    /// Events that a request could carry now, ascending.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Event> {
        self.events().iter().filter(|e| e.request == WAITING)
    }

    /// Bytes of bodies that the journal holds for events neither settled nor named.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The `done` of a request that tells the news up to `last`: all below is settled, or named there or before.
    pub(super) fn done_with(&self, last: u32) -> u32 {
        let event = self.events().first().map_or(u32::MAX, |e| e.seq);
        let loss = if planted!(DonePassesHole) { u32::MAX } else { self.ledger.first_besides(last) };
        self.head.min(event).min(loss)
    }

    /// Whether the journal is still being read: nothing is decided about it yet.
    pub(super) fn is_being_told(&self) -> bool {
        self.origin == Origin::Found
    }

    /// Names `vanished` what is neither owed nor named although the journal once held it.
    pub(super) fn name_holes(&mut self, out: &mut Outbox) {
        let mut from = self.start;
        for next in self.events.iter().skip(self.gone).map(|e| e.seq).chain([self.head]) {
            self.ledger.name_holes((from, next), self.no, out);
            from = from.max(next.saturating_add(1));
        }
    }

    /// Whether nothing is owed any more.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_being_told() && self.events().is_empty() && self.ledger.is_empty()
    }

    /// Whether nothing is owed nor will be.
    pub(super) fn is_finished(&self) -> bool {
        let closed = self.ended || (self.origin == Origin::Own && (self.purged || self.closed));
        closed
            && (self.is_settled() || planted!(ClosedForgottenOwing))
            && self.flights == 0
            && !self.refused.is_owed()
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

    /// Gives back the memory of what left the books.
    pub(super) fn shrink(&mut self) {
        self.events = self.events().to_vec();
        self.gone = 0;
    }

    /// Removes events, and run by run, ascending, names them `reason`, or has them forgotten.
    fn take(&mut self, reason: Option<Reason>, end: u32, out: &mut Outbox, which: &dyn Fn(&Event) -> bool) {
        let (ledger, stream) = (&mut self.ledger, self.no);
        let mut end_run = |(from, to): Range| {
            if from < to {
                match reason {
                    Some(reason) => ledger.name((from, to), reason, stream, out),
                    None => out.push(Effect::Forget { stream, from, to }),
                }
            }
        };
        let (mut run, mut bytes, mut looked_at) = ((0, 0), 0, self.gone);
        for event in self.events.iter().skip(self.gone).take_while(|e| e.seq < end) {
            looked_at += 1;
            if which(event) {
                bytes += u64::from(event.len);
                if event.seq != run.1 {
                    end_run(run);
                    run.0 = event.seq;
                }
                run.1 = event.seq.saturating_add(1);
            }
        }
        end_run(run);
        self.bytes -= bytes;
        // Those before the last one taken that stay close up to it.
        let mut place = looked_at;
        for at in (self.gone..looked_at).rev() {
            if let Some(event) = self.events.get(at).copied()
                && !which(&event)
            {
                place -= 1;
                if let Some(free) = self.events.get_mut(place) {
                    *free = event;
                }
            }
        }
        self.gone = place;
        if self.gone > self.events.len() / 2 {
            self.shrink();
        }
    }
}

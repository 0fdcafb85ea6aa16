//! Who goes next, and how.

use super::{
    Client, Effect, Limits, Phase, Transport,
    batch::{self, Batch, Load},
    find,
    flights::Flight,
    stream::{Origin, PASSED_OVER, WAITING},
};
use crate::{planted, time::Instant};

impl Client {
    /// Sends until nothing waits, or something forbids.
    pub(super) fn send_what_is_due(&mut self) {
        self.stop_passing_over();
        while let Some(at) = self.next_stream(false)
            && self.next_send() <= self.now
        {
            self.send(at);
        }
    }

    /// When the next request may go; never if none waits, or if not only time forbids it.
    pub(super) fn next_send(&self) -> Instant {
        let most = if self.retry.is_probing() { 1 } else { self.limits.in_flight };
        let may = self.phase == Phase::Running && self.online && self.flights.count() < most as usize;
        if may { self.flush.due().max(self.retry.not_before()) } else { Instant::NEVER }
    }

    /// The page ends: what is owed and fits goes once more, whatever the back-off or gate says; it is one request or
    /// two per page, and the last chance of a visitor who never comes back. Own events go first: a dead owner's have
    /// had last words of their own. Nobody hears an answer, so nothing is forgotten.
    pub(super) fn send_last_words(&mut self) {
        if self.phase != Phase::Running || !self.online {
            return;
        }
        for flight in self.flights.iter().filter(|f| f.transport == Transport::Fetch) {
            if let Some(stream) = find(&mut self.streams, flight.stream) {
                stream.transfer(flight.events_end, flight.request, WAITING, u32::MAX);
                stream.flights -= 1;
            }
        }
        while let Some(at) = self.next_stream(true) {
            let room = self.room();
            let Some(stream) = self.streams.get_mut(at) else { return };
            let batch = batch::next(stream, u32::MAX, room);
            // What does not fit is left to an adopter.
            stream.flights += 1;
            if batch.bytes <= room {
                self.launch(at, batch, Transport::Beacon);
            }
            if let Some(stream) = self.streams.get_mut(at) {
                stream.transfer(u32::MAX, WAITING, PASSED_OVER, u32::MAX);
            }
        }
    }

    /// The stream whose turn it is: that of a precious one, before others; that of the one with the oldest event, or
    /// with only names or its end to say (a small request, and then a stream less).
    fn next_stream(&mut self, leaving: bool) -> Option<usize> {
        let (mut most, mut first, mut next) = (Load::Nothing, u64::MAX, None);
        for (at, stream) in self.streams.iter().enumerate() {
            let load = batch::load(stream, &self.limits);
            let ts = stream.waiting().next().map_or(0, |e| e.ts.0);
            let later = u64::from(leaving && stream.origin != Origin::Own);
            let turn = later << 63 | u64::from(!stream.lane.precious) << 62 | ts & u64::MAX >> 2;
            if load > Load::Nothing && turn < first {
                (first, next) = (turn, Some(at));
            }
            most = most.max(load);
        }
        let planned = self.flush.due();
        self.flush.plan(self.now, most, &self.limits);
        let at = self.flush.due();
        trace!(if at != planned && at < Instant::NEVER => self.out, Step::Flush { at, why: Why::flushed(most) });
        next
    }

    fn send(&mut self, at: usize) {
        let Some(stream) = self.streams.get(at) else { return };
        let Limits { batch_events, batch_bytes, .. } = self.limits;
        let room = self.room();
        let leaving = batch::next(stream, batch_events, batch_bytes.min(room));
        if self.hidden && leaving.bytes <= room {
            self.launch(at, leaving, Transport::Keepalive);
        } else {
            let batch = batch::next(stream, batch_events, batch_bytes);
            self.launch(at, batch, Transport::Fetch);
        }
    }

    /// Bytes (estimated) that may still leave and outlive the page.
    #[inline(never)] // twice the same
    fn room(&self) -> u32 {
        self.limits.leaving_bytes.saturating_sub(self.flights.leaving_bytes())
    }

    fn launch(
        &mut self,
        at: usize,
        Batch { events: sent, news, end, bytes, .. }: Batch,
        transport: Transport,
    ) {
        let Some(stream) = self.streams.get_mut(at) else { return };
        let (no, request, round) = (stream.no, self.flights.number(), self.retry.round());
        let events_end = stream.carry(sent, request);
        stream.flights += 1;
        let flight = Flight { request, stream: no, transport, sent, events_end, news, end, bytes, round };
        if planted!(ForgetBeforeAck) && transport == Transport::Keepalive {
            stream.forget(events_end, &mut self.out, &|e| e.request == request);
        }
        if planted!(NamesForgottenUnacknowledged) {
            stream.ledger.acknowledge(news, no, &mut self.out);
        }
        trace!(self.out, Step::Sent { request, stream: no, transport, events: sent, bytes, end });
        self.flights.begin(flight);
        self.flush.sent(self.now);
        self.out.push(Effect::Send { request, stream: no, transport });
    }

    fn stop_passing_over(&mut self) {
        if self.passing_over_until <= self.now {
            self.passing_over_until = Instant::NEVER;
            trace!(self.out, Step::PassingOverEnds);
            for stream in &mut self.streams {
                stream.transfer(u32::MAX, PASSED_OVER, WAITING, u32::MAX);
            }
        }
    }
}

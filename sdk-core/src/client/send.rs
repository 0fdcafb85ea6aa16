//! Who goes next, and how.

use super::{
    Client, Effect, Phase, Transport,
    batch::{self, Batch, Load},
    find,
    stream::{Origin, Place},
};
use crate::time::{Instant, UnixMs};

impl Client {
    /// Sends until nothing waits, or something forbids.
    pub(super) fn send_what_is_due(&mut self) {
        self.stop_passing_over();
        loop {
            let (mut most, mut oldest) = (Load::Nothing, None::<(UnixMs, usize)>);
            for (at, stream) in self.streams.iter().enumerate() {
                let load = batch::load(stream, &self.limits);
                // Whose turn it is: that of the stream with the oldest event, or of one that has only names or its
                // end to say (a small request, and then a stream less).
                let ts = stream.waiting().next().map_or(UnixMs(0), |e| e.ts);
                if load > Load::Nothing && oldest.is_none_or(|oldest| ts < oldest.0) {
                    oldest = Some((ts, at));
                }
                most = most.max(load);
            }
            self.flush.plan(self.now, most, &self.limits);
            if self.next_send() > self.now {
                return;
            }
            let Some((_, at)) = oldest else { return };
            self.send(at);
        }
    }

    /// When the next request may go; never if none waits, or if not only time forbids it.
    pub(super) fn next_send(&self) -> Instant {
        let most = if self.retry.is_probing() { 1 } else { self.limits.in_flight };
        let may = self.phase == Phase::Running && self.online && self.flights.count() < most as usize;
        if may { self.flush.due().max(self.retry.not_before()) } else { Instant::NEVER }
    }

    /// The page ends: everything that is owed and fits goes once more, own events first, whatever the back-off
    /// or gate says; it is one request or two per page, and the last chance of a visitor who never comes back.
    /// Nobody hears an answer, so nothing is forgotten.
    pub(super) fn send_last_words(&mut self) {
        if self.phase != Phase::Running || !self.online {
            return;
        }
        for flight in self.flights.iter().filter(|f| f.transport == Transport::Fetch) {
            if let Some(stream) = find(&mut self.streams, flight.stream) {
                stream.change(&|e| flight.batch.carries(e.seq), &|e| e.place = Place::Waiting);
            }
        }
        for origin in [Origin::Own, Origin::Adopted] {
            for at in 0..self.streams.len() {
                self.send_last_words_of(at, origin);
            }
        }
    }

    fn send_last_words_of(&mut self, at: usize, origin: Origin) {
        while let Some(stream) = self.streams.get(at).filter(|s| s.origin == origin) {
            let room = self.limits.leaving_bytes.saturating_sub(self.flights.leaving_bytes());
            let says_something = stream.waiting().next().is_some() || stream.ledger.name_count() > 0;
            if !says_something || batch::least_bytes(stream) > room {
                return;
            }
            let batch = batch::next(stream, u32::MAX, room, true);
            self.launch(at, batch, Transport::Beacon);
            if self.streams.get(at).is_none_or(|s| s.waiting().next().is_none()) {
                return;
            }
        }
    }

    fn send(&mut self, at: usize) {
        let Some(stream) = self.streams.get(at) else { return };
        let room = self.limits.leaving_bytes.saturating_sub(self.flights.leaving_bytes());
        let (transport, bytes) = if self.hidden && batch::least_bytes(stream) <= room {
            (Transport::Keepalive, room.min(self.limits.batch_bytes))
        } else {
            (Transport::Fetch, self.limits.batch_bytes)
        };
        let batch = batch::next(stream, self.limits.batch_events, bytes, false);
        self.launch(at, batch, transport);
    }

    fn launch(&mut self, at: usize, batch: Batch, transport: Transport) {
        let Some(stream) = self.streams.get_mut(at) else { return };
        stream.change(&|e| batch.carries(e.seq), &|e| e.place = Place::InFlight);
        stream.flights += 1;
        let request = self.flights.begin(stream.no, transport, batch, self.retry.round());
        self.out.push(Effect::Send { request, stream: stream.no, transport });
    }

    fn stop_passing_over(&mut self) {
        if self.passing_over_until <= self.now {
            self.passing_over_until = Instant::NEVER;
            for stream in &mut self.streams {
                stream.change(&|e| e.place == Place::PassedOver, &|e| e.place = Place::Waiting);
            }
        }
    }
}

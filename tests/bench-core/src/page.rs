//! A page that calls, and a server that acknowledges, on a clock of its own.

use std::hint::black_box;

use headwater_core::{
    client::{Client, Config, Effect, Input, Lane, Limits, Outcome, StreamNo},
    time::{Instant, UnixMs},
};

use headwater_bench_core::event;
use headwater_bench_core::meter::Meter;

/// `handle(Appended)`, every `poll`, and `poll_timeout`, while acknowledgements arrive.
pub(crate) const TRACKED: &str = "a tracked call";
pub(crate) const REQUEST: &str = "request(), per event of 50";
pub(crate) const ANSWERED: &str = "Answered, per event of 50";
/// Called, timed out, requested, answered.
pub(crate) const ALONE: &str = "a whole life of an event alone";

/// Events of a full request.
pub(crate) const BATCH: usize = 50;

/// A page that calls often enough to fill a request before its half second has passed.
const BETWEEN_CALLS_MS: u64 = 8;
/// Calls while a request is on its way: an answer after 80 ms.
const WHILE_IN_FLIGHT: usize = 10;
/// A quiet page's events do not meet.
const QUIET_MS: u64 = 5_000;

const BATCHES: usize = 100;
const ALONE_EVENTS: usize = 2_000;

const STREAM: StreamNo = StreamNo(0);

/// 2026-01-01.
pub(crate) const EPOCH: u64 = 1_767_225_600_000;

/// One page with one stream.
pub(crate) struct Page {
    client: Client,
    now: u64,
    seq: u32,
    /// Lengths of typical bodies, in turn.
    lengths: Vec<u32>,
}

impl Page {
    pub(crate) fn new() -> Self {
        let mut rng = fastrand::Rng::with_seed(1);
        let lengths = (0..1_000).map(|n| length(&event::body(&mut rng, EPOCH + n))).collect();
        let mut page = Self { client: client(), now: 0, seq: 0, lengths };
        page.tell(opened(STREAM));
        page
    }

    /// Full requests: the answer to each comes while the next one fills.
    pub(crate) fn busy_round<M: Meter>(&mut self, meter: &mut M) {
        let mut in_flight = None;
        for _ in 0..BATCHES {
            meter.span(TRACKED, WHILE_IN_FLIGHT, || self.call_often(WHILE_IN_FLIGHT));
            if let Some(request) = in_flight {
                meter.span(ANSWERED, BATCH, || self.acknowledge(request, BATCH));
            }
            let rest = BATCH - WHILE_IN_FLIGHT;
            let request = meter.span(TRACKED, rest, || self.call_often(rest)).expect("a full request goes");
            let made = meter.span(REQUEST, BATCH, || self.client.request(request));
            assert_eq!(made.expect("a request in flight").seqs.len(), BATCH, "a request is full");
            in_flight = Some(request);
        }
        self.acknowledge(in_flight.expect("there was a batch"), BATCH);
        assert_eq!(self.client.done(STREAM), self.seq, "nothing is owed between two rounds");
    }

    /// Requests of one event each.
    pub(crate) fn quiet_round<M: Meter>(&mut self, meter: &mut M) {
        meter.span(ALONE, ALONE_EVENTS, || {
            for _ in 0..ALONE_EVENTS {
                self.now += QUIET_MS;
                assert!(self.call().is_none(), "an event waits for company");
                self.now = self.client.poll_timeout().expect("it does not wait for ever").0;
                let request = self.tell(Input::Timeout).expect("a request");
                black_box(self.client.request(request));
                self.acknowledge(request, 1);
            }
        });
        assert_eq!(self.client.done(STREAM), self.seq, "nothing is owed between two rounds");
    }

    fn call_often(&mut self, calls: usize) -> Option<u32> {
        (0..calls).fold(None, |sent, _| {
            self.now += BETWEEN_CALLS_MS;
            self.call().or(sent)
        })
    }

    /// One call, as a shell tells it; the request that it filled.
    fn call(&mut self) -> Option<u32> {
        let (seq, ts) = (self.seq, UnixMs(EPOCH + self.now));
        self.seq += 1;
        let len = self.lengths[seq as usize % self.lengths.len()];
        let sent = self.tell(Input::Appended { stream: STREAM, seq, len, ts });
        black_box(self.client.poll_timeout());
        sent
    }

    fn acknowledge(&mut self, request: u32, events: usize) {
        let sent = self.tell(acknowledged(request, events, self.now));
        assert!(sent.is_none(), "an answer fills no request");
    }

    fn tell(&mut self, input: Input) -> Option<u32> {
        self.client.handle(Instant(self.now), UnixMs(EPOCH + self.now), black_box(input));
        drain(&mut self.client)
    }
}

/// A client of its own entropy, as the browser's shell makes it.
pub(crate) fn client() -> Client {
    Client::new(Config { entropy: [7; 32], limits: Limits::default() })
}

/// An ordinary stream of this page.
pub(crate) fn opened(stream: StreamNo) -> Input {
    Input::Opened { stream, lane: Lane::default() }
}

/// The collector's answer, with its clock, at `now`.
pub(crate) fn acknowledged(request: u32, events: usize, now: u64) -> Input {
    let (ack, time) = (u32::try_from(events).ok(), Some(UnixMs(EPOCH + now)));
    Input::Answered { request, outcome: Outcome::Answer { status: 204, ack, retry_after: None, time } }
}

/// Takes every effect; the last request that was to be sent.
pub(crate) fn drain(client: &mut Client) -> Option<u32> {
    let mut sent = None;
    while let Some(effect) = client.poll() {
        if let Effect::Send { request, .. } = black_box(effect) {
            sent = Some(request);
        }
    }
    sent
}

pub(crate) fn length(body: &str) -> u32 {
    u32::try_from(body.len()).expect("a typical event is small")
}

/// The template of a full request.
pub(crate) fn template() -> Vec<u8> {
    let mut page = Page::new();
    let request = page.call_often(BATCH).expect("a full request goes");
    page.client.request(request).expect("a request in flight").template
}

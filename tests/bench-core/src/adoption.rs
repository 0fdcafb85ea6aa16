//! What a dead page left, told to a living one and sent.

use headwater_core::{
    client::{Client, Input, Lane, StreamNo},
    session::SessionId,
    time::{Instant, UnixMs},
};

use crate::page::{BATCH, EPOCH, acknowledged, client, drain};
use headwater_bench_core::meter::Meter;

/// `StreamFound`, 50 × `Found`, `FoundStamp`, `Adopted`, each drained.
pub(crate) const ADOPTED: &str = "adoption, per event of 50";

const STREAMS: u32 = 100;
const HELD: u32 = 50;
/// Bytes of a typical body.
const LENGTH: u32 = 170;

pub(crate) struct Adopter {
    client: Client,
    now: u64,
    streams: u32,
}

impl Adopter {
    pub(crate) fn new() -> Self {
        Self { client: client(), now: 0, streams: 0 }
    }

    /// Adopts streams of 50 events, one after the other; each is acknowledged before the next is found.
    pub(crate) fn round<M: Meter>(&mut self, meter: &mut M) {
        for _ in 0..STREAMS {
            self.now += 1_000;
            self.streams += 1;
            let stream = StreamNo(self.streams);
            let sent = meter.span(ADOPTED, BATCH, || self.adopt(stream));
            let request = sent.expect("what was adopted is sent at once");
            let sent = self.tell(acknowledged(request, BATCH, self.now));
            assert!(sent.is_none() && self.client.done(stream) == 0, "a settled stream is forgotten");
        }
    }

    fn adopt(&mut self, stream: StreamNo) -> Option<u32> {
        self.tell(Input::StreamFound { stream, lane: Lane::default(), done: 0, head: HELD });
        for seq in 0..HELD {
            let ts = UnixMs(EPOCH + u64::from(seq));
            self.tell(Input::Found { stream, seq, len: LENGTH, ts });
        }
        self.tell(Input::FoundStamp { stream, from: 0, session: SessionId::from_words([1, 2, 3, 4]) });
        self.tell(Input::Adopted { stream })
    }

    fn tell(&mut self, input: Input) -> Option<u32> {
        self.client.handle(Instant(self.now), UnixMs(EPOCH + self.now), input);
        drain(&mut self.client)
    }
}

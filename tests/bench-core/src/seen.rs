//! Arrivals at a server stage: `Seen`, its encoding, and the id of an event.

use std::hint::black_box;

use fastrand::Rng;
use headwater_core::{
    event_id::stream_event_id,
    seen::{Admission, Seen},
};

use crate::page::EPOCH;
use headwater_bench_core::meter::Meter;

pub(crate) const IN_ORDER: &str = "Seen::admit, in order";
pub(crate) const REORDERED: &str = "Seen::admit, 1 % reordered";
pub(crate) const ENCODE_ONE: &str = "Seen::encode, 1 range";
pub(crate) const DECODE_ONE: &str = "Seen::decode, 1 range";
pub(crate) const ENCODE_MANY: &str = "Seen::encode, 10 ranges";
pub(crate) const DECODE_MANY: &str = "Seen::decode, 10 ranges";
pub(crate) const EVENT_ID: &str = "stream_event_id";

/// An event that does not come in its turn comes up to this many events later: requests that are tried again.
pub(crate) const LATEST: usize = 1_000;

const EVENTS: u32 = 100_000;
const CODINGS: usize = 20_000;
const IDS: u32 = 20_000;

/// The order in which `items` arrive when one in a hundred comes up to [`LATEST`] places late.
pub(crate) fn reordered<T: Copy>(rng: &mut Rng, items: &[T]) -> Vec<T> {
    let mut places: Vec<(usize, T)> = items
        .iter()
        .enumerate()
        .map(|(at, &item)| (if is_late(rng) { at + rng.usize(1..=LATEST) } else { at }, item))
        .collect();
    places.sort_by_key(|place| place.0);
    places.into_iter().map(|place| place.1).collect()
}

/// One in a hundred.
pub(crate) fn is_late(rng: &mut Rng) -> bool {
    rng.u8(..100) == 0
}

/// The arrivals of one long stream.
pub(crate) struct Arrivals {
    in_order: Vec<u32>,
    reordered: Vec<u32>,
}

impl Arrivals {
    pub(crate) fn new() -> Self {
        let in_order: Vec<u32> = (0..EVENTS).collect();
        let reordered = reordered(&mut Rng::with_seed(2), &in_order);
        Self { in_order, reordered }
    }

    pub(crate) fn round<M: Meter>(&self, meter: &mut M) {
        for (path, arrivals) in [(IN_ORDER, &self.in_order), (REORDERED, &self.reordered)] {
            let mut seen = Seen::new();
            let fresh = meter.span(path, arrivals.len(), || {
                arrivals.iter().filter(|&&seq| seen.admit(black_box(seq)) == Admission::Fresh).count()
            });
            assert_eq!(fresh, arrivals.len(), "each arrives once");
        }
    }
}

pub(crate) fn codec_round<M: Meter>(meter: &mut M) {
    let one = Seen::from_parts([(0, 41)], []);
    let many = Seen::from_parts((0..10).map(|n| (n * 100, n * 100 + 90)), []);
    for (encode, decode, seen) in [(ENCODE_ONE, DECODE_ONE, one), (ENCODE_MANY, DECODE_MANY, many)] {
        let mut bytes = Vec::with_capacity(64);
        meter.span(encode, CODINGS, || {
            for _ in 0..CODINGS {
                bytes.clear();
                black_box(&seen).encode(&mut bytes);
                black_box(&bytes);
            }
        });
        meter.span(decode, CODINGS, || {
            for _ in 0..CODINGS {
                _ = black_box(Seen::decode(black_box(&bytes)));
            }
        });
        assert_eq!(Seen::decode(&bytes), Ok((seen, bytes.len())), "what was encoded is read back");
    }
}

pub(crate) fn event_id_round<M: Meter>(meter: &mut M) {
    let ts = i64::try_from(EPOCH).expect("a time of this century");
    meter.span(EVENT_ID, IDS as usize, || {
        for seq in 0..IDS {
            black_box(stream_event_id(black_box(&[3; 16]), seq, ts));
        }
    });
}

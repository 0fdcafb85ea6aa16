//! De-duplication: `Seen` against a set of numbers, and its encoding.

use std::collections::BTreeSet;

use fastrand::Rng;
use headwater_core::{
    ranges::Range,
    seen::{Admission, MAX_RANGES, Seen},
};

use crate::bytes::Bytes;

/// Reads `data` as an encoding, and as a list of arrivals.
pub fn run(data: &[u8]) {
    let start = match Seen::decode(data) {
        Ok((seen, taken)) => {
            assert_eq!(encoded(&seen), data[..taken], "one value, one encoding");
            // Each part of a short one; of a long one some, because reading them all takes the square.
            let mut cuts = (0..taken).step_by(1 + taken / 200);
            assert!(cuts.all(|cut| Seen::decode(&data[..cut]).is_err()), "a part is no value");
            seen
        }
        Err(_) => Seen::new(),
    };
    admit(start, data);
}

fn admit(start: Seen, data: &[u8]) {
    let mut seen = start;
    let few = |seen: &Seen| seen.settled().count() < 10_000;
    if !few(&seen) {
        // A few bytes can claim four billion arrivals; the naive set is for fewer.
        seen = Seen::new();
    }
    let mut arrived: BTreeSet<u32> = numbers(seen.arrived());
    let mut bytes = Bytes::new(data);
    while !bytes.is_empty() {
        let seq = match bytes.byte() {
            0..16 => bytes.number(),
            high => u32::from_le_bytes([bytes.byte(), high & 0x0f, 0, 0]),
        };
        let known = arrived.contains(&seq) || seen.closed().any(|(from, to)| (from..to).contains(&seq));
        let fresh = seq != u32::MAX && !known;
        assert_eq!(seen.contains(seq), !fresh, "{seq}");
        assert_eq!(seen.admit(seq) == Admission::Fresh, fresh, "{seq}");
        if fresh {
            arrived.insert(seq);
        }
    }
    assert_eq!(seen.counted(), arrived.len() as u64);
    assert_eq!(seen.counted() + seen.closed_count(), seen.settled().count());
    assert!(seen.settled().len() <= MAX_RANGES);
    assert_eq!(numbers(seen.arrived()), arrived);

    let bytes = encoded(&seen);
    assert_eq!(Seen::decode(&bytes), Ok((seen.clone(), bytes.len())));
    assert_eq!(Seen::from_parts(seen.arrived(), seen.closed()), seen);
    let mut merged = seen.clone();
    merged.merge(&seen);
    assert_eq!(merged, seen, "what a view knows is not news to it");
}

fn numbers(ranges: impl Iterator<Item = Range>) -> BTreeSet<u32> {
    ranges.flat_map(|(from, to)| from..to).collect()
}

fn encoded(seen: &Seen) -> Vec<u8> {
    let mut bytes = Vec::new();
    seen.encode(&mut bytes);
    bytes
}

/// The encoding of some arrivals; now and then of more gaps than are kept.
#[must_use]
pub fn sample(random: &mut Rng) -> Vec<u8> {
    let mut seen = Seen::new();
    let (count, end) = if random.u8(..) == 0 { (4_000, 9_000) } else { (random.u32(0..40), 80) };
    for _ in 0..count {
        seen.admit(random.u32(0..end));
    }
    if random.bool() {
        let closed = random.u32(0..80);
        seen.merge(&Seen::from_parts([], [(closed, closed + random.u32(0..10))]));
    }
    encoded(&seen)
}

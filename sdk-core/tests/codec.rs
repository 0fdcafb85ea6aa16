//! `Seen` as bytes.

use std::collections::BTreeSet;

use headwater_core::seen::{Admission, MAX_RANGES, Seen, Undecodable};
use proptest::prelude::*;

/// Small numbers, so that ranges meet, those where an encoded number grows by a byte, and the largest.
fn number() -> impl Strategy<Value = u32> {
    let steps = prop_oneof![Just(1 << 7), Just(1 << 14), Just(1 << 21), Just(1 << 28)];
    let near_a_step = (steps, 0..9u32).prop_map(|(step, off): (u32, u32)| step - 4 + off);
    prop_oneof![4 => 0..60u32, 2 => near_a_step, 1 => (u32::MAX - 8)..=u32::MAX]
}

fn ranges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let short = (number(), 0..9u32).prop_map(|(from, len)| (from, from.saturating_add(len)));
    prop::collection::vec(short, 0..10)
}

/// A value and what it says.
fn seen() -> impl Strategy<Value = (Seen, BTreeSet<u32>, BTreeSet<u32>)> {
    (ranges(), ranges(), prop::collection::vec(number(), 0..30)).prop_map(|(arrived, closed, admitted)| {
        let numbers = |ranges: &[(u32, u32)]| ranges.iter().flat_map(|r| r.0..r.1).collect::<BTreeSet<_>>();
        let mut truth = numbers(&arrived);
        let gone = &numbers(&closed) - &truth;
        let mut seen = Seen::from_parts(arrived, closed);
        for seq in admitted {
            let fresh = seq != u32::MAX && !gone.contains(&seq) && truth.insert(seq);
            assert_eq!(seen.admit(seq) == Admission::Fresh, fresh, "{seq}");
        }
        (seen, truth, gone)
    })
}

fn encoded(seen: &Seen) -> Vec<u8> {
    let mut bytes = Vec::new();
    seen.encode(&mut bytes);
    bytes
}

/// Whatever decodes is the one encoding of its value.
fn is_refused_or_canonical(bytes: &[u8]) -> bool {
    Seen::decode(bytes).is_ok_and(|(seen, taken)| encoded(&seen) == bytes[..taken])
        || Seen::decode(bytes).is_err()
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_and_says_the_same((seen, arrived, closed) in seen(), tail: [u8; 3]) {
        let mut bytes = encoded(&seen);
        let len = bytes.len();
        bytes.extend(tail);
        let (again, taken) = Seen::decode(&bytes).expect("what was encoded");
        prop_assert_eq!((&again, taken), (&seen, len));
        prop_assert_eq!(again.arrived().flat_map(|r| r.0..r.1).collect::<BTreeSet<_>>(), arrived);
        prop_assert_eq!(again.closed().flat_map(|r| r.0..r.1).collect::<BTreeSet<_>>(), closed);
    }

    #[test]
    fn merged_views_have_one_encoding_whatever_the_order((one, a, _) in seen(), (two, b, _) in seen()) {
        let (mut merged, mut turned) = (one.clone(), two.clone());
        merged.merge(&Seen::decode(&encoded(&two)).expect("what was encoded").0);
        turned.merge(&Seen::decode(&encoded(&one)).expect("what was encoded").0);
        prop_assert_eq!(encoded(&merged), encoded(&turned));
        prop_assert_eq!(merged.arrived().flat_map(|r| r.0..r.1).collect::<BTreeSet<_>>(), &a | &b);
    }

    #[test]
    fn every_truncation_is_torn((seen, ..) in seen()) {
        let bytes = encoded(&seen);
        for cut in 0..bytes.len() {
            prop_assert_eq!(Seen::decode(&bytes[..cut]), Err(Undecodable::Torn), "cut at {}", cut);
        }
    }

    #[test]
    fn every_flipped_bit_is_refused_or_makes_the_encoding_of_another_value((seen, ..) in seen()) {
        let mut bytes = encoded(&seen);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(is_refused_or_canonical(&bytes), "bit {}", bit);
            prop_assert!(Seen::decode(&bytes).ok().is_none_or(|(other, _)| other != seen), "bit {}", bit);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_the_encoding_of_their_value(form in 0x0f..0x15u8, rest: Vec<u8>) {
        prop_assert!(is_refused_or_canonical(&[&[form], &rest[..]].concat()));
    }

    #[test]
    fn one_range_below_4_million_costs_at_most_8_bytes(from in 0..1u32 << 22, len in 1..=1u32 << 22) {
        let to = (from + len).min(1 << 22);
        prop_assert!(encoded(&Seen::from_parts([(from, to)], [])).len() <= 8);
        prop_assert!(encoded(&Seen::from_parts([(0, to)], [])).len() <= 6);
    }
}

#[test]
fn the_bytes_are_fixed() {
    assert_eq!(encoded(&Seen::new()), [0x10]);
    assert_eq!(encoded(&Seen::from_parts([(0, 128)], [])), [0x11, 0, 0x7f]);
    assert_eq!(encoded(&Seen::from_parts([(5, 6), (7, 307)], [])), [0x12, 0, 5, 0, 0, 0xab, 2]);
    assert_eq!(encoded(&Seen::from_parts([(0, 9)], [(3, 5), (9, 10)])), [0x13, 0, 0, 9, 0, 9, 0]);
    assert_eq!(encoded(&Seen::from_parts([(0, u32::MAX)], [])).len(), 7);
    assert_eq!(encoded(&Seen::from_parts([(1 << 28, u32::MAX)], [])).len(), 11, "the longest of one range");
}

#[test]
fn what_no_encoder_writes_is_refused() {
    let corrupt: [(&str, &[u8]); 8] = [
        ("an unknown form", &[0x14]),
        ("a number that is longer than need be", &[0x11, 0x80, 0, 0]),
        ("a number beyond 32 bits", &[0x11, 0xff, 0xff, 0xff, 0xff, 0x1f, 0]),
        ("a number of six bytes", &[0x11, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0]),
        ("the member 2^32 - 1", &[0x11, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
        ("a range after the last number", &[0x12, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0]),
        ("1,025 ranges", &[0x12, 0xff, 7]),
        ("a closed number that is not settled", &[0x13, 0, 0, 4, 0, 5, 0]),
    ];
    for (what, bytes) in corrupt {
        assert_eq!(Seen::decode(bytes), Err(Undecodable::Corrupt), "{what}");
    }
    assert_eq!(Seen::decode(&[0x21, 0, 0]), Err(Undecodable::Version));
    assert_eq!(
        Seen::decode(&[0x13, 0, 0, 4, 0xff, 0xff, 0xff, 0xff, 7]),
        Err(Undecodable::Torn),
        "a false count"
    );
}

#[test]
fn a_stream_of_too_many_gaps_is_kept_with_each_that_was_closed() {
    let mut seen = Seen::new();
    for seq in 0..u32::try_from(3 * MAX_RANGES).expect("small") {
        assert_eq!(seen.admit(2 * seq), Admission::Fresh);
    }
    let bytes = encoded(&seen);
    assert_eq!((seen.settled().len(), seen.closed().count()), (MAX_RANGES, 2 * MAX_RANGES));
    assert_eq!(Seen::decode(&bytes), Ok((seen, bytes.len())));
}

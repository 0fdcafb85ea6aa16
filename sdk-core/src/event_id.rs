//! The id of an event, computed wherever one is needed and the same everywhere: a UUIDv7 of the event's time
//! and a hash of its name. Our SDKs do not send it.

use sha2::{Digest, Sha256};

/// The id of event `seq` of `stream`, of time `ts` (Unix milliseconds, of which the low 48 bits are used).
#[must_use]
pub fn stream_event_id(stream: &[u8; 16], seq: u32, ts: i64) -> [u8; 16] {
    uuid_v7(ts, Sha256::new().chain_update(stream).chain_update(seq.to_le_bytes()))
}

/// The id of an event that has no stream, from the parts that tell it from others (site, client, session, raw
/// event bytes, ordinal). Each part is hashed with its length, so no two lists of parts look alike.
#[must_use]
pub fn digest_event_id(ts: i64, parts: &[&[u8]]) -> [u8; 16] {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update((part.len() as u64).to_le_bytes()).chain_update(part)
    });
    uuid_v7(ts, hash)
}

/// RFC 9562, 5.7: 48 bits of time, version 7, 12 bits, variant 0b10, 62 bits; here the 74 bits are the hash's.
fn uuid_v7(ts: i64, hash: Sha256) -> [u8; 16] {
    let hash = hash.finalize();
    let mut id: [u8; 16] = core::array::from_fn(|at| hash.get(at).copied().unwrap_or_default());
    let [_, _, time @ ..] = ts.to_be_bytes();
    id[..6].copy_from_slice(&time);
    id[6] = id[6] & 0x0f | 0x70;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

#[cfg(test)]
mod tests {
    use super::{digest_event_id, stream_event_id};

    #[test]
    fn the_id_of_an_event_is_fixed_for_ever() {
        let stream: [u8; 16] = core::array::from_fn(|n| u8::try_from(n).expect("< 16"));
        let id = u128::from_be_bytes(stream_event_id(&stream, 41, 1_710_320_000_123));
        // Computed apart from this code (Python's hashlib).
        assert_eq!(id, STREAM_ID, "{id:#034x}");
        let id = u128::from_be_bytes(digest_event_id(1_710_320_000_123, &[b"site-123", b"anon", b""]));
        assert_eq!(id, DIGEST_ID, "{id:#034x}");
    }

    const STREAM_ID: u128 = 0x018e_3704_1c7b_7e97_a1e3_2543_4061_081b;
    const DIGEST_ID: u128 = 0x018e_3704_1c7b_79d6_9d8e_679d_e659_075b;

    #[test]
    fn parts_that_read_alike_when_joined_have_different_ids() {
        assert_ne!(digest_event_id(1, &[b"ab", b"c"]), digest_event_id(1, &[b"a", b"bc"]));
        assert_ne!(digest_event_id(1, &[b"a"]), digest_event_id(1, &[b"a", b""]));
    }

    #[test]
    fn ids_sort_by_time_first() {
        assert!(stream_event_id(&[9; 16], 7, 1_000) < stream_event_id(&[1; 16], 3, 1_001));
    }
}

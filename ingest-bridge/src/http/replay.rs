//! A signature is good once. Those of the time window are remembered; older ones are refused for their age. A restart
//! forgets them: what is replayed then is a copy, which the last stage does not count.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// Signatures that are remembered at most, 16 bytes of each. At 300 s that is 6,000 signed requests a second.
const MOST: usize = 4_000_000;

pub(super) struct Replays {
    window_ms: i64,
    most: usize,
    seen: Mutex<Seen>,
}

/// Signatures by the half of their lifetime in which they came: each is kept for at least twice the window, because one
/// that is ahead of us by the window stays good for so long.
#[derive(Default)]
struct Seen {
    turn: i64,
    young: HashSet<[u8; 16]>,
    old: HashSet<[u8; 16]>,
}

/// Why a signature is not good (any more).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bad {
    /// More are good at once than can be remembered.
    Full,
    Replayed,
    /// Its time is too far from ours.
    Stale,
}

impl Replays {
    pub(super) fn new(window_s: u32) -> Self {
        Self { window_ms: i64::from(window_s) * 1000, most: MOST, seen: Mutex::default() }
    }

    pub(super) fn check_time(&self, now_ms: i64, at_ms: i64) -> Result<(), Bad> {
        if now_ms.abs_diff(at_ms) > self.window_ms.unsigned_abs() { Err(Bad::Stale) } else { Ok(()) }
    }

    /// Takes note of a signature that is genuine.
    pub(super) fn note(&self, now_ms: i64, mac: &[u8]) -> Result<(), Bad> {
        let mut name = [0; 16];
        name.copy_from_slice(&mac[..16]);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = now_ms.div_euclid(2 * self.window_ms.max(1));
        if turn > seen.turn {
            let young = std::mem::take(&mut seen.young);
            seen.old = if turn == seen.turn + 1 { young } else { HashSet::new() };
            seen.turn = turn;
        }
        if seen.young.contains(&name) || seen.old.contains(&name) {
            return Err(Bad::Replayed);
        }
        if seen.young.len() + seen.old.len() >= self.most {
            return Err(Bad::Full);
        }
        seen.young.insert(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_once_for_as_long_as_its_time_is_good() {
        let replays = Replays::new(10);
        for begin in [0, 1, 9_999, 19_999, 20_000, 1_000_003] {
            let mac = [u8::try_from(begin % 251).unwrap(); 32];
            assert_eq!(replays.check_time(begin, begin + 10_000), Ok(()), "as far ahead as can be");
            assert_eq!(replays.note(begin, &mac), Ok(()));
            for later in [0, 1, 10_000, 19_999, 20_000] {
                assert_eq!(replays.note(begin + later, &mac), Err(Bad::Replayed), "{begin} + {later}");
            }
            assert_eq!(replays.check_time(begin + 20_001, begin + 10_000), Err(Bad::Stale));
        }
    }

    #[test]
    fn when_no_more_can_be_remembered_none_is_forgotten() {
        let replays = Replays { most: 2, ..Replays::new(10) };
        assert_eq!(replays.note(0, &[1; 32]), Ok(()));
        assert_eq!(replays.note(0, &[2; 32]), Ok(()));
        assert_eq!(replays.note(0, &[3; 32]), Err(Bad::Full));
        assert_eq!(replays.note(0, &[1; 32]), Err(Bad::Replayed));
        assert_eq!(replays.note(40_000, &[3; 32]), Ok(()));
    }
}

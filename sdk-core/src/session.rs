//! Sessions as the SDK sees them: a visit ends after 30 minutes without an event, or after 24 hours.
//!
//! They are told by the events' own times, as the backend's are, so that both see the same visits. The shell sees to it
//! that these strictly increase across the streams of one page or process, whatever its clock does; between tabs and
//! runs they may not, and [`Session::includes`] says what a clock that jumped means.

use crate::time::UnixMs;

/// Longest pause within a session: exactly 30:00.000 still joins (as in the backend's own sessions).
pub const INACTIVITY_MS: u64 = 30 * 60 * 1000;

/// Longest session. A screen that refreshes itself for weeks is not one visit.
pub const CAP_MS: u64 = 24 * 60 * 60 * 1000;

/// A session's id: 128 bits, shown as the text of a UUID v4.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct SessionId([u32; 4]);

impl SessionId {
    /// The id made of 128 random bits; version and variant are set over six of them.
    #[must_use]
    pub const fn from_random(bits: [u32; 4]) -> Self {
        let [a, b, c, d] = bits;
        Self([a, b & 0xffff_0fff | 0x4000, c & 0x3fff_ffff | 0x8000_0000, d])
    }

    /// The id with exactly these words (most significant first), as [`words`](Self::words) gave them.
    #[must_use]
    pub const fn from_words(words: [u32; 4]) -> Self {
        Self(words)
    }

    /// The id as four words, most significant first: numbers cross the wasm border, text does not.
    #[must_use]
    pub const fn words(self) -> [u32; 4] {
        self.0
    }

    /// The 36 ASCII bytes of the id (`8-4-4-4-12` hexadecimal digits).
    #[must_use]
    pub fn text(self) -> [u8; 36] {
        let mut text = [b'-'; 36];
        let mut digits = 0;
        for (at, byte) in text.iter_mut().enumerate() {
            if !matches!(at, 8 | 13 | 18 | 23) {
                let digit = self.0[digits / 8 % 4] << (digits % 8 * 4) >> 28;
                *byte = b"0123456789abcdef"[digit as usize];
                digits += 1;
            }
        }
        text
    }

    /// The id written in `text`, in either case, or `None` if it is not `8-4-4-4-12` hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 36 {
            return None;
        }
        let mut words = [0u32; 4];
        let mut count = 0;
        for (at, byte) in text.bytes().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return None;
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16)?;
            let word = words.get_mut(count / 8)?;
            *word = *word << 4 | digit;
            count += 1;
        }
        Some(Self(words))
    }
}

/// One visit, as shared between the tabs or processes of a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Time of its first event.
    pub started: UnixMs,
    /// Time of its latest event.
    pub last_active: UnixMs,
}

impl Session {
    /// The session that begins with an event at `ts`.
    #[must_use]
    pub const fn begin(id: SessionId, ts: UnixMs) -> Self {
        Self { id, started: ts, last_active: ts }
    }

    /// Whether an event at `ts` belongs to this session.
    ///
    /// The clock may have been set back: a step of up to 30 minutes joins, a larger one begins a new session,
    /// else a session stamped in the future would never end.
    #[must_use]
    pub fn includes(&self, ts: UnixMs) -> bool {
        ts.since(self.last_active) <= INACTIVITY_MS
            && self.last_active.since(ts) <= INACTIVITY_MS
            && ts.since(self.started) <= CAP_MS
    }

    /// The session after one more event at `ts`. `last_active` never goes back.
    #[must_use]
    pub fn touched(self, ts: UnixMs) -> Self {
        Self { last_active: self.last_active.max(ts), ..self }
    }

    /// Whether this view of the shared session holds against an `other`: of one session the later activity, of two
    /// the one that began later (so a reset wins, and every tab decides alike).
    #[must_use]
    pub fn outdates(&self, other: &Self) -> bool {
        (self.started, self.last_active) > (other.started, other.last_active)
    }
}

#[cfg(test)]
mod tests {
    use super::{CAP_MS, INACTIVITY_MS, Session, SessionId};
    use crate::time::UnixMs;

    const T: UnixMs = UnixMs(1_710_320_000_000);

    fn session() -> Session {
        Session::begin(SessionId::from_random([1, 2, 3, 4]), T)
    }

    #[test]
    fn exactly_thirty_minutes_still_join() {
        assert!(session().includes(T.after(INACTIVITY_MS)));
        assert!(!session().includes(T.after(INACTIVITY_MS + 1)));
    }

    #[test]
    fn a_session_ends_after_a_day_however_busy() {
        let mut busy = session();
        for minute in 0..24 * 60 {
            busy = busy.touched(T.after(minute * 60_000));
        }
        assert!(busy.includes(T.after(CAP_MS)));
        assert!(!busy.includes(T.after(CAP_MS + 1)));
    }

    #[test]
    fn a_clock_set_back_a_little_joins_and_a_lot_begins_anew() {
        let late = session().touched(T.after(INACTIVITY_MS));
        assert!(late.includes(T));
        assert!(!late.includes(UnixMs(T.0 - 1)));
        assert_eq!(late.touched(T).last_active, T.after(INACTIVITY_MS));
    }

    #[test]
    fn every_tab_takes_the_same_of_two_sessions() {
        let old = session().touched(T.after(9_000));
        let new = Session::begin(SessionId::from_random([9, 9, 9, 9]), T.after(5_000));
        assert!(new.outdates(&old));
        assert!(!old.outdates(&new));
        assert!(old.outdates(&session()));
        assert!(!old.outdates(&old));
    }

    #[test]
    fn an_id_is_shown_as_a_version_4_uuid_and_read_back() {
        let id = SessionId::from_random([0x0123_4567, 0x89ab_cdef, 0xfedc_ba98, 0x7654_3210]);
        let text = id.text();
        let text = core::str::from_utf8(&text).expect("ascii");
        assert_eq!(text, "01234567-89ab-4def-bedc-ba9876543210");
        assert_eq!(SessionId::parse(text), Some(id));
        assert_eq!(SessionId::parse(&text.to_uppercase()), Some(id));
        for bad in ["", "01234567-89ab-4def-bedc-ba987654321", "0123456789ab-4def-bedc-ba98765432100-", "é"]
        {
            assert_eq!(SessionId::parse(bad), None, "{bad}");
        }
    }
}

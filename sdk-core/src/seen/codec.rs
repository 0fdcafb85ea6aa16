//! `Seen` as bytes, for whoever keeps or passes on many of them. One value has one encoding, so equal bytes are
//! equal values and a checksum of the bytes is one of the value.
//!
//! ```text
//! empty             10
//! one range         11  range
//! more              12  (n − 2)  range × n
//! with closed ones  13  (n − 1)  range × n  (m − 1)  range × m
//! range             (from, or the gap before it − 1)  (length − 1)
//! ```
//!
//! The first byte is the version in its upper half and the form in its lower one; every other number is LEB128.
//! The `n` ranges are what is settled, ascending; the `m` are those of them that were closed. Whatever could be
//! written in two ways is counted from its smallest value, so that it cannot.

use alloc::vec::Vec;
use core::{error, fmt};

use super::{MAX_RANGES, Seen};
use crate::ranges::{Range, RangeSet};

const EMPTY: u8 = 0x10;
const ONE: u8 = 0x11;
const MANY: u8 = 0x12;
const CLOSED: u8 = 0x13;

/// Why bytes are not a [`Seen`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Undecodable {
    /// No encoder writes them, however many more follow.
    Corrupt,
    /// They end too soon.
    Torn,
    /// Another version wrote them.
    Version,
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "not an encoded set of arrivals",
            Self::Torn => "an encoded set of arrivals that ends too soon",
            Self::Version => "a set of arrivals of an unknown version",
        })
    }
}

impl error::Error for Undecodable {}

impl Seen {
    /// Appends the encoding to `out`.
    ///
    /// One range without closed numbers takes 1 byte, and for its start and its length − 1 each 1 byte below
    /// 2⁷, 2 below 2¹⁴, 3 below 2²¹, 4 below 2²⁸, and 5 from there. So a stream whose first event has arrived
    /// costs 3 bytes up to 128 events and at most 7; any range below 2²² costs at most 8.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (settled, closed) = (&self.settled, self.closed_set());
        match (settled.len(), closed.len()) {
            (0, _) => out.push(EMPTY),
            (1, 0) => out.push(ONE),
            (n, 0) => {
                out.push(MANY);
                put_count(out, n - 2);
            }
            (n, _) => {
                out.push(CLOSED);
                put_count(out, n - 1);
            }
        }
        put_ranges(out, settled);
        if !closed.is_empty() {
            put_count(out, closed.len() - 1);
            put_ranges(out, closed);
        }
    }

    /// Reads the value at the beginning of `bytes`, and how many bytes it took. What follows is not looked at.
    ///
    /// Refuses whatever [`encode`](Self::encode) does not write: numbers longer than need be, beyond 32 bits or
    /// with `u32::MAX` as a member, more than [`MAX_RANGES`] settled ranges, closed ones that are not settled.
    /// Allocates in proportion to the bytes read, never to a count that they claim.
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), Undecodable> {
        let mut reader = Reader { rest: bytes };
        let form = reader.byte()?;
        let count = match form {
            EMPTY => 0,
            ONE => 1,
            MANY => reader.count(2)?,
            CLOSED => reader.count(1)?,
            _ if form >> 4 == EMPTY >> 4 => return Err(Undecodable::Corrupt),
            _ => return Err(Undecodable::Version),
        };
        if count > MAX_RANGES as u64 {
            return Err(Undecodable::Corrupt);
        }
        let mut seen = Self { settled: reader.ranges(count)?, closed: None };
        if form == CLOSED {
            // Not bounded by `MAX_RANGES`: closing gaps makes few ranges of what is settled, and many of these.
            let count = reader.count(1)?;
            let closed = reader.ranges(count)?;
            if !closed.iter().all(|(from, to)| seen.settled.covers(from, to)) {
                return Err(Undecodable::Corrupt);
            }
            seen.set_closed(closed);
        }
        Ok((seen, bytes.len() - reader.rest.len()))
    }
}

fn put_ranges(out: &mut Vec<u8>, set: &RangeSet) {
    // The least that the next range may begin with: neighbours do not touch.
    let mut least = 0;
    for (from, to) in set.iter() {
        put(out, from - least);
        put(out, to - from - 1);
        least = to.saturating_add(1);
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    // A set of numbers below 2³² has at most 2³¹ ranges.
    put(out, u32::try_from(count).unwrap_or(u32::MAX));
}

fn put(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        out.push(low | 0x80);
        number >>= 7;
    }
    let [last, ..] = number.to_le_bytes();
    out.push(last);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Undecodable> {
        let (byte, rest) = self.rest.split_first().ok_or(Undecodable::Torn)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u32, Undecodable> {
        let mut number = 0;
        for shift in (0..u32::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u32::from(byte & 0x7f);
            number |= bits << shift;
            if number >> shift != bits || (bits == 0 && byte < 0x80 && shift > 0) {
                // Beyond 32 bits, or longer than need be.
                break;
            }
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Undecodable::Corrupt)
    }

    fn count(&mut self, least: u32) -> Result<u64, Undecodable> {
        Ok(u64::from(self.number()?) + u64::from(least))
    }

    fn ranges(&mut self, count: u64) -> Result<RangeSet, Undecodable> {
        let mut set = RangeSet::new();
        let mut least = Some(0);
        for _ in 0..count {
            let (from, to) = self.range(least)?;
            set.insert_range(from, to);
            least = to.checked_add(1);
        }
        Ok(set)
    }

    fn range(&mut self, least: Option<u32>) -> Result<Range, Undecodable> {
        let (gap, more) = (self.number()?, self.number()?);
        let from = least.and_then(|least| least.checked_add(gap));
        let to = from.and_then(|from| from.checked_add(more)?.checked_add(1));
        from.zip(to).ok_or(Undecodable::Corrupt)
    }
}

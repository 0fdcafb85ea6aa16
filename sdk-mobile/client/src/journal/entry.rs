//! The bytes of a journal entry: `kind u8 | stream u32 | done u32 | head u32 | …`, numbers little-endian.
//!
//! Every entry carries the `done` and `head` of its stream at that moment, so the largest that is left
//! says what is missing. `stream` is a number of this opening; the entry of kind `N` says whose.
//!
//! The kinds are the version: a reader that does not know one leaves the whole journal alone. `H` is what headers
//! were before there were lanes; it is read, and no longer written.

use headwater_core::{
    client::{Lane, Purpose},
    session::SessionId,
};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Entry<'a> {
    pub(crate) stream: u32,
    pub(crate) done: u32,
    pub(crate) head: u32,
    pub(crate) what: What<'a>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum What<'a> {
    /// An accepted event.
    Call { seq: u32, ts: u64, body: &'a str },
    /// Nothing but `done` and `head`.
    Done,
    /// The stream is finished and owes nothing.
    Forgotten,
    /// The stream's name, what its events have in common, and the text sent with every copy.
    Header { uuid: Uuid, lane: Lane, text: &'a str },
    /// `from..to` are lost.
    Loss { from: u32, to: u32, reason: &'a str },
    /// Events from `from` on belong to this session.
    Stamp { from: u32, session: SessionId },
}

/// Bytes that no entry of this version has: the journal is a newer version's, and is left alone.
#[derive(Debug)]
pub(crate) struct Unknown;

impl<'a> Entry<'a> {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let kind = match self.what {
            What::Call { .. } => b'C',
            What::Done => b'D',
            What::Forgotten => b'F',
            What::Header { .. } => b'N',
            What::Loss { .. } => b'L',
            What::Stamp { .. } => b'S',
        };
        let mut bytes = vec![kind];
        for number in [self.stream, self.done, self.head] {
            bytes.extend(number.to_le_bytes());
        }
        match self.what {
            What::Call { seq, ts, body } => {
                bytes.reserve_exact(12 + body.len());
                bytes.extend(seq.to_le_bytes());
                bytes.extend(ts.to_le_bytes());
                bytes.extend(body.as_bytes());
            }
            What::Done | What::Forgotten => {}
            What::Header { uuid, lane, text } => {
                bytes.extend(uuid.as_bytes());
                bytes.extend([lane.purpose.0, u8::from(lane.precious)]);
                bytes.extend(text.as_bytes());
            }
            What::Loss { from, to, reason } => {
                bytes.extend(from.to_le_bytes());
                bytes.extend(to.to_le_bytes());
                bytes.extend(reason.as_bytes());
            }
            What::Stamp { from, session } => {
                bytes.extend(from.to_le_bytes());
                bytes.extend(session.words().into_iter().flat_map(u32::to_le_bytes));
            }
        }
        bytes
    }

    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Unknown> {
        let mut rest = Rest(bytes);
        let [kind] = rest.take()?;
        let (stream, done, head) = (rest.u32()?, rest.u32()?, rest.u32()?);
        let what = match kind {
            b'C' => What::Call { seq: rest.u32()?, ts: u64::from_le_bytes(rest.take()?), body: rest.text()? },
            b'D' => What::Done,
            b'F' => What::Forgotten,
            b'H' => {
                let uuid = Uuid::from_bytes(rest.take()?);
                What::Header { uuid, lane: Lane::default(), text: rest.text()? }
            }
            b'L' => What::Loss { from: rest.u32()?, to: rest.u32()?, reason: rest.text()? },
            b'N' => {
                let uuid = Uuid::from_bytes(rest.take()?);
                What::Header { uuid, lane: rest.lane()?, text: rest.text()? }
            }
            b'S' => What::Stamp {
                from: rest.u32()?,
                session: SessionId::from_words([rest.u32()?, rest.u32()?, rest.u32()?, rest.u32()?]),
            },
            _ => return Err(Unknown),
        };
        Ok(Self { stream, done, head, what })
    }
}

/// The body, if these are the bytes of a call.
pub(crate) fn body_of_call(bytes: &[u8]) -> Option<&str> {
    match Entry::parse(bytes).ok()?.what {
        What::Call { body, .. } => Some(body),
        _ => None,
    }
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Unknown> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unknown)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, Unknown> {
        self.take().map(u32::from_le_bytes)
    }

    fn lane(&mut self) -> Result<Lane, Unknown> {
        let [purpose, precious] = self.take()?;
        let precious = match precious {
            0 => false,
            1 => true,
            _ => return Err(Unknown),
        };
        Ok(Lane { purpose: Purpose(purpose), precious })
    }

    fn text(&mut self) -> Result<&'a str, Unknown> {
        str::from_utf8(self.0).map_err(|_| Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_entry_is_read_as_it_was_written() {
        let session = SessionId::from_words([1, 2, 3, u32::MAX]);
        let uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        for what in [
            What::Call { seq: 41, ts: 1_710_320_000_123, body: "\"type\":\"pageview\"}" },
            What::Done,
            What::Forgotten,
            What::Header { uuid, lane: Lane::default(), text: "\"stream\":\"…\"" },
            What::Header { uuid, lane: Lane { purpose: Purpose(31), precious: true }, text: "" },
            What::Loss { from: 3, to: 9, reason: "queue_full" },
            What::Stamp { from: 7, session },
        ] {
            let entry = Entry { stream: 2, done: 40, head: 42, what };
            assert_eq!(Entry::parse(&entry.to_bytes()).unwrap(), entry);
        }
    }

    #[test]
    fn a_header_from_before_there_were_lanes_is_read() {
        let uuid = Uuid::from_u128(7);
        let what = What::Header { uuid, lane: Lane::default(), text: "text" };
        let entry = Entry { stream: 2, done: 40, head: 42, what };
        let mut bytes = entry.to_bytes();
        bytes[0] = b'H';
        bytes.drain(29..31);
        assert_eq!(Entry::parse(&bytes).unwrap(), entry);
    }

    #[test]
    fn what_this_version_does_not_write_is_unknown() {
        let mut newer = Entry { stream: 0, done: 0, head: 0, what: What::Done }.to_bytes();
        newer[0] = b'Z';
        assert!(Entry::parse(&newer).is_err());
        assert!(Entry::parse(b"").is_err());
        assert!(Entry::parse(&[b'C', 0, 0]).is_err());
    }
}

//! The bytes of a journal entry: `version u8 | kind u8 | done u32 | head u32 | …`, numbers little-endian. On a phone
//! they stand in a frame.
//!
//! Every entry carries the `done` and `head` of its stream at that moment, so the largest that are left say what is
//! missing.

use headwater_core::{
    client::{Lane, Purpose},
    frame, planted,
    reason::Reason,
    session::SessionId,
};

use crate::disk::Kind;

/// What an entry says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    pub(crate) version: u8,
    pub(crate) done: u32,
    pub(crate) head: u32,
    pub(crate) what: What<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What<'a> {
    /// Bodies of the events from `from` on.
    Events { from: u32, bodies: Bodies<'a> },
    /// What goes with every copy.
    Header { lane: Lane, text: &'a [u8] },
    /// `from..to` are lost.
    Loss { from: u32, to: u32, reason: Reason },
    /// Events from `from` on belong to this session.
    Stamp { from: u32, session: SessionId },
}

/// Bodies in a row, each after its length; an empty one stands where an event was settled or named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bodies<'a>(&'a [u8]);

/// Why bytes are no entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unreadable {
    /// A newer version wrote it: the stream is left alone.
    Newer,
    /// Its process died in the middle.
    Torn,
}

/// Writes entries, one at a time, into the same memory.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    kind: Kind,
    version: u8,
    /// Room for a frame's header, then the entry.
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(kind: Kind, version: u8) -> Self {
        Self { kind, version, bytes: Vec::with_capacity(512) }
    }

    pub(crate) fn header(&mut self, lane: Lane, text: &[u8]) -> &[u8] {
        self.begin(b'H', 0, 0);
        self.bytes.extend([lane.purpose.0, u8::from(lane.precious)]);
        self.bytes.extend(text);
        self.end()
    }

    pub(crate) fn events<'a>(
        &mut self,
        done: u32,
        head: u32,
        from: u32,
        bodies: impl Iterator<Item = &'a [u8]>,
    ) -> &[u8] {
        self.begin(b'E', done, head);
        self.put(from);
        for body in bodies {
            self.put(u32::try_from(body.len()).expect("a body has at most 50,000 bytes"));
            self.bytes.extend(body);
        }
        self.end()
    }

    pub(crate) fn loss(&mut self, done: u32, head: u32, (from, to, reason): (u32, u32, Reason)) -> &[u8] {
        self.begin(b'L', done, head);
        self.put(from);
        self.put(to);
        self.bytes.extend(reason.as_str().as_bytes());
        self.end()
    }

    pub(crate) fn stamp(&mut self, done: u32, head: u32, from: u32, session: SessionId) -> &[u8] {
        self.begin(b'S', done, head);
        self.put(from);
        for word in session.words() {
            self.put(word);
        }
        self.end()
    }

    fn begin(&mut self, kind: u8, done: u32, head: u32) {
        self.bytes.clear();
        self.bytes.extend([0; frame::HEADER_LEN]);
        self.bytes.extend([self.version, kind]);
        self.put(done);
        self.put(head);
    }

    fn put(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }

    fn end(&mut self) -> &[u8] {
        if self.kind == Kind::Web {
            return &self.bytes[frame::HEADER_LEN..];
        }
        let (before, content) = self.bytes.split_at_mut(frame::HEADER_LEN);
        let header = frame::Header::of(content).expect("an entry is not empty and below 16 MiB");
        before.copy_from_slice(&header.to_bytes());
        &self.bytes
    }
}

impl<'a> Entry<'a> {
    /// Reads an entry of this version or an older one.
    pub(crate) fn parse(kind: Kind, version: u8, bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let content = match kind {
            Kind::Web => bytes,
            Kind::Phone => match frame::frames(bytes).next() {
                Some(content) => content,
                None if planted!(TornTailAccepted) => bytes.get(frame::HEADER_LEN..).unwrap_or_default(),
                None => return Err(Unreadable::Torn),
            },
        };
        let mut rest = Rest(content);
        let [written, kind] = rest.take()?;
        if written > version {
            return Err(Unreadable::Newer);
        }
        let (done, head) = (rest.u32()?, rest.u32()?);
        let what = match kind {
            b'E' => What::Events { from: rest.u32()?, bodies: Bodies(rest.0) },
            b'H' => {
                let [purpose, precious] = rest.take()?;
                let lane = Lane { purpose: Purpose(purpose), precious: precious != 0 };
                What::Header { lane, text: rest.0 }
            }
            b'L' => {
                let (from, to) = (rest.u32()?, rest.u32()?);
                let reason = str::from_utf8(rest.0).ok().and_then(Reason::parse).ok_or(Unreadable::Torn)?;
                What::Loss { from, to, reason }
            }
            b'S' => What::Stamp {
                from: rest.u32()?,
                session: SessionId::from_words([rest.u32()?, rest.u32()?, rest.u32()?, rest.u32()?]),
            },
            _ => return Err(Unreadable::Newer),
        };
        Ok(Self { version: written, done, head, what })
    }
}

impl<'a> Iterator for Bodies<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk()?;
        let len = u32::from_le_bytes(*len) as usize;
        // Within a whole entry every body is whole.
        let (body, rest) = rest.split_at(len.min(rest.len()));
        self.0 = rest;
        Some(body)
    }
}

/// When the event of this text was called, Unix ms; 0 if it does not begin with that.
pub(crate) fn ts_of(body: &[u8]) -> u64 {
    let digits = body.strip_prefix(b"\"ts\":").unwrap_or_default();
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit()).take(18);
    digits.fold(0, |ts, digit| ts * 10 + u64::from(digit - b'0'))
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unreadable::Torn)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, Unreadable> {
        self.take().map(u32::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODIES: [&[u8]; 3] = [b"\"ts\":17,\"type\":\"custom\"}", b"", b"\"ts\":18}"];

    #[test]
    fn every_entry_is_read_as_it_was_written_on_either_kind_of_disk() {
        for kind in [Kind::Phone, Kind::Web] {
            let mut writer = Writer::new(kind, 1);
            let session = SessionId::from_words([1, 2, 3, u32::MAX]);
            let lane = Lane { purpose: Purpose(3), precious: true };
            let header = writer.header(lane, b"\"stream\":1").to_vec();
            let stamp = writer.stamp(1, 2, 9, session).to_vec();
            let loss = writer.loss(1, 2, (3, 4, Reason::QueueFull)).to_vec();
            let events = writer.events(4, 8, 5, BODIES.into_iter());
            let read = Entry::parse(kind, 1, events).expect("an entry");
            assert_eq!((read.version, read.done, read.head), (1, 4, 8));
            let What::Events { from: 5, bodies } = read.what else { panic!("{read:?}") };
            assert_eq!(bodies.collect::<Vec<_>>(), BODIES);
            let what = |bytes| Entry::parse(kind, 1, bytes).expect("an entry").what;
            assert_eq!(what(&header), What::Header { lane, text: b"\"stream\":1" });
            assert_eq!(what(&stamp), What::Stamp { from: 9, session });
            assert_eq!(what(&loss), What::Loss { from: 3, to: 4, reason: Reason::QueueFull });
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_torn() {
        let mut writer = Writer::new(Kind::Phone, 1);
        let whole = writer.events(0, 3, 0, BODIES.into_iter()).to_vec();
        for len in 0..whole.len() {
            assert_eq!(Entry::parse(Kind::Phone, 1, &whole[..len]), Err(Unreadable::Torn), "{len}");
        }
    }

    #[test]
    fn an_entry_of_a_newer_version_is_not_read() {
        let newer = Writer::new(Kind::Web, 2).loss(0, 1, (0, 1, Reason::Storage)).to_vec();
        assert_eq!(Entry::parse(Kind::Web, 1, &newer), Err(Unreadable::Newer));
        assert!(Entry::parse(Kind::Web, 3, &newer).is_ok());
    }

    #[test]
    fn the_time_of_an_event_stands_at_its_beginning() {
        assert_eq!(ts_of(b"\"ts\":1710320000123,\"type\":\"x\"}"), 1_710_320_000_123);
        assert_eq!(ts_of(b"\"ts\":"), 0);
        assert_eq!(ts_of(b""), 0);
    }
}

//! The journal of one running client: a log of its own, and the dead openings it has adopted.
//!
//! **Invariants.** Events are appended to streams that this run drew, never to another's. What this run
//! writes about an adopted stream goes to its own log as well. Each segment begins with the headers, stamps
//! and losses that still matter, so any suffix of the log explains itself; a segment is dropped only when its
//! events are forgotten and what names them is fsynced.

mod adopt;
mod entry;
mod found;
mod opening;
mod upkeep;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use headwater_core::{client::StreamNo, reason::Reason, session::SessionId, time::UnixMs};
use headwater_segments::{Log, Options};
use uuid::Uuid;

pub(crate) use self::{
    adopt::{Adopted, FIRST_ADOPTED, Scan},
    entry::body_of_call,
};
use self::{
    entry::{Entry, What},
    opening::Opening,
};
use crate::header::Header;

/// The end of the numbers a stream can give: the last one has no end as a range.
const SEQ_END: u32 = u32::MAX;

pub(crate) struct Journal {
    root: PathBuf,
    header: Header,
    log: Log,
    /// The number of the opening that `log` belongs to.
    current: u32,
    openings: BTreeMap<u32, Held>,
    streams: BTreeMap<StreamNo, Stream>,
    /// Where events go; drawn at the first event, after an identify, and after a failed write.
    own: Option<StreamNo>,
    last_ts: u64,
    next_stream: u32,
    next_own: u32,
    closed: bool,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Location {
    pub(crate) opening: u32,
    pub(crate) offset: u64,
}

/// An accepted event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Appended {
    pub(crate) stream: StreamNo,
    /// The stream was drawn for this event.
    pub(crate) opened: bool,
    pub(crate) seq: u32,
    pub(crate) len: u32,
    pub(crate) ts: UnixMs,
}

/// An opening that this process holds the lock of.
struct Held {
    opening: Opening,
    /// The streams that still need it.
    streams: BTreeSet<StreamNo>,
}

struct Stream {
    uuid: Uuid,
    header: String,
    adopted: bool,
    done: u32,
    head: u32,
    /// `done` in the newest entry of our log.
    written_done: u32,
    /// What is not forgotten, by seq.
    calls: BTreeMap<u32, Location>,
    /// What is not acknowledged, by the number of its record.
    losses: BTreeMap<u32, Loss>,
    /// Ascending.
    stamps: Vec<(u32, SessionId)>,
    /// Our log has its header.
    in_log: bool,
}

#[derive(Clone, Copy)]
struct Loss {
    from: u32,
    to: u32,
    reason: Reason,
}

impl Journal {
    /// Makes a new opening in `root`.
    pub(crate) fn open(root: &Path, header: Header) -> io::Result<Self> {
        let (opening, log) = new_opening(root)?;
        Ok(Self {
            root: root.to_owned(),
            header,
            log,
            current: 0,
            openings: BTreeMap::from([(0, Held { opening, streams: BTreeSet::new() })]),
            streams: BTreeMap::new(),
            own: None,
            last_ts: 0,
            next_stream: 0,
            next_own: 1,
            closed: false,
        })
    }

    /// Events from now on are this user's, in a stream of their own.
    pub(crate) fn identify(&mut self, user_id: String) {
        self.header.user_id = Some(user_id);
        self.own = None;
    }

    /// Writes an event, given as its JSON text without `{"ts":…,`. When this returns, the event survives the
    /// death of the process.
    pub(crate) fn append(&mut self, now: UnixMs, rest: &str) -> io::Result<Appended> {
        if !self.log.is_poisoned() {
            match self.try_append(now, rest) {
                Ok(appended) => return Ok(appended),
                Err(error) => tracing::warn!(%error, "a journal write failed; a new journal is begun"),
            }
        }
        self.renew()?;
        self.try_append(now, rest)
    }

    fn try_append(&mut self, now: UnixMs, rest: &str) -> io::Result<Appended> {
        let own = self.own.filter(|no| self.streams.get(no).is_some_and(|stream| stream.head < SEQ_END));
        let stream = match own {
            Some(no) => no,
            None => self.begin_stream()?,
        };
        // Strictly increasing over all streams of this run.
        let ts = now.0.max(self.last_ts + 1);
        let body = format!("\"ts\":{ts},{rest}");
        let seq = self.streams[&stream].head;
        let head = seq + 1;
        let what = What::Call { seq, ts, body: &body };
        let offset = self.write_as(stream, head, what)?;
        if let Some(books) = self.streams.get_mut(&stream) {
            books.head = head;
            books.calls.insert(seq, Location { opening: self.current, offset });
        }
        self.last_ts = ts;
        let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
        Ok(Appended { stream, opened: own.is_none(), seq, len, ts: UnixMs(ts) })
    }

    fn begin_stream(&mut self) -> io::Result<StreamNo> {
        let uuid = Uuid::new_v4();
        let no = self.add(Stream::new(uuid, self.header.of_stream(uuid)));
        self.write_header(no)?;
        if let Some(held) = self.openings.get_mut(&self.current) {
            held.streams.insert(no);
        }
        self.own = Some(no);
        Ok(no)
    }

    /// Writes which session the events from `from` on belong to.
    pub(crate) fn stamp(&mut self, no: StreamNo, from: u32, session: SessionId) -> io::Result<()> {
        if let Some(stream) = self.streams.get_mut(&no) {
            stream.stamp(from, session);
        }
        self.write(no, What::Stamp { from, session })
    }

    /// Writes that `from..to` are lost.
    pub(crate) fn record(&mut self, no: StreamNo, record: u32, loss: (u32, u32, Reason)) -> io::Result<()> {
        let (from, to, reason) = loss;
        self.write(no, What::Loss { from, to, reason: reason.as_str() })?;
        if let Some(stream) = self.streams.get_mut(&no) {
            stream.losses.insert(record, Loss { from, to, reason });
        }
        Ok(())
    }

    /// The names of this record are acknowledged: later segments need not repeat it.
    pub(crate) fn forget_record(&mut self, no: StreamNo, record: u32) {
        if let Some(stream) = self.streams.get_mut(&no) {
            stream.losses.remove(&record);
        }
    }

    pub(crate) fn forget(&mut self, no: StreamNo, from: u32, to: u32) {
        if let Some(stream) = self.streams.get_mut(&no) {
            stream.calls.extract_if(from..to, |_, _| true).for_each(drop);
        }
    }

    pub(crate) fn set_done(&mut self, no: StreamNo, done: u32) {
        if let Some(stream) = self.streams.get_mut(&no) {
            stream.done = done;
        }
    }

    /// The stream owes nothing: it goes, and with the last one its opening.
    pub(crate) fn forget_stream(&mut self, no: StreamNo) -> io::Result<()> {
        if self.streams.get(&no).is_some_and(|stream| stream.in_log) {
            self.write(no, What::Forgotten)?;
        }
        self.streams.remove(&no);
        self.own = self.own.filter(|own| *own != no);
        for held in self.openings.values_mut() {
            held.streams.remove(&no);
        }
        self.remove_unneeded()
    }

    /// Whether it takes no more events.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The header of a stream and its UUID, for a request.
    pub(crate) fn header(&self, no: StreamNo) -> Option<(&str, Uuid)> {
        self.streams.get(&no).map(|stream| (stream.header.as_str(), stream.uuid))
    }

    /// Where these events are; `None` for one that is not there.
    pub(crate) fn locate(&self, no: StreamNo, seqs: &[u32]) -> Option<Vec<Location>> {
        let stream = self.streams.get(&no)?;
        seqs.iter().map(|seq| stream.calls.get(seq).copied()).collect()
    }

    /// The directories of all openings, by number.
    pub(crate) fn dirs(&self) -> BTreeMap<u32, PathBuf> {
        self.openings.iter().map(|(number, held)| (*number, held.opening.dir())).collect()
    }

    /// Events that are not forgotten.
    pub(crate) fn pending(&self) -> u64 {
        self.streams.values().map(|stream| stream.calls.len() as u64).sum()
    }

    /// The next seq of every stream: what a flush waits for.
    pub(crate) fn heads(&self) -> Vec<(StreamNo, u32)> {
        self.streams.iter().map(|(no, stream)| (*no, stream.head)).collect()
    }

    /// Whether everything below `head` of this stream is settled and every name acknowledged; of an adopted
    /// one, whether it is forgotten.
    pub(crate) fn is_settled(&self, no: StreamNo, head: u32) -> bool {
        self.streams.get(&no).is_none_or(|stream| {
            let owed = stream.calls.keys().next().is_some_and(|first| *first < head);
            !owed && stream.losses.is_empty() && !stream.adopted
        })
    }

    fn add(&mut self, stream: Stream) -> StreamNo {
        let no = StreamNo(self.next_stream);
        self.next_stream += 1;
        self.streams.insert(no, stream);
        no
    }

    /// Writes an entry about a stream, after its header if need be. A log that failed is replaced first.
    fn write(&mut self, no: StreamNo, what: What<'_>) -> io::Result<()> {
        if self.log.is_poisoned() {
            self.renew()?;
        }
        self.write_header(no)?;
        let head = self.streams.get(&no).map_or(0, |stream| stream.head);
        self.write_as(no, head, what).map(drop)
    }

    fn write_header(&mut self, no: StreamNo) -> io::Result<()> {
        let Some(stream) = self.streams.get(&no).filter(|stream| !stream.in_log) else { return Ok(()) };
        let bytes = stream.entry(no, What::Header { uuid: stream.uuid, text: &stream.header }).to_bytes();
        self.log.append(&[bytes]).map_err(io::Error::other)?;
        if let Some(stream) = self.streams.get_mut(&no) {
            stream.in_log = true;
        }
        Ok(())
    }

    fn write_as(&mut self, no: StreamNo, head: u32, what: What<'_>) -> io::Result<u64> {
        let done = self.streams.get(&no).map_or(0, |stream| stream.done);
        let bytes = Entry { stream: no.0, done, head, what }.to_bytes();
        let offset = self.log.append(&[bytes]).map_err(io::Error::other)?;
        if let Some(stream) = self.streams.get_mut(&no) {
            stream.written_done = done;
        }
        Ok(offset)
    }
}

impl Stream {
    fn new(uuid: Uuid, header: String) -> Self {
        Self {
            uuid,
            header,
            adopted: false,
            done: 0,
            head: 0,
            written_done: 0,
            calls: BTreeMap::new(),
            losses: BTreeMap::new(),
            stamps: Vec::new(),
            in_log: false,
        }
    }

    fn stamp(&mut self, from: u32, session: SessionId) {
        let at = self.stamps.partition_point(|stamp| stamp.0 <= from);
        self.stamps.insert(at, (from, session));
    }

    fn entry<'a>(&self, no: StreamNo, what: What<'a>) -> Entry<'a> {
        Entry { stream: no.0, done: self.done, head: self.head, what }
    }

    fn owes_nothing(&self) -> bool {
        self.calls.is_empty() && self.losses.is_empty()
    }
}

/// A locked directory and its log, which never rolls by itself.
fn new_opening(root: &Path) -> io::Result<(Opening, Log)> {
    let opening = Opening::create(root)?;
    match Log::open(opening.dir(), Options { segment_bytes: u64::MAX }) {
        Ok(log) => Ok((opening, log)),
        Err(error) => {
            // What failed first is what is told.
            let _ = opening.remove();
            Err(io::Error::other(error))
        }
    }
}

#[cfg(test)]
mod tests;

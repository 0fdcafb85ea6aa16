//! The journal of one running client: a log of its own, and the dead openings it has adopted.
//!
//! **Invariants.** Events are appended to streams that this run drew, never to another's. What this run
//! writes about an adopted stream goes to its own log as well. Each segment begins with the headers, stamps
//! and losses that still matter, so any suffix of the log explains itself; a segment is dropped only when its
//! events are forgotten and what names them is fsynced. A loss can be named even when the disk is full. What was
//! there when consent was denied lies in openings of its own, so that it can go altogether.

mod adopt;
mod entry;
mod found;
mod opening;
mod purge;
mod reserve;
mod stream;
mod upkeep;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use headwater_core::{
    client::{Input, Lane, Purpose, StreamNo},
    reason::Reason,
    session::SessionId,
    time::UnixMs,
};
use headwater_segments::Log;
use uuid::Uuid;

pub(crate) use self::{
    adopt::{Adopted, FIRST_ADOPTED, Scan},
    entry::body_of_call,
};
use self::{
    entry::{Entry, What},
    opening::Opening,
    reserve::Reserve,
    stream::{Loss, Stream},
    upkeep::new_opening,
};
use crate::header::Header;

/// The end of the numbers a stream can give: the last one has no end as a range.
const SEQ_END: u32 = u32::MAX;

pub(crate) struct Journal {
    root: PathBuf,
    /// Of the streams to come.
    header: Header,
    log: Log,
    /// The number of the opening that `log` belongs to.
    current: u32,
    openings: BTreeMap<u32, Held>,
    streams: BTreeMap<StreamNo, Stream>,
    /// Where events go, ordinary and precious ones: drawn at the first event, after the header changed, and after a
    /// failed write.
    own: [Option<StreamNo>; 2],
    /// What the core is to be told, in order.
    news: Vec<Input>,
    /// The one who tells it comes again without being woken.
    is_awake: bool,
    reserve: Option<Reserve>,
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

/// An opening that this process holds the lock of.
struct Held {
    opening: Opening,
    /// The streams that still need it.
    streams: BTreeSet<StreamNo>,
    /// It was there when consent was denied: it must go.
    tainted: bool,
}

impl Held {
    const fn new(opening: Opening) -> Self {
        Self { opening, streams: BTreeSet::new(), tainted: false }
    }
}

impl Journal {
    /// Makes a new opening in `root`.
    pub(crate) fn open(root: &Path, header: Header) -> io::Result<Self> {
        let (opening, log) = new_opening(root)?;
        let mut journal = Self {
            root: root.to_owned(),
            header,
            log,
            current: 0,
            openings: BTreeMap::from([(0, Held::new(opening))]),
            streams: BTreeMap::new(),
            own: [None; 2],
            news: Vec::new(),
            is_awake: false,
            reserve: None,
            next_stream: 0,
            next_own: 1,
            closed: false,
        };
        journal.take_reserve();
        Ok(journal)
    }

    /// Events from now on are in streams of their own, under this header.
    pub(crate) fn begin_anew(&mut self, header: Header) {
        self.header = header;
        self.close_own();
    }

    /// Writes an event, given as its JSON text without its opening brace. When this returns, the event survives the
    /// death of the process. Told to the core: the event, and the stream that was opened for it.
    pub(crate) fn append(&mut self, ts: UnixMs, body: &str, precious: bool) -> io::Result<()> {
        if !self.log.is_poisoned() {
            match self.try_append(ts, body, precious) {
                Ok(()) => return Ok(()),
                Err(error) => tracing::warn!(%error, "a journal write failed; a new journal is begun"),
            }
        }
        self.renew()?;
        self.try_append(ts, body, precious)
    }

    fn try_append(&mut self, ts: UnixMs, body: &str, precious: bool) -> io::Result<()> {
        let stream = self.own_stream(precious)?;
        let seq = self.streams[&stream].head;
        let head = seq + 1;
        let offset = self.write_as(stream, head, What::Call { seq, ts: ts.0, body })?;
        if let Some(books) = self.streams.get_mut(&stream) {
            books.head = head;
            books.calls.insert(seq, Location { opening: self.current, offset });
        }
        let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
        self.news.push(Input::Appended { stream, seq, len, ts });
        Ok(())
    }

    /// The stream that events of this lane go to, opened if need be.
    pub(crate) fn own_stream(&mut self, precious: bool) -> io::Result<StreamNo> {
        let slot = usize::from(precious);
        if let Some(no) = self.own[slot] {
            if self.streams.get(&no).is_some_and(|stream| stream.head < SEQ_END) {
                return Ok(no);
            }
            self.own[slot] = None;
            self.news.push(Input::Closed { stream: no });
        }
        if self.is_tainted() {
            self.renew()?;
        }
        let uuid = Uuid::new_v4();
        let lane = Lane { purpose: Purpose::default(), precious };
        let no = self.add(Stream::new(uuid, lane, self.header.of_stream(uuid)));
        if let Err(error) = self.write_header(no) {
            self.streams.remove(&no);
            return Err(error);
        }
        if let Some(held) = self.openings.get_mut(&self.current) {
            held.streams.insert(no);
        }
        self.own[slot] = Some(no);
        self.news.push(Input::Opened { stream: no, lane });
        Ok(no)
    }

    /// The stream of ordinary events, if one is open.
    pub(crate) const fn ordinary(&self) -> Option<StreamNo> {
        self.own[0]
    }

    /// Something else that the core is to be told, in its order among the events.
    pub(crate) fn tell(&mut self, input: Input) {
        if let Input::Refused { stream, verdict, total } = input
            && let Some(Input::Refused { stream: s, verdict: v, total: last }) = self.news.last_mut()
            && (*s, *v) == (stream, verdict)
        {
            // A refused call must not cost memory.
            *last = total;
            return;
        }
        self.news.push(input);
    }

    /// Exchanges what the core is to be told with an empty list. Whoever got something comes again soon.
    pub(crate) fn take_news(&mut self, into: &mut Vec<Input>) {
        debug_assert!(into.is_empty(), "news that nobody told");
        std::mem::swap(&mut self.news, into);
        self.is_awake = !into.is_empty();
    }

    /// Whether the one who tells the core must be woken.
    pub(crate) fn must_wake(&mut self) -> bool {
        !self.news.is_empty() && !std::mem::replace(&mut self.is_awake, true)
    }

    /// Writes which session the events from `from` on belong to.
    pub(crate) fn stamp(&mut self, no: StreamNo, from: u32, session: SessionId) -> io::Result<()> {
        let Some(stream) = self.streams.get_mut(&no).filter(|stream| !stream.purged) else { return Ok(()) };
        stream.stamp(from, session);
        self.write(no, What::Stamp { from, session })
    }

    /// Writes that `from..to` are lost: if the log cannot be written, in the room that was kept for that.
    pub(crate) fn record(&mut self, no: StreamNo, record: u32, loss: (u32, u32, Reason)) -> io::Result<()> {
        let (from, to, reason) = loss;
        let what = What::Loss { from, to, reason: reason.as_str() };
        if let Err(error) = self.write(no, what) {
            tracing::warn!(%error, "a loss is named in the journal's reserve");
            self.write_reserved(no, what)?;
        }
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
        for slot in &mut self.own {
            *slot = slot.filter(|own| *own != no);
        }
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

    /// Whether consent was denied since it was opened: then none of its events may be sent.
    pub(crate) fn is_purged(&self, no: StreamNo) -> bool {
        self.streams.get(&no).is_some_and(|stream| stream.purged)
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

    /// Nothing more is appended to the own streams.
    fn close_own(&mut self) {
        let closed = self.own.iter_mut().filter_map(Option::take).map(|stream| Input::Closed { stream });
        self.news.extend(closed);
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
        let Some(stream) = self.streams.get_mut(&no).filter(|stream| !stream.in_log) else { return Ok(()) };
        self.log.append(&[stream.header_entry(no).to_bytes()]).map_err(io::Error::other)?;
        stream.in_log = true;
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

    fn write_reserved(&mut self, no: StreamNo, what: What<'_>) -> io::Result<()> {
        let (Some(reserve), Some(stream)) = (&mut self.reserve, self.streams.get(&no)) else {
            return Err(io::ErrorKind::StorageFull.into());
        };
        let header = (!reserve.headers.contains(&no)).then(|| stream.header_entry(no).to_bytes());
        let entries: Vec<_> = header.into_iter().chain([stream.entry(no, what).to_bytes()]).collect();
        reserve.write(&entries)?;
        reserve.headers.insert(no);
        if let Some(held) = self.openings.get_mut(&reserve.opening) {
            held.streams.insert(no);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

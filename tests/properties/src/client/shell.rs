//! A shell that keeps its contract, on a bad network and beside other tabs: nothing is forgotten that is neither
//! settled nor named, and in the end everything is one of the two.

use std::collections::BTreeMap;

use headwater_core::{
    client::{Client, Config, Effect, Input, Lane, Limits, Outcome, Purpose, StreamNo, Transport},
    ranges::{Range, RangeSet},
    refusal::Refusal,
    status::{Verdict, judge},
    time::{Instant, UnixMs},
};

use super::{
    books::Stream,
    drain, request,
    wild::{decision, reason, session},
};
use crate::bytes::Bytes;

/// Statuses of servers and of what stands before them; the first is the one that settles.
pub(super) const STATUSES: [u16; 12] = [204, 204, 200, 204, 400, 413, 422, 401, 429, 503, 302, 410];

/// More than the shell ever needs to be rid of everything, once nothing fails any more.
const LONGEST_CALM: usize = 5_000;

/// Plays until the bytes end, and then until nothing is owed.
pub(super) fn play(bytes: &mut Bytes<'_>) {
    let mut shell = Shell::new(bytes);
    while !bytes.is_empty() && !shell.ended {
        shell.step(bytes);
    }
    if !shell.ended {
        shell.calm_down();
    }
}

struct Shell {
    client: Client,
    limits: Limits,
    now: u64,
    /// `ts` strictly increases across the streams of a page.
    unix: u64,
    streams: BTreeMap<StreamNo, Stream>,
    /// Names that the journal was asked to keep.
    writing: BTreeMap<u32, (StreamNo, Range)>,
    open: BTreeMap<u32, Open>,
    stopped: bool,
    ended: bool,
}

struct Open {
    stream: StreamNo,
    seqs: Vec<u32>,
    lost: Vec<Range>,
}

impl Shell {
    fn new(bytes: &mut Bytes<'_>) -> Self {
        let mut limits = Limits::default();
        if bytes.flag() {
            limits.queue_bytes = 100 + 20 * bytes.below(256);
            limits.batch_events = 1 + bytes.below(8);
            limits.batch_bytes = 1_024 + 8 * bytes.below(256);
            limits.in_flight = 1 + bytes.below(5);
            limits.leaving_bytes = 20 * bytes.below(256);
        }
        Self {
            client: Client::new(Config { entropy: [bytes.byte(); 32], limits }),
            limits,
            now: 0,
            unix: 1_710_320_000_000,
            streams: BTreeMap::new(),
            writing: BTreeMap::new(),
            open: BTreeMap::new(),
            stopped: false,
            ended: false,
        }
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.byte() {
            0..70 => self.append(bytes),
            70..110 => self.answer(bytes),
            110..150 => {
                if let Some(record) = chosen(bytes, self.writing.keys()) {
                    self.recorded(record);
                }
            }
            150..152 => {
                if let Some((stream, _)) = self.writing.pop_first().map(|(_, entry)| entry) {
                    self.stream(stream).faulty = true;
                }
            }
            152..165 => self.pass_time(bytes),
            165..170 => self.open_stream(bytes),
            170..175 => self.find_stream(bytes),
            175..210 => self.tell_found(bytes),
            210..216 => {
                if let Some(stream) = self.one(bytes, |s| !s.own && !s.adopted) {
                    self.adopt(stream);
                }
            }
            216..222 => self.lose_to_another_adopter(bytes),
            222..226 => self.tell(Input::Consent { purpose: Purpose::default(), decision: decision(bytes) }),
            226..230 => self.tell(Input::Hidden),
            230..236 => self.tell(Input::Visible),
            236..239 => self.tell(Input::Online(false)),
            239..244 => self.tell(Input::Online(true)),
            244..247 => self.tell(Input::Flush),
            247..249 => self.tell(Input::Gate { until: UnixMs(self.unix + 1_000 * u64::from(bytes.byte())) }),
            249..251 => self.tell(Input::SessionChanged(session(bytes))),
            251..253 => self.tell(Input::Reset),
            253.. => {
                if bytes.below(12) > 0 {
                    return self.tell(Input::Timeout);
                }
                self.tell(Input::Terminating);
                self.ended = true;
            }
        }
    }

    fn open_stream(&mut self, bytes: &mut Bytes<'_>) {
        let stream = self.next_stream(Stream { own: true, ..Stream::default() });
        self.tell(Input::Opened { stream, lane: Lane::default() });
        if bytes.below(4) == 0 {
            // Dropped before the core was there.
            self.find_loss(stream, (0, 1 + bytes.below(4)), bytes);
        }
    }

    fn append(&mut self, bytes: &mut Bytes<'_>) {
        let Some(stream) = self.one(bytes, |s| s.own && !s.forgotten) else { return self.open_stream(bytes) };
        self.unix += 1 + u64::from(bytes.byte());
        let books = self.stream(stream);
        let seq = books.head;
        books.head += 1;
        books.told.insert(seq);
        books.held.insert(seq);
        let len = 40 * bytes.below(256);
        let ts = UnixMs(self.unix);
        self.tell(Input::Appended { stream, seq, len, ts });
    }

    fn find_stream(&mut self, bytes: &mut Bytes<'_>) {
        let start = bytes.below(8);
        let head = start + bytes.below(12);
        let stream = self.next_stream(Stream { start, head, ..Stream::default() });
        self.tell(Input::StreamFound { stream, lane: Lane::default(), done: start, head });
    }

    fn tell_found(&mut self, bytes: &mut Bytes<'_>) {
        let Some(stream) = self.one(bytes, |s| !s.own && !s.adopted) else { return };
        let seq = bytes.below(24);
        match bytes.below(5) {
            0 => self.find_loss(stream, (seq, seq + 1 + bytes.below(6)), bytes),
            1 => self.tell(Input::FoundStamp { stream, from: seq, session: session(bytes).id }),
            _ => {
                let ts = UnixMs(self.unix - u64::from(bytes.byte()));
                let books = self.stream(stream);
                books.head = books.head.max(seq + 1);
                if books.told.insert(seq) {
                    books.held.insert(seq);
                    self.tell(Input::Found { stream, seq, len: 40 * bytes.below(256), ts });
                }
            }
        }
    }

    fn find_loss(&mut self, stream: StreamNo, (from, to): Range, bytes: &mut Bytes<'_>) {
        let books = self.stream(stream);
        books.named.insert_range(from, to);
        books.head = books.head.max(to);
        self.tell(Input::FoundLoss { stream, from, to, reason: reason(bytes) });
    }

    fn adopt(&mut self, stream: StreamNo) {
        self.stream(stream).adopted = true;
        self.tell(Input::Adopted { stream });
    }

    fn lose_to_another_adopter(&mut self, bytes: &mut Bytes<'_>) {
        let Some(stream) = self.one(bytes, |s| s.adopted && !s.forgotten) else { return };
        let from = bytes.below(24);
        let to = from + 1 + bytes.below(6);
        self.stream(stream).held.retain(|seq| !(from..to).contains(seq));
        self.tell(Input::Gone { stream, from, to });
        let carries = |open: &Open| open.stream == stream && open.seqs.iter().any(|s| (from..to).contains(s));
        let torn: Vec<_> = self.open.iter().filter(|(_, open)| carries(open)).map(|(no, _)| *no).collect();
        for request in torn {
            self.answered(request, Outcome::NoAnswer);
        }
    }

    fn answer(&mut self, bytes: &mut Bytes<'_>) {
        let Some(request) = chosen(bytes, self.open.keys()) else { return };
        let sent = u32::try_from(self.open[&request].seqs.len()).expect("few");
        let (status, ack) = match bytes.byte() {
            0..140 => (204, Some(sent)),
            140..160 => return self.answered(request, Outcome::NoAnswer),
            kind => (STATUSES[bytes.below(12) as usize], (kind < 230).then(|| bytes.below(sent + 2))),
        };
        let retry_after = bytes.flag().then(|| 500 * bytes.below(256));
        self.answered(request, Outcome::Answer { status, ack, retry_after, time: None });
    }

    fn answered(&mut self, request: u32, outcome: Outcome) {
        let Open { stream, seqs, lost } = self.open.remove(&request).expect("an open request");
        if let Outcome::Answer { status, ack, .. } = outcome
            && judge(status, ack, u32::try_from(seqs.len()).expect("few")) == Verdict::Settled
        {
            self.stream(stream).settle(&seqs, &lost);
        }
        self.tell(Input::Answered { request, outcome });
    }

    fn recorded(&mut self, record: u32) {
        let (stream, range) = self.writing.remove(&record).expect("a name that is being written");
        self.stream(stream).record(record, range);
        self.tell(Input::Recorded { record });
    }

    fn pass_time(&mut self, bytes: &mut Bytes<'_>) {
        let ms = u64::from(bytes.byte()) << bytes.below(16);
        self.now += ms;
        self.unix += ms;
        self.tell(Input::Timeout);
    }

    /// Nothing fails any more: what is owed arrives, in time.
    fn calm_down(&mut self) {
        let telling: Vec<_> =
            self.streams.iter().filter(|(_, s)| !s.own && !s.adopted).map(|s| *s.0).collect();
        for stream in telling {
            self.adopt(stream);
        }
        self.tell(Input::Online(true));
        for _ in 0..LONGEST_CALM {
            if let Some((&record, _)) = self.writing.first_key_value() {
                self.recorded(record);
            } else if let Some((&request, open)) = self.open.first_key_value() {
                let ack = u32::try_from(open.seqs.len()).ok();
                self.answered(request, Outcome::Answer { status: 204, ack, retry_after: None, time: None });
            } else if let Some(at) = self.client.poll_timeout() {
                self.now = self.now.max(at.0);
                self.tell(Input::Timeout);
            } else {
                return self.check_end();
            }
        }
        panic!("it does not come to rest");
    }

    fn check_end(&self) {
        for stream in self.streams.values().filter(|s| !s.faulty) {
            let named = if self.stopped { stream.named.clone() } else { RangeSet::default() };
            stream.assert_explained(&named, u32::MAX);
            assert!(stream.held.is_empty(), "held for ever: {stream:?}");
            assert!(stream.own || stream.forgotten || self.stopped, "adopted for ever: {stream:?}");
        }
    }

    /// Tells the core, and does what it says.
    fn tell(&mut self, input: Input) {
        self.client.handle(Instant(self.now), UnixMs(self.unix), input);
        for effect in drain(&mut self.client) {
            self.obey(effect);
        }
        let open = self.open.len();
        assert!(open <= self.limits.in_flight as usize, "{open} in flight after {input:?}");
        for (no, stream) in &self.streams {
            stream.check_done(*no, &self.client);
        }
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Forget { stream, from, to } => self.stream(stream).forget(from, to),
            Effect::ForgetRecord { record, stream } => self.stream(stream).forget_record(record),
            Effect::ForgetStream { stream } => self.stream(stream).forget_all(),
            Effect::Record { record, stream, from, to, .. } => {
                assert!(self.writing.insert(record, (stream, (from, to))).is_none(), "a number used twice");
            }
            Effect::Send { request, stream, transport } => self.send(request, stream, transport),
            Effect::Refuse { verdict, .. } => self.stopped |= verdict == Some(Refusal::Stopped),
            Effect::Erase
            | Effect::SaveGate { .. }
            | Effect::SaveSession(_)
            | Effect::SaveSettings(_)
            | Effect::Stamp { .. } => {}
        }
    }

    fn send(&mut self, request: u32, stream: StreamNo, transport: Transport) {
        let said = request::read(&self.client, request);
        self.stream(stream).check(&said);
        if transport != Transport::Beacon {
            assert!(!self.stopped && said.seqs.len() <= self.limits.batch_events as usize);
            let mut others = self.open.values().filter(|open| open.stream == stream);
            assert!(others.all(|open| open.seqs.iter().all(|seq| !said.seqs.contains(seq))), "sent twice");
            self.open.insert(request, Open { stream, seqs: said.seqs, lost: said.lost });
        }
    }

    fn next_stream(&mut self, books: Stream) -> StreamNo {
        let no = StreamNo(u32::try_from(self.streams.len()).expect("few"));
        self.streams.insert(no, books);
        no
    }

    fn stream(&mut self, no: StreamNo) -> &mut Stream {
        self.streams.get_mut(&no).expect("a stream of this shell")
    }

    /// One of the streams that are so.
    fn one(&self, bytes: &mut Bytes<'_>, is_so: impl Fn(&Stream) -> bool) -> Option<StreamNo> {
        let so: Vec<_> = self.streams.iter().filter(|(_, s)| is_so(s)).map(|(no, _)| *no).collect();
        chosen(bytes, so.iter())
    }
}

fn chosen<'a, T: Copy + 'a>(
    bytes: &mut Bytes<'_>,
    mut of: impl ExactSizeIterator<Item = &'a T>,
) -> Option<T> {
    let count = of.len();
    if count == 0 { None } else { of.nth(usize::from(bytes.byte()) % count).copied() }
}

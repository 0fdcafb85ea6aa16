//! A shell that keeps its contract, on a bad network and beside other tabs: nothing is forgotten that is neither
//! settled nor named, nothing is sent of one who denied, and in the end everything is settled or named.

use std::collections::{BTreeMap, BTreeSet};

use headwater_core::{
    client::{Client, Config, Effect, Input, Limits, Outcome, Settings, StreamNo, Transport},
    ranges::{Range, RangeSet},
    reason::Reason,
    refusal::Refusal,
    status::{Verdict, judge},
    time::{Instant, UnixMs},
};

use super::{
    books::{Owed, Stream},
    clock::Clock,
    drain,
    request::{self, Said},
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

pub(super) struct Shell {
    client: Client,
    limits: Limits,
    /// As last told, and clamped.
    /// As they were told.
    set: Settings,
    /// As they are applied.
    settings: Settings,
    pub(super) draw: u32,
    clock: Clock,
    pub(super) now: u64,
    pub(super) unix: u64,
    /// It strictly increases across the streams of a page.
    pub(super) ts: u64,
    /// Purposes.
    pub(super) denied: BTreeSet<u8>,
    pub(super) streams: BTreeMap<StreamNo, Stream>,
    /// Names that the journal was asked to keep.
    pub(super) writing: BTreeMap<u32, (StreamNo, Range)>,
    pub(super) open: BTreeMap<u32, (StreamNo, Said)>,
    /// The site is gone.
    stopped: bool,
    pub(super) ended: bool,
}

/// What an input led to, as far as it is judged afterwards.
#[derive(Default)]
struct Consequences {
    /// Events that were given up for want of room: whether precious, and their time.
    evicted: Vec<(bool, u64)>,
    erased: bool,
}

impl Shell {
    fn new(bytes: &mut Bytes<'_>) -> Self {
        let mut limits = Limits::default();
        if bytes.flag() {
            limits.queue_bytes = 100 + 20 * bytes.below(256);
            limits.queue_events = 1 + bytes.below(20);
            limits.max_age_ms = 1_000 << bytes.below(22);
            limits.batch_events = 1 + bytes.below(8);
            limits.batch_bytes = 1_024 + 8 * bytes.below(256);
            limits.in_flight = 1 + bytes.below(5);
            limits.leaving_bytes = 20 * bytes.below(256);
        }
        Self {
            client: Client::new(Config { entropy: [bytes.byte(); 32], limits }),
            limits,
            set: Settings::default(),
            settings: Settings::default(),
            draw: 0,
            clock: Clock::default(),
            now: 0,
            unix: 1_710_320_000_000,
            ts: 1_710_320_000_000,
            denied: BTreeSet::new(),
            streams: BTreeMap::new(),
            writing: BTreeMap::new(),
            open: BTreeMap::new(),
            stopped: false,
            ended: false,
        }
    }

    pub(super) fn answered(&mut self, request: u32, outcome: Outcome) {
        let (stream, said) = self.open.remove(&request).expect("an open request");
        if let Outcome::Answer { status, ack, time, .. } = outcome {
            if let (Some(_), Some(server)) = (ack, time) {
                self.clock.compare(self.now, self.unix, server.0);
            }
            if judge(status, ack, u32::try_from(said.seqs.len()).expect("few")) == Verdict::Settled {
                self.stream(stream).settle(&said);
            }
        }
        self.tell(Input::Answered { request, outcome });
    }

    pub(super) fn recorded(&mut self, record: u32) {
        let (stream, range) = self.writing.remove(&record).expect("a name that is being written");
        self.stream(stream).record(record, range);
        self.tell(Input::Recorded { record });
    }

    pub(super) fn adopt(&mut self, stream: StreamNo) {
        self.stream(stream).adopted = true;
        self.tell(Input::Adopted { stream });
    }

    pub(super) fn close(&mut self, stream: StreamNo) {
        self.stream(stream).closed = true;
        self.tell(Input::Closed { stream });
    }

    /// Nothing fails any more: what is owed arrives, in time.
    fn calm_down(&mut self) {
        let telling: Vec<_> =
            self.streams.iter().filter(|(_, s)| !s.own && !s.adopted).map(|s| *s.0).collect();
        for stream in telling {
            self.adopt(stream);
        }
        // A decision about consent begins new streams.
        let denied = self.streams.iter().filter(|(_, s)| s.own && s.purged && !s.closed && !s.forgotten);
        let denied: Vec<_> = denied.map(|(no, _)| *no).collect();
        for stream in denied {
            self.close(stream);
        }
        self.tell(Input::Online(true));
        for _ in 0..LONGEST_CALM {
            if let Some((&record, _)) = self.writing.first_key_value() {
                self.recorded(record);
            } else if let Some((&request, (_, said))) = self.open.first_key_value() {
                let ack = u32::try_from(said.seqs.len()).ok();
                self.answered(request, Outcome::Answer { status: 204, ack, retry_after: None, time: None });
            } else if self.owes_nothing() {
                return self.check_end();
            } else if let Some(at) = self.client.poll_timeout() {
                self.now = self.now.max(at.0);
                self.tell(Input::Timeout);
            } else {
                return self.check_end();
            }
        }
        panic!("it does not come to rest");
    }

    /// Timers may go on for ever: a verdict is given again each day.
    fn owes_nothing(&self) -> bool {
        self.streams.values().all(|s| s.forgotten || s.faulty || (s.is_kept() && s.is_settled()))
    }

    fn check_end(&self) {
        for stream in self.streams.values().filter(|s| !s.faulty) {
            let named = if self.stopped { stream.named.clone() } else { RangeSet::default() };
            stream.assert_explained(&named, u32::MAX);
            assert!(stream.held.is_empty(), "held for ever: {stream:?}");
            assert!(stream.is_kept() || stream.forgotten || self.stopped, "kept for ever: {stream:?}");
            if !self.stopped {
                stream.assert_refused_told();
            }
        }
    }

    /// Tells the core, and does what it says.
    pub(super) fn tell(&mut self, input: Input) {
        match input {
            Input::Settings(settings) | Input::SettingsChanged(settings) => {
                self.set = settings;
                self.settings = self.clamped(settings);
            }
            Input::Room { bytes } => {
                self.limits.queue_bytes = bytes;
                self.settings = self.clamped(self.set);
            }
            _ => {}
        }
        let before = self.queue();
        self.client.handle(Instant(self.now), UnixMs(self.unix), input);
        let mut led_to = Consequences::default();
        for effect in drain(&mut self.client) {
            self.obey(effect, input, &mut led_to);
        }
        self.check_eviction(input, before, &led_to);
        assert_eq!(led_to.erased, input == Input::Erase, "{input:?}");
        let open = self.open.len();
        assert!(open <= self.limits.in_flight as usize, "{open} in flight after {input:?}");
        for (no, stream) in &self.streams {
            stream.check_done(*no, &self.client);
        }
    }

    fn obey(&mut self, effect: Effect, input: Input, led_to: &mut Consequences) {
        match effect {
            Effect::Erase => led_to.erased = true,
            Effect::Forget { stream, from, to } => self.stream(stream).forget(from, to),
            Effect::ForgetRecord { record, stream } => self.stream(stream).forget_record(record),
            Effect::ForgetStream { stream } => {
                self.stream(stream).forget_all();
                // The last words of a page are heard by nobody, and its counters go with it.
                if input != Input::Terminating {
                    self.stream(stream).assert_refused_told();
                    assert!(!self.stream(stream).is_kept(), "it is still appended to");
                }
            }
            Effect::Record { record, stream, from, to, reason } => {
                assert!(self.writing.insert(record, (stream, (from, to))).is_none(), "a number used twice");
                let given_up = self.stream(stream).give_up((from, to));
                self.check_reason(stream, reason, &given_up, led_to);
            }
            Effect::Accept => self.refuse(None, UnixMs(0)),
            Effect::Refuse { verdict, until } => self.refuse(Some(verdict), until),
            Effect::SaveSettings(settings) => {
                assert!(matches!(input, Input::Settings(_)), "{input:?}");
                assert_eq!(self.clamped(settings), self.settings, "kept as they were told");
            }
            Effect::Send { request, stream, transport } => self.send(request, stream, transport),
            Effect::SaveGate { .. } | Effect::SaveSession(_) | Effect::Stamp { .. } => {}
        }
    }

    fn send(&mut self, request: u32, stream: StreamNo, transport: Transport) {
        let said = request::read(&self.client, request);
        self.stream(stream).check(&said);
        if transport != Transport::Beacon {
            assert!(!self.stopped && said.seqs.len() <= self.limits.batch_events as usize);
            let mut others = self.open.values().filter(|(no, _)| *no == stream);
            assert!(
                others.all(|(_, other)| other.seqs.iter().all(|seq| !said.seqs.contains(seq))),
                "sent twice"
            );
            self.open.insert(request, (stream, said));
        }
    }

    fn refuse(&mut self, verdict: Option<Refusal>, until: UnixMs) {
        let Settings { sample, calls_per_minute, stop_ms, .. } = self.settings;
        assert!(verdict.is_none() || until.0 > self.unix, "{verdict:?} until {until:?}");
        match verdict {
            Some(Refusal::Stopped) if until == UnixMs(u64::MAX) => self.stopped = true,
            Some(Refusal::RateCap) => assert!(calls_per_minute > 0),
            Some(Refusal::Sampled) => {
                assert!(
                    (u64::from(self.draw) * 10_000) >> 32 >= u64::from(sample),
                    "{} of {sample}",
                    self.draw
                );
            }
            Some(Refusal::Stopped) => assert!(until.0 - self.unix <= 24 * 60 * 60 * 1_000, "{stop_ms}"),
            None => {}
            Some(verdict) => panic!("{verdict:?} is the shell's to say"),
        }
    }

    /// Why events are given up is true.
    fn check_reason(&self, no: StreamNo, reason: Reason, given_up: &[Owed], led_to: &mut Consequences) {
        let stream = &self.streams[&no];
        match reason {
            Reason::Consent => assert!(stream.purged, "{stream:?}"),
            Reason::QueueFull => {
                assert!(stream.own, "an adopted one takes no room of the own: {stream:?}");
                led_to.evicted.extend(given_up.iter().map(|owed| (stream.lane.precious, owed.ts)));
            }
            Reason::Stopped => assert!(self.stopped),
            Reason::TooOld => {
                assert!(self.clock.is_confirmed(self.now, self.unix), "by a clock that nobody confirmed");
                let limit = u64::from(self.limits.max_age_ms);
                for owed in given_up {
                    assert!(self.unix.saturating_sub(owed.ts) > limit, "{owed:?} is young");
                    assert!(
                        owed.told.is_none_or(|told| self.now - told > limit),
                        "{owed:?} was told just now"
                    );
                }
            }
            Reason::Rejected | Reason::Vanished => {}
            reason => panic!("{reason:?} is not the core's to say"),
        }
    }

    /// Events go only when there is too much, the oldest first, and precious ones last; and then there is room.
    fn check_eviction(&self, input: Input, before: (u64, u64), led_to: &Consequences) {
        let limits = (u64::from(self.queue_bytes()), u64::from(self.limits.queue_events));
        let Input::Appended { ts: newest, .. } = input else {
            assert!(led_to.evicted.is_empty(), "{input:?}");
            return;
        };
        let left = || {
            let own = self.streams.values().filter(|s| s.own);
            own.flat_map(|s| s.owed.values().map(|owed| (s.lane.precious, owed.ts)))
        };
        if let Some(last) = led_to.evicted.iter().max() {
            assert!(before.0 > limits.0 || before.1 > limits.1, "{before:?} of {limits:?}");
            let first = left().filter(|(_, ts)| *ts != newest.0).min();
            assert!(first.is_none_or(|first| *last < first), "{last:?} went before {first:?}");
        }
        // An event of one who denied, or of a site that is gone, takes no room.
        if left().any(|(_, ts)| ts == newest.0) {
            let (bytes, events) = self.queue();
            assert!(
                (bytes <= limits.0 && events <= limits.1) || events <= 1,
                "{bytes} bytes, {events} events"
            );
        }
    }

    /// Bytes and events of the own streams.
    fn queue(&self) -> (u64, u64) {
        let own = self.streams.values().filter(|s| s.own).flat_map(|s| s.owed.values());
        own.fold((0, 0), |(bytes, events), owed| (bytes + u64::from(owed.len), events + 1))
    }

    fn queue_bytes(&self) -> u32 {
        if self.settings.queue_bytes == 0 { self.limits.queue_bytes } else { self.settings.queue_bytes }
    }

    fn clamped(&self, settings: Settings) -> Settings {
        let within =
            |least: u32, value: u32, most: u32| if value == 0 { 0 } else { value.clamp(least, most) };
        let room = self.limits.queue_bytes;
        Settings {
            sample: settings.sample.min(10_000),
            calls_per_minute: settings.calls_per_minute,
            flush_ms: within(100, settings.flush_ms, 60_000),
            queue_bytes: within(room / 8, settings.queue_bytes, room),
            stop_ms: settings.stop_ms.min(24 * 60 * 60 * 1_000),
        }
    }

    pub(super) fn next_stream(&mut self, mut books: Stream) -> StreamNo {
        let no = StreamNo(u32::try_from(self.streams.len()).expect("few"));
        books.purged = self.denied.contains(&books.lane.purpose.0);
        self.streams.insert(no, books);
        no
    }

    pub(super) fn stream(&mut self, no: StreamNo) -> &mut Stream {
        self.streams.get_mut(&no).expect("a stream of this shell")
    }

    /// One of the streams that are so.
    pub(super) fn one(&self, bytes: &mut Bytes<'_>, is_so: impl Fn(&Stream) -> bool) -> Option<StreamNo> {
        let so: Vec<_> = self.streams.iter().filter(|(_, s)| is_so(s)).map(|(no, _)| *no).collect();
        chosen(bytes, so.iter())
    }
}

pub(super) fn chosen<'a, T: Copy + 'a>(
    bytes: &mut Bytes<'_>,
    mut of: impl ExactSizeIterator<Item = &'a T>,
) -> Option<T> {
    let count = of.len();
    if count == 0 { None } else { of.nth(usize::from(bytes.byte()) % count).copied() }
}

//! The client's decisions: when to stamp, send, name a loss and forget.
//!
//! An event is in exactly one place of the books: *owed* (in its `stream`'s list, waiting, in flight or passed
//! over), *named* (in the stream's `ledger`, until the server has the name), or settled (nowhere: the books are
//! about debts). Each module moves it for one reason:
//!
//! | module | decides |
//! |---|---|
//! | `stream` | nothing: the books |
//! | `ledger` | when a name is kept, told, and let go |
//! | `visit` | which session an event is stamped with, and when the session is shared |
//! | `flush` | when waiting events go |
//! | `batch` | what goes together |
//! | `send` | which stream goes next, by what transport; the last words |
//! | `answer` | what the end of a request does |
//! | `retry` | when to try again |
//! | `queue` | what goes when there is too much |
//! | `adopt` | what a dead owner's journal amounts to |
//! | `consent` | what a denial does |
//! | `wire` | how a request is written |

mod adopt;
mod answer;
mod batch;
mod consent;
mod effect;
mod flights;
mod flush;
mod input;
mod lane;
mod ledger;
mod limits;
mod lists;
mod outbox;
mod queue;
mod random;
mod retry;
mod send;
mod settings;
mod stream;
mod visit;
mod wire;

use alloc::vec::Vec;

pub use effect::{Effect, Transport};
pub use input::{Decision, Input, Outcome, StreamNo};
pub use lane::{Lane, Purpose};
pub use limits::Limits;
pub use settings::Settings;

use self::{
    flights::Flights,
    flush::Flush,
    outbox::Outbox,
    random::Random,
    retry::Retry,
    stream::{Origin, Stream},
    visit::Visit,
};
use crate::{
    reason::Reason,
    time::{Instant, UnixMs},
};

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// 32 bytes of the platform's randomness, never used twice (a forked process draws again).
    pub entropy: [u8; 32],
    /// Sizes and intervals.
    pub limits: Limits,
}

/// The text of a request, to be spliced by the shell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The stream whose events these are.
    pub stream: StreamNo,
    /// The events whose bodies go to the marks [`BODY`](mark::BODY), ascending.
    pub seqs: Vec<u32>,
    /// ASCII with splice marks ([`mark`]).
    pub template: Vec<u8>,
}

/// Bytes in a [`Request::template`] for which the shell puts in what the core never sees. None of them can
/// occur in JSON text otherwise.
pub mod mark {
    /// The stream's header: `"stream":"…","client_id":"…","user_id":…,"context":{…}`.
    pub const HEADER: u8 = 1;
    /// The next event's JSON text without its opening brace.
    pub const BODY: u8 = 2;
    /// The site id as a JSON string.
    pub const SITE: u8 = 3;
    /// The shell's wall clock at the very send, in Unix milliseconds, as digits.
    pub const SENT_AT: u8 = 4;
    /// The stream's UUID as a JSON string.
    pub const STREAM: u8 = 5;
}

/// The decisions of one page or process; see the [crate] page for how it is driven.
#[derive(Debug)]
pub struct Client {
    limits: Limits,
    now: Instant,
    unix: UnixMs,
    phase: Phase,
    denied: bool,
    hidden: bool,
    online: bool,
    passing_over_until: Instant,
    flights: Flights,
    flush: Flush,
    out: Outbox,
    random: Random,
    retry: Retry,
    streams: Vec<Stream>,
    visit: Visit,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// The page is gone; nothing matters any more.
    Ended,
    Running,
    /// The site is gone.
    Stopped,
}

impl Client {
    /// A client that knows of nothing yet: online, visible, with consent.
    #[must_use]
    pub fn new(Config { entropy, limits }: Config) -> Self {
        Self {
            limits,
            now: Instant::default(),
            unix: UnixMs::default(),
            phase: Phase::Running,
            denied: false,
            hidden: false,
            online: true,
            passing_over_until: Instant::NEVER,
            flights: Flights::default(),
            flush: Flush::default(),
            out: Outbox::default(),
            random: Random::new(entropy),
            retry: Retry::default(),
            streams: Vec::new(),
            visit: Visit::default(),
        }
    }

    /// Takes in what happened at `now` (monotonic; never goes back) and `unix` (the wall clock then). Drain
    /// [`poll`](Self::poll) afterwards.
    pub fn handle(&mut self, now: Instant, unix: UnixMs, input: Input) {
        if self.phase == Phase::Ended {
            return;
        }
        self.now = self.now.max(now);
        self.unix = unix;
        let out = &mut self.out;
        match input {
            Input::Adopted { stream } => self.adopted(stream),
            Input::Answered { request, outcome } => self.answered(request, outcome),
            Input::Appended { stream, seq, len, ts } => self.appended(stream, seq, len, ts),
            Input::Consent { decision, .. } => self.decided(decision != Decision::Denied),
            Input::Flush => self.hurry(),
            Input::Found { stream, seq, len, ts } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    stream.add(seq, len, ts);
                }
            }
            Input::FoundLoss { stream, from, to, reason } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    stream.head = stream.head.max(to);
                    stream.ledger.found((from, to), reason, out);
                }
            }
            Input::FoundStamp { stream, from, session } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    stream.stamp(from, session);
                }
            }
            Input::Gate { until } => self.retry.share_gate(self.now, until.since(unix)),
            Input::Gone { stream, from, to } => {
                if let Some(stream) = find(&mut self.streams, stream) {
                    stream.lose(Reason::Vanished, out, &|e| (from..to).contains(&e.seq));
                }
            }
            Input::Hidden => {
                self.hidden = true;
                self.share_session();
                self.hurry();
            }
            Input::Online(online) => {
                self.online = online;
                if online {
                    self.hurry();
                }
            }
            Input::Opened { stream, .. } => open(&mut self.streams, stream, Origin::Own, 0, 0),
            Input::Recorded { record } => {
                for stream in &mut self.streams {
                    stream.ledger.recorded(record, stream.no, out);
                }
            }
            Input::Reset => self.visit.reset(),
            Input::SessionChanged(session) => self.visit.changed(session),
            Input::StreamFound { stream, done, head, .. } => {
                open(&mut self.streams, stream, Origin::Found, done, head.max(done));
            }
            Input::Terminating => self.terminate(),
            Input::Closed { .. }
            | Input::Erase
            | Input::MemoryPressure
            | Input::Refused { .. }
            | Input::Settings(_)
            | Input::SettingsChanged(_)
            | Input::Timeout
            | Input::Visitor { .. } => {}
            Input::Visible => {
                self.hidden = false;
                self.hurry();
            }
        }
        self.send_what_is_due();
    }

    /// The next thing to do, or `None` until the next [`handle`](Self::handle).
    #[must_use]
    pub fn poll(&mut self) -> Option<Effect> {
        self.out.pop()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Timeout`], unless something happens before; never
    /// in the past. Ask again after every drain.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = if self.phase == Phase::Running {
            self.next_send().min(self.passing_over_until)
        } else {
            Instant::NEVER
        };
        (next < Instant::NEVER).then_some(next)
    }

    /// The text of request `request`, from its [`Effect::Send`] until it is answered.
    #[must_use]
    pub fn request(&self, request: u32) -> Option<Request> {
        let flight = self.flights.find(request)?;
        let stream = self.stream(flight.stream)?;
        let template = wire::template(stream, &flight.batch);
        let mut seqs = Vec::new();
        seqs.extend_from_slice(&flight.batch.seqs);
        Some(Request { stream: stream.no, seqs, template })
    }

    /// The `done` to write into the stream's next journal entry: every event below it is settled, or its name
    /// is acknowledged. 0 for a stream the client does not know.
    #[must_use]
    pub fn done(&self, stream: StreamNo) -> u32 {
        self.stream(stream).map_or(0, |s| if s.is_being_told() { s.start } else { s.done_with(&[]) })
    }

    fn appended(&mut self, no: StreamNo, seq: u32, len: u32, ts: UnixMs) {
        let refusal = self.refusal();
        open(&mut self.streams, no, Origin::Own, seq, seq);
        let Some(stream) = find(&mut self.streams, no) else { return };
        stream.add(seq, len, ts);
        stream.purged |= self.denied;
        let refusal = refusal.or(stream.purged.then_some(Reason::Consent));
        if let Some(reason) = refusal {
            stream.lose(reason, &mut self.out, &|e| e.seq == seq);
            return;
        }
        let session = self.visit.touch(ts, &mut self.random, &mut self.out);
        if stream.session(seq) != Some(session) {
            stream.stamp(seq, session);
            self.out.push(Effect::Stamp { stream: no, from: seq, session });
        }
        queue::evict(&mut self.streams, (no, seq), &self.limits, &mut self.out);
    }

    fn adopted(&mut self, no: StreamNo) {
        let refusal = self.refusal();
        let Some(stream) = find(&mut self.streams, no).filter(|s| s.is_being_told()) else { return };
        adopt::adopt(stream, &mut self.out);
        if let Some(reason) = refusal {
            stream.purged |= reason == Reason::Consent;
            stream.lose(reason, &mut self.out, &|_| true);
        }
    }

    fn decided(&mut self, granted: bool) {
        self.denied = !granted;
        if self.denied {
            for stream in self.streams.iter_mut().filter(|s| !s.is_being_told()) {
                consent::purge(stream, &mut self.out);
            }
            self.flush.hurry(self.now);
            self.retire();
        }
    }

    /// Why nothing is held any more, if so.
    fn refusal(&self) -> Option<Reason> {
        if self.denied {
            Some(Reason::Consent)
        } else {
            (self.phase == Phase::Stopped).then_some(Reason::Stopped)
        }
    }

    /// Something changed that may help: what waits goes at once, but not before a `Retry-After` has passed.
    fn hurry(&mut self) {
        self.retry.hurry();
        self.flush.hurry(self.now);
    }

    /// The next page shall know when this one was last active, to the millisecond. Nothing is kept of a visitor
    /// who denied.
    fn share_session(&mut self) {
        if !self.denied {
            self.visit.share(0, &mut self.out);
        }
    }

    fn terminate(&mut self) {
        self.share_session();
        self.send_last_words();
        for stream in self.streams.iter().filter(|s| s.origin == Origin::Own && s.is_settled()) {
            self.out.push(Effect::ForgetStream { stream: stream.no });
        }
        self.phase = Phase::Ended;
    }

    #[inline(never)] // the same instructions as `find`: the optimiser keeps one of the two
    fn stream(&self, no: StreamNo) -> Option<&Stream> {
        self.streams.iter().find(|s| s.no == no)
    }
}

/// The books of stream `no`, if there are any.
#[inline(never)] // called from everywhere; in the browser bytes count
fn find(streams: &mut [Stream], no: StreamNo) -> Option<&mut Stream> {
    streams.iter_mut().find(|s| s.no == no)
}

/// Begins the books of stream `no`, unless there are some.
fn open(streams: &mut Vec<Stream>, no: StreamNo, origin: Origin, start: u32, head: u32) {
    if find(streams, no).is_none() {
        streams.push(Stream::new(no, origin, start, head));
    }
}

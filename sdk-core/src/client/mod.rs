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
//! | `intake` | nothing: which of the others an input is for |
//! | `append` | what an accepted event sets off |
//! | `visit` | which session an event is stamped with, and when the session is shared |
//! | `flush` | when waiting events go |
//! | `batch` | what goes together |
//! | `send` | which stream goes next, by what transport; the last words |
//! | `answer` | what the end of a request does |
//! | `retry` | when to try again |
//! | `queue` | what goes when there is too much |
//! | `age` | what is too old, and by which clock |
//! | `adopt` | what a dead owner's journal amounts to |
//! | `consent` | what a denial or an erasure does |
//! | `refused` | when the counters of refused calls are told |
//! | `settings` | how far remote settings reach |
//! | `calls` | which later calls are refused |
//! | `wire` | how a request is written |
//! | `trace` | nothing: it tells people what the others decided (feature `trace`) |
//!
//! Beside them: `input` and `effect` are what the shell and the core say to each other, `lane` and `limits` what the
//! shell sets, `flights` and `outbox` what is under way, `random` and `lists` means.

/// Notes a decision for people, if there is a condition only if it holds; nothing without the feature `trace`.
macro_rules! trace {
    (if $condition:expr => $out:expr, $step:expr) => {
        if cfg!(feature = "trace") && $condition {
            trace!($out, $step);
        }
    };
    ($out:expr, $step:expr) => {
        #[cfg(not(feature = "trace"))]
        let _ = &$out;
        #[cfg(feature = "trace")]
        {
            #[allow(unused_imports, reason = "not every step needs every name")]
            use $crate::client::trace::{Step, Why};
            $out.trace.note($step);
        }
    };
}

mod adopt;
mod age;
mod answer;
mod append;
mod batch;
mod calls;
mod consent;
mod effect;
mod flights;
mod flush;
mod input;
mod intake;
mod lane;
mod ledger;
mod limits;
mod lists;
mod outbox;
mod queue;
mod random;
mod refused;
mod retry;
mod send;
mod settings;
mod stream;
#[cfg(feature = "trace")]
pub mod trace;
mod visit;
mod wire;

use alloc::vec::Vec;

pub use effect::{Effect, Transport};
pub use input::{Decision, Input, Outcome, StreamNo};
pub use intake::Intake;
pub use lane::{Lane, Purpose};
pub use limits::Limits;
pub use settings::Settings;

use self::{
    age::Clock,
    calls::Calls,
    consent::Denied,
    flights::Flights,
    flush::Flush,
    outbox::Outbox,
    random::Random,
    retry::Retry,
    stream::{Origin, Stream},
    visit::Visit,
};
use crate::time::{Instant, UnixMs};

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
///
/// A clone decides as the original does, down to the same session ids: it is for looking ahead, and what a forked
/// process finds itself with. Such a process makes a client of its own
/// ([`Change::Fork`](crate::identity::Change::Fork)).
#[derive(Clone, Debug)]
pub struct Client {
    /// As the shell set them, but for what remote settings change.
    limits: Limits,
    /// The shell's own `flush_ms` and `queue_bytes`.
    own: (u32, u32),
    settings: Settings,
    now: Instant,
    unix: UnixMs,
    phase: Phase,
    calls: Calls,
    clock: Clock,
    denied: Denied,
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
    pub const fn new(Config { entropy, limits }: Config) -> Self {
        Self {
            limits,
            own: (limits.flush_ms, limits.queue_bytes),
            settings: Settings::EVERYTHING,
            now: Instant(0),
            unix: UnixMs(0),
            phase: Phase::Running,
            calls: Calls::NEW,
            clock: Clock::NEW,
            denied: Denied::NEW,
            hidden: false,
            online: true,
            passing_over_until: Instant::NEVER,
            flights: Flights::NEW,
            flush: Flush::NEW,
            out: Outbox::NEW,
            random: Random::new(entropy),
            retry: Retry::NEW,
            streams: Vec::new(),
            visit: Visit::NEW,
        }
    }

    /// Draws from these 256 bits from here on: for a client that was made before there were any.
    pub fn draw(&mut self, entropy: [u32; 8]) {
        self.random = Random::of_words(entropy);
    }

    /// Takes in what happened at `now` (monotonic; never goes back) and `unix` (the wall clock then). Drain
    /// [`poll`](Self::poll) afterwards.
    pub fn handle(&mut self, now: Instant, unix: UnixMs, input: Input) {
        self.handle_with(now, unix, |intake| intake.take(input));
    }

    /// [`handle`](Self::handle) for a border where an input arrives as numbers: `read` gives each kind to
    /// [`Intake::take`] at a place of its own, or none, and the compiler leaves the enum out. In the browser that is a
    /// kilobyte of code.
    #[inline]
    pub fn handle_with(&mut self, now: Instant, unix: UnixMs, read: impl FnOnce(Intake<'_>)) {
        if self.phase == Phase::Ended {
            return;
        }
        // The end of time stands for never.
        self.now = self.now.max(now).min(Instant::LAST);
        self.unix = unix;
        read(Intake(self));
        self.judge_calls();
        self.send_what_is_due();
    }

    /// The next thing to do, or `None` until the next [`handle`](Self::handle).
    #[must_use]
    pub fn poll(&mut self) -> Option<Effect> {
        self.poll_in_place().copied()
    }

    /// [`poll`](Self::poll) for a shell that reads the effect where it lies.
    #[must_use]
    pub fn poll_in_place(&mut self) -> Option<&Effect> {
        self.out.pop()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Timeout`], unless something happens before; never
    /// in the past. Ask again after every drain.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = if self.phase == Phase::Running {
            self.next_send().min(self.passing_over_until).min(self.calls.until())
        } else {
            Instant::NEVER
        };
        (next < Instant::NEVER).then_some(next)
    }

    /// The next decision that was taken, in order, or `None` until the next [`handle`](Self::handle): for people.
    #[cfg(feature = "trace")]
    #[must_use]
    pub fn trace(&mut self) -> Option<trace::Step> {
        self.out.trace.pop()
    }

    /// The text of request `request`, from its [`Effect::Send`] until it is answered.
    #[must_use]
    pub fn request(&self, request: u32) -> Option<Request> {
        let (mut template, mut seqs) = (Vec::new(), Vec::new());
        let stream = self.write_request(request, &mut template, &mut seqs)?;
        Some(Request { stream, seqs, template })
    }

    /// [`request`](Self::request), into vectors that a shell uses again and again. Returns the stream.
    #[must_use]
    pub fn write_request(
        &self,
        request: u32,
        template: &mut Vec<u8>,
        seqs: &mut Vec<u32>,
    ) -> Option<StreamNo> {
        template.clear();
        seqs.clear();
        let flight = self.flights.find(request)?;
        let stream = self.stream(flight.stream)?;
        wire::write(stream, flight, template, seqs);
        Some(stream.no)
    }

    /// The `done` to write into the stream's next journal entry: every event below it is settled, or its name
    /// is acknowledged. 0 for a stream the client does not know.
    #[must_use]
    pub fn done(&self, stream: StreamNo) -> u32 {
        self.stream(stream).map_or(0, |s| if s.is_being_told() { s.start } else { s.done_with(0) })
    }

    /// Begins the books of stream `no`, unless there are some.
    fn open(&mut self, no: StreamNo, origin: Origin, lane: Lane, start: u32, head: u32) {
        if self.stream(no).is_none() {
            let mut stream = Stream::new(no, origin, lane, start, head);
            stream.purged = self.denied.covers(lane);
            self.streams.push(stream);
        }
    }

    /// Whether the site is gone.
    fn is_stopped(&self) -> bool {
        self.phase == Phase::Stopped
    }

    /// Something changed that may help: what waits goes at once, but not before a `Retry-After` has passed.
    fn hurry(&mut self) {
        trace!(self.out, Step::Hurried);
        self.retry.hurry();
        self.flush.hurry(self.now);
    }

    /// The next page shall know when this one was last active, to the millisecond. Nothing is kept of a visitor
    /// who denied.
    fn share_session(&mut self) {
        if self.streams.iter().any(|s| s.origin == Origin::Own && !s.purged) {
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

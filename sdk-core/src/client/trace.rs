//! Every decision of the client, in order, for people: with the feature `trace`, and nothing of it without.

use alloc::collections::VecDeque;
use core::fmt;

use super::{Decision, Outcome, Purpose, Settings, StreamNo, Transport, batch::Load};
use crate::{
    reason::Reason,
    refusal::Refusal,
    session::{Session, SessionId},
    status::Verdict,
    time::{Instant, UnixMs},
};

/// Most decisions that are kept for a shell that does not take them: the latest.
const MOST: usize = 10_000;

/// A decision. Its text is one line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named in each variant's sentence and in its line of text")]
#[non_exhaustive]
pub enum Step {
    /// The server has the news of a stream up to a number, and has settled what the request carried.
    Acknowledged { stream: StreamNo, news: u32 },
    /// A dead owner's journal is told completely; so many events of it are owed.
    Adopted { stream: StreamNo, events: usize, done: u32, head: u32 },
    /// An answer was judged.
    Answered { request: u32, outcome: Outcome, sent: u32, verdict: Verdict },
    /// The server's clock was compared with the wall clock.
    Clock { unix: UnixMs, server: UnixMs, trusted: bool },
    /// The visitor decided.
    Decided { purpose: Purpose, decision: Decision },
    /// A name is durable: its events may go.
    Durable { stream: StreamNo, record: u32, news: u32 },
    /// The queue is full: so much goes, the oldest first.
    Evicting { bytes: u64, events: u64 },
    /// The next request is planned, and why.
    Flush { at: Instant, why: Why },
    /// A stream needs nothing more.
    Forgotten { stream: StreamNo },
    /// Nothing is sent before that, whatever happens.
    Gate { until: Instant },
    /// The requests that carry what this one carried hold so many events at most.
    Halved { stream: StreamNo, most: u32 },
    /// Something changed that may help: the back-off ends.
    Hurried,
    /// Events are lost, and the journal is asked to keep their name.
    Named { stream: StreamNo, from: u32, to: u32, reason: Reason, record: u32 },
    /// An event is left behind until then: something foreign takes it for too large.
    PassedOver { stream: StreamNo, until: Instant },
    /// What was passed over is tried again.
    PassingOverEnds,
    /// A stream's visitor denied, or is to be erased: its events go, and its header is never sent again.
    Purged { stream: StreamNo, events: usize },
    /// The shell is told to refuse calls, or to accept them.
    Refusing { verdict: Option<Refusal>, until: Instant },
    /// A request goes.
    Sent { request: u32, stream: StreamNo, transport: Transport, events: u32, bytes: u32, end: bool },
    /// A session began, and why.
    SessionBegan { session: SessionId, ts: UnixMs, why: Why },
    /// The session was reset.
    SessionEnded,
    /// Another tab's or run's session holds here.
    SessionJoined { session: SessionId },
    /// Remote settings are applied.
    Set(Settings),
    /// The site is gone for good.
    Stopped,
    /// After a failure, the next try is not before that.
    Waiting { until: Instant },
}

/// Why something was decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// The session had lasted 24 hours.
    Cap,
    /// The wall clock was set back by more than a session's pause.
    ClockSetBack,
    /// There was no session.
    First,
    /// A request is full, or nothing will be added to it.
    Full,
    /// There was no event for 30 minutes.
    Inactivity,
    /// Something waits, and may wait for company.
    Interval,
}

impl Why {
    /// Why an event at `ts` does not belong to `session`.
    pub(super) fn begun(session: Option<Session>, ts: UnixMs) -> Self {
        match session {
            None => Self::First,
            Some(session) if ts < session.last_active => Self::ClockSetBack,
            Some(session) if ts.since(session.last_active) > crate::session::INACTIVITY_MS => {
                Self::Inactivity
            }
            Some(_) => Self::Cap,
        }
    }

    /// Why a request is planned.
    pub(super) fn flushed(load: Load) -> Self {
        if load == Load::Ready { Self::Full } else { Self::Interval }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Acknowledged { stream, news } => write!(f, "{stream}: acknowledged up to news {news}"),
            Self::Adopted { stream, events, done, head } => {
                write!(f, "{stream}: adopted with {events} events, done {done}, head {head}")
            }
            Self::Answered { request, outcome, sent, verdict } => match outcome {
                Outcome::Answer { status, ack: Some(ack), .. } => {
                    write!(f, "request {request}: {status}, {ack} of {sent} acknowledged: {verdict:?}")
                }
                Outcome::Answer { status, ack: None, .. } => {
                    write!(f, "request {request}: {status}, not ours: {verdict:?}")
                }
                Outcome::NoAnswer => write!(f, "request {request}: no answer: {verdict:?}"),
            },
            Self::Clock { unix, server, trusted } => {
                let off = i128::from(unix.0) - i128::from(server.0);
                write!(
                    f,
                    "clock: {off} ms from the server's, {}",
                    if trusted { "trusted" } else { "not trusted" }
                )
            }
            Self::Decided { purpose: Purpose(no), decision } => write!(f, "purpose {no}: {decision:?}"),
            Self::Durable { stream, record, news } => {
                write!(f, "{stream}: record {record} is durable, news {news}")
            }
            Self::Evicting { bytes, events } => write!(f, "queue full: {bytes} bytes and {events} events go"),
            Self::Flush { at, why } => write!(f, "flush at {at}: {why}"),
            Self::Forgotten { stream } => write!(f, "{stream}: forgotten"),
            Self::Gate { until } => write!(f, "gate closed until {until}"),
            Self::Halved { stream, most } => write!(f, "{stream}: at most {most} of these together"),
            Self::Hurried => f.write_str("hurried"),
            Self::Named { stream, from, to, reason, record } => {
                write!(f, "{stream}: {from}..{to} lost: {} (record {record})", reason.as_str())
            }
            Self::PassedOver { stream, until } => {
                write!(f, "{stream}: an event is passed over until {until}")
            }
            Self::PassingOverEnds => f.write_str("what was passed over is tried again"),
            Self::Purged { stream, events } => write!(f, "{stream}: purged of {events} events"),
            Self::Refusing { verdict: Some(verdict), until } => {
                write!(f, "calls refused until {until}: {}", verdict.as_str())
            }
            Self::Refusing { verdict: None, .. } => f.write_str("calls accepted"),
            Self::Sent { request, stream, transport, events, bytes, end } => {
                let end = if end { ", and its end" } else { "" };
                write!(
                    f,
                    "request {request}: {stream}, {events} events, {bytes} bytes{end}, by {transport:?}"
                )
            }
            Self::SessionBegan { session, ts, why } => {
                write!(f, "session {} began at {}: {why}", Id(session), ts.0)
            }
            Self::SessionEnded => f.write_str("session ended"),
            Self::SessionJoined { session } => write!(f, "session {} joined", Id(session)),
            Self::Set(settings) => write!(f, "{settings:?}"),
            Self::Stopped => f.write_str("stopped for good"),
            Self::Waiting { until } => write!(f, "next try not before {until}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cap => "24 hours are over",
            Self::ClockSetBack => "the clock was set back",
            Self::First => "there was none",
            Self::Full => "full",
            Self::Inactivity => "30 minutes without an event",
            Self::Interval => "something waits",
        })
    }
}

impl fmt::Display for StreamNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}", self.0)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER { f.write_str("the end of time") } else { write!(f, "{} ms", self.0) }
    }
}

struct Id(SessionId);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.0.text()).unwrap_or_default())
    }
}

/// Decisions on their way to the shell.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    steps: VecDeque<Step>,
}

impl Trace {
    pub(super) const NEW: Self = Self { steps: VecDeque::new() };

    pub(super) fn note(&mut self, step: Step) {
        if self.steps.len() == MOST {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }

    pub(super) fn pop(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }
}

//! What a shell tells the core.

use super::{Lane, Settings, lane::Purpose};
use crate::{
    reason::Reason,
    refusal::Refusal,
    session::{Session, SessionId},
    time::UnixMs,
};

/// A stream as the shell and the core call it between themselves: an index the shell chose when it
/// opened or adopted the stream. The stream's UUID never enters the core.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct StreamNo(pub u32);

/// Something that happened. Ranges are half-open. After every input, drain [`Client::poll`](super::Client::poll).
#[expect(missing_docs, reason = "the fields are named in each variant's sentence")]
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u32)] // a tag of its own, before words in order: as the browser's border has them, for half a hundred bytes less
pub enum Input {
    /// Everything the journal holds of an adopted stream has been told (`Found…`); it may be sent.
    Adopted { stream: StreamNo },
    /// A journal write returned: `seq` is accepted. `len` is the body's size in bytes. Told in ascending seq
    /// per stream.
    Appended { stream: StreamNo, seq: u32, len: u32, ts: UnixMs },
    /// A request ended.
    Answered { request: u32, outcome: Outcome },
    /// Nothing more is appended to this own stream (see [`identity`](crate::identity)): it is forgotten as soon as it
    /// owes nothing. Told after the last [`Input::Appended`].
    Closed { stream: StreamNo },
    /// The visitor decided about a purpose, here or in another tab. [`Decision::Denied`] purges every stream of that
    /// purpose: the own ones at once, those of dead owners as they are adopted. Told again at each start while it
    /// holds, and after each [`Input::Appended`] of what was accepted before: a purged stream may be forgotten at once.
    Consent { purpose: Purpose, decision: Decision },
    /// An answer said that what is known of this visitor is to be erased: every stream is purged, and
    /// [`Effect::Erase`](super::Effect::Erase) follows. Streams of dead owners that are to go with it are found first
    /// ([`Input::StreamFound`]); what is found later is taken for somebody else's.
    Erase,
    /// The shell wants everything sent now.
    Flush,
    /// An adopted stream's journal holds this event.
    Found { stream: StreamNo, seq: u32, len: u32, ts: UnixMs },
    /// An adopted stream's journal names this loss. (Or an own one's, if the shell had to drop something before
    /// the core was there.)
    FoundLoss { stream: StreamNo, from: u32, to: u32, reason: Reason },
    /// An adopted stream's journal stamps this session on everything from `from` on.
    FoundStamp { stream: StreamNo, from: u32, session: SessionId },
    /// Another tab or process stored a Retry-After gate.
    Gate { until: UnixMs },
    /// The journal no longer holds these events of an adopted stream (another adopter removed them): each is
    /// named `vanished`, which an arrival takes back. If a request was to carry one, end that request with
    /// [`Outcome::NoAnswer`] afterwards.
    Gone { stream: StreamNo, from: u32, to: u32 },
    /// The page or app is no longer visible: send now, in a way that outlives it.
    Hidden,
    /// The platform asks for memory back.
    MemoryPressure,
    /// The network went away (`false`) or came back.
    Online(bool),
    /// The shell drew a stream of its own and wrote its header.
    Opened { stream: StreamNo, lane: Lane },
    /// A [`Effect::Record`](super::Effect::Record) is durable.
    Recorded { record: u32 },
    /// So many calls were refused by this verdict, in all since this own stream was opened: refusing comes before the
    /// seq and is not loss. Told at each change, before [`Input::Closed`].
    Refused { stream: StreamNo, verdict: Refusal, total: u32 },
    /// The journal's room turned out to be another than [`Limits::queue_bytes`](super::Limits::queue_bytes) said (a
    /// browser learns late whether its larger store opens): it holds so many bytes of own events. If there are more,
    /// the oldest go at the next [`Input::Appended`].
    Room { bytes: u32 },
    /// The visitor was reset, here or in another tab: the next event begins a new session. (The shell removes
    /// the shared session, draws the new identity and opens a new stream.)
    Reset,
    /// Another tab or process changed the shared session.
    SessionChanged(Session),
    /// An answer carried remote settings.
    Settings(Settings),
    /// Another tab or process, or an earlier run, was given these settings. `stop_ms` is what is left of it then: a
    /// shell that keeps settings keeps their time too, and does not begin a stop anew at each start.
    SettingsChanged(Settings),
    /// A dead owner's journal was found; `done` and `head` are the largest it stores. What else it holds is told
    /// next (`Found…`, in any order), then [`Input::Adopted`].
    StreamFound { stream: StreamNo, lane: Lane, done: u32, head: u32 },
    /// The page or process is about to end: last words only, no answer will come. Every later input is
    /// ignored; a page that is shown again makes a new [`Client`](super::Client).
    Terminating,
    /// [`Client::poll_timeout`](super::Client::poll_timeout) has passed.
    Timeout,
    /// The page or app is visible again.
    Visible,
    /// Who the visitor is, as far as sampling is concerned: the first 32 bits of the client id, which are random. Told
    /// at the start and after each change of the client id; before, no sample leaves anybody out but an empty one.
    Visitor { draw: u32 },
}

/// What a visitor decided about a purpose.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Decision {
    /// Nothing is kept, nothing is sent, and what was kept is purged.
    Denied,
    /// Calls are accepted.
    #[default]
    Granted,
    /// Not asked yet: the shell holds calls in memory or refuses them; nothing is accepted.
    Unknown,
}

/// How a request ended, as far as the shell can see.
#[expect(missing_docs, reason = "the fields are named in each variant's sentence")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)] // as `Input`
pub enum Outcome {
    /// A complete answer. `ack` is the value of `hw-ack`, absent when the answer is not Headwater's.
    /// `retry_after` is `Retry-After` in milliseconds, `time` is `hw-time`, the server's clock.
    Answer { status: u16, ack: Option<u32>, retry_after: Option<u32>, time: Option<UnixMs> },
    /// No answer: refused, reset, timed out, or forbidden by the platform.
    NoAnswer,
}

use std::io;

use headwater_core::refusal::Refusal;

/// Why a call was refused. Nothing was recorded then; what was accepted before is not touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
    /// Something given to the builder cannot work.
    #[error("{0}")]
    Config(String),
    /// A currency is not three upper-case letters of ISO 4217.
    #[error("a currency is three upper-case letters, as in EUR")]
    Currency,
    /// This process is a fork of the one that built the client, whose journal it must not continue.
    #[error("the process was forked; build a client of its own")]
    Forked,
    /// The journal could not be written (a full disk, missing rights).
    #[error("the journal: {0}")]
    Journal(#[from] io::Error),
    /// The properties cannot be written as JSON.
    #[error("the properties: {0}")]
    Props(#[from] serde_json::Error),
    /// The properties are JSON, but neither an object nor null.
    #[error("the properties must be an object")]
    PropsShape,
    /// The call is refused by this verdict, which holds until somebody takes it back: the user about consent, the
    /// site's owner about sampling, caps and stops. How many were refused is told to the server.
    #[error("the call is refused: {}", .0.as_str())]
    Refused(Refusal),
    /// A text is empty, too long, or holds a NUL character: the collector would reject it.
    #[error("the {what} must have 1 to {most} bytes, none of them NUL")]
    Text {
        /// Which text.
        what: &'static str,
        /// The most bytes it may have.
        most: usize,
    },
    /// The event has more bytes than [`MAX_EVENT_BYTES`](crate::MAX_EVENT_BYTES).
    #[error("an event of {0} bytes is too large")]
    TooLarge(usize),
    /// The time given was over with this many events still unsent. They stay in the journal.
    #[error("{0} events are not sent yet")]
    Unsent(u64),
}

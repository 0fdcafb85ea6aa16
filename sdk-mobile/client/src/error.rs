use std::io;

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
    /// The site answered that it is gone for good (410).
    #[error("the site is gone")]
    Stopped,
    /// The event has more bytes than [`MAX_EVENT_BYTES`](crate::MAX_EVENT_BYTES).
    #[error("an event of {0} bytes is too large")]
    TooLarge(usize),
    /// The time given was over with this many events still unsent. They stay in the journal.
    #[error("{0} events are not sent yet")]
    Unsent(u64),
}

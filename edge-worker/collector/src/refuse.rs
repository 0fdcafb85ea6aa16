//! Why a request is refused as a whole.

use std::fmt;

use crate::Reply;

/// A request that is refused as a whole: nothing of it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// What is wrong in general; decides the status.
    pub kind: RefusalKind,
    /// `field: what is wrong with it`.
    pub message: String,
    /// Seconds after which to try again; set exactly for the kinds that ask for it.
    pub retry_after_s: Option<u32>,
}

impl Refusal {
    /// A refusal without a time to come back.
    #[must_use]
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: brief(message.into()), retry_after_s: None }
    }

    /// The collector cannot take it now; come back after that many seconds.
    #[must_use]
    pub fn unavailable(message: impl Into<String>, retry_after_s: u32) -> Self {
        Self { retry_after_s: Some(retry_after_s.max(1)), ..Self::new(RefusalKind::Unavailable, message) }
    }

    /// More than this sender may send; come back after that many seconds.
    #[must_use]
    pub fn limited(message: impl Into<String>, retry_after_s: u32) -> Self {
        Self { retry_after_s: Some(retry_after_s.max(1)), ..Self::new(RefusalKind::Limited, message) }
    }

    /// 400 about one field.
    pub(crate) fn field(path: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(RefusalKind::Malformed, format!("{path}: {what}"))
    }

    /// 413 about one field.
    pub(crate) fn too_large(path: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(RefusalKind::TooLarge, format!("{path}: {what}"))
    }

    /// The reply: JSON with `error` and `message`, `hw-ack: 0`.
    #[must_use]
    pub fn reply(&self) -> Reply {
        Reply::refusal(self)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.kind.status(), self.kind.error(), self.message)
    }
}

impl std::error::Error for Refusal {}

/// Cuts a message: a parser quotes what it did not expect, however long that is.
pub(crate) fn brief(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        message.push('…');
    }
    message
}

/// Bytes of a message; the longest path takes 400.
const MESSAGE_BYTES: usize = 600;

/// What is wrong with a request in general.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalKind {
    /// 403: the page's origin is not one of the site's.
    Forbidden,
    /// 500: a fault of ours; the client tries again.
    Internal,
    /// 429: more than this sender may send now.
    Limited,
    /// 400: the envelope cannot be read.
    Malformed,
    /// 405: not a method of this path.
    MethodNotAllowed,
    /// 408: the body came too slowly.
    TimedOut,
    /// 413: fewer events may pass.
    TooLarge,
    /// 401: no such site, or not its key.
    Unauthorised,
    /// 503: not now.
    Unavailable,
    /// 422: no event of the request can ever be accepted.
    Unprocessable,
}

impl RefusalKind {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthorised => 401,
            Self::Forbidden => 403,
            Self::MethodNotAllowed => 405,
            Self::TimedOut => 408,
            Self::TooLarge => 413,
            Self::Unprocessable => 422,
            Self::Limited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The `error` of the body: a word for programs.
    #[must_use]
    pub const fn error(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Internal => "internal",
            Self::Limited => "rate_limited",
            Self::Malformed => "malformed",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::Unauthorised => "unauthorised",
            Self::Unavailable => "unavailable",
            Self::Unprocessable => "unprocessable",
        }
    }
}

//! What the sender is told.

use std::borrow::Cow;

use headwater_core::reason::Reason;
use serde::Serialize;

use crate::{Refusal, admit::Rejected, limits};

/// An answer for the host to send as it stands, with what [`cors`](crate::cors) adds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Lower-case names, each at most once.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// JSON, an image, or nothing.
    pub body: Cow<'static, [u8]>,
}

impl Reply {
    /// An answer that settles a request of `total` events.
    pub(crate) fn settled(total: u64, rejected: &[Rejected]) -> Self {
        let mut reply = Self::empty(204);
        reply.headers.push(("hw-ack", Cow::Owned(total.to_string())));
        if !rejected.is_empty() {
            reply.status = 200;
            let entries = rejected.iter().enumerate().map(|(at, rejected)| Entry::of(at, rejected)).collect();
            reply.set_json(&Partial { rejected: entries });
        }
        reply
    }

    /// An answer that settles nothing.
    pub(crate) fn refusal(refusal: &Refusal) -> Self {
        let mut reply = Self::empty(refusal.kind.status());
        reply.headers.push(("hw-ack", Cow::Borrowed("0")));
        if let Some(seconds) = refusal.retry_after_s {
            reply.headers.push(("retry-after", Cow::Owned(seconds.to_string())));
        }
        reply.set_json(&Error { error: refusal.kind.error(), message: &refusal.message });
        reply
    }

    /// An answer without a body, that no cache keeps.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: vec![("cache-control", Cow::Borrowed("no-store"))], body: Cow::Borrowed(&[]) }
    }

    /// The value of a header, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    fn set_json(&mut self, value: &impl Serialize) {
        self.headers.push(("content-type", Cow::Borrowed("application/json")));
        // Text and numbers.
        self.body = Cow::Owned(serde_json::to_vec(value).expect("text and numbers into memory"));
    }
}

#[derive(Serialize)]
struct Error<'a> {
    error: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Partial<'a> {
    rejected: Vec<Entry<'a>>,
}

/// One event that was dropped: by its name, or by its index where it has none.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<headwater_schema::Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn of(at: usize, rejected: &'a Rejected) -> Self {
        Self {
            stream: rejected.stream,
            seq: rejected.seq,
            index: rejected.seq.is_none().then_some(rejected.index),
            reason: Reason::Rejected.as_str(),
            message: (at < limits::MESSAGES).then_some(&*rejected.message),
        }
    }
}

//! What the sender is told.

use std::borrow::Cow;

use serde::Serialize;

use crate::{Refusal, admit::Rejected, limits, settings::RemoteSettings};

/// An answer for the host to send as it stands, with what [`cors`](crate::cors) adds and, last, the time
/// ([`set_time`](Reply::set_time)).
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
    pub(crate) fn settled(total: u64, rejected: &[Rejected], settings: Option<&RemoteSettings>) -> Self {
        let mut reply = Self::empty(204);
        reply.headers.push((HW_ACK, Cow::Owned(total.to_string())));
        let rejected: Vec<_> =
            rejected.iter().enumerate().map(|(at, rejected)| Entry::of(at, rejected)).collect();
        if !rejected.is_empty() || settings.is_some() {
            reply.status = 200;
            reply.set_json(&Settled { rejected, settings });
        }
        reply
    }

    /// An answer that settles nothing.
    pub(crate) fn refusal(refusal: &Refusal) -> Self {
        let mut reply = Self::empty(refusal.kind.status());
        reply.headers.push((HW_ACK, Cow::Borrowed("0")));
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

    /// Says when it is sent, by the collector's clock in Unix ms, as `hw-time`: by it an SDK knows whether its own
    /// clock can be believed. To be called last, for every answer; one without `hw-ack` does not speak for Headwater
    /// and gets none.
    pub fn set_time(&mut self, unix_ms: i64) {
        if self.header(HW_ACK).is_some() {
            self.headers.push(("hw-time", Cow::Owned(unix_ms.to_string())));
        }
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

/// The header that makes an answer Headwater's: how many events of the request are settled.
const HW_ACK: &str = "hw-ack";

#[derive(Serialize)]
struct Error<'a> {
    error: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Settled<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<&'a RemoteSettings>,
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
            reason: rejected.cause.as_str(),
            message: Some(&*rejected.message).filter(|text| at < limits::MESSAGES && !text.is_empty()),
        }
    }
}

//! The bridge as the stage behind: `POST /v1/batches` of one, over HTTP/1.1.

use std::{
    fmt,
    future::Future,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header},
};
use headwater_collector::Unavailable;
use headwater_schema::{TRACEPARENT, TRACESTATE, Trace};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{Forward, Forwarded, limits};

/// Bytes of an answer: some for each of the most records that a request can have.
const ANSWER_BYTES: usize = 16 << 20;

/// Idle connections are kept for less time than servers usually keep theirs.
const IDLE: Duration = Duration::from_secs(20);

/// Forwards to a bridge. It asks no more before the time is over that the bridge said.
pub struct Bridge {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
    authorization: Option<HeaderValue>,
    closed_until: Mutex<Option<Instant>>,
}

/// Why an address or a key cannot be one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BridgeUrlError(&'static str);

impl fmt::Display for BridgeUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BridgeUrlError {}

impl Bridge {
    /// The bridge at `http://host:port`, and the key that it knows this collector by.
    pub fn new(url: &str, key: Option<&str>) -> Result<Self, BridgeUrlError> {
        let url = format!("{}/v1/batches", url.trim_end_matches('/'));
        let url: Uri = url.parse().map_err(|_| BridgeUrlError("the bridge's address is not a URL"))?;
        if url.scheme_str() != Some("http") || url.authority().is_none() {
            return Err(BridgeUrlError("the bridge's address is not http://host:port"));
        }
        let bearer = |key: &str| HeaderValue::from_str(&format!("Bearer {key}"));
        let authorization = key.map(bearer).transpose();
        let mut authorization =
            authorization.map_err(|_| BridgeUrlError("the bridge's key is no visible ASCII"))?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(3)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { client, url, authorization, closed_until: Mutex::new(None) })
    }

    async fn post(&self, records: Vec<Vec<u8>>, trace: Trace) -> Result<Forwarded, Unavailable> {
        self.is_open()?;
        let count = records.len();
        let mut request = Request::post(self.url.clone());
        request = request.header(header::CONTENT_TYPE, "application/x-ndjson");
        // As it came: here nothing is recorded that another parent could name.
        request = request.header(TRACEPARENT, trace.parent());
        if let Some(state) = trace.state() {
            request = request.header(TRACESTATE, state);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(lines(&records))).map_err(|error| unreachable(&error))?;
        let answer = self.client.request(request).await.map_err(|error| unreachable(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| unreachable(&error))?;
        let answered = read(head.status, &head.headers, &body.to_bytes(), count);
        if let Err(Unavailable { retry_after_s, .. }) = &answered {
            *self.gate() = Some(Instant::now() + Duration::from_secs(u64::from(*retry_after_s)));
        }
        answered
    }

    /// Before the bridge wants to be asked again, senders are told how long that is.
    fn is_open(&self) -> Result<(), Unavailable> {
        let mut gate = self.gate();
        let left = gate.and_then(|until| until.checked_duration_since(Instant::now()));
        let Some(left) = left else {
            *gate = None;
            return Ok(());
        };
        Err(Unavailable {
            message: "the bridge does not take events now".to_owned(),
            retry_after_s: u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1),
        })
    }

    fn gate(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.closed_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forward for Bridge {
    fn forward(
        &self,
        records: Vec<Vec<u8>>,
        trace: Option<Trace>,
    ) -> impl Future<Output = Result<Forwarded, Unavailable>> + Send {
        self.post(records, trace.unwrap_or_else(begin))
    }
}

/// A trace for what came without one, so that its records can be found together.
fn begin() -> Trace {
    let (trace, span) = (Uuid::new_v4().as_u128(), Uuid::new_v4().as_u64_pair().1);
    Trace::begin(trace, span)
}

/// NDJSON. A record may hold line breaks between its tokens, where a sender's own text was passed on; in JSON any other
/// white space is the same.
fn lines(records: &[Vec<u8>]) -> Bytes {
    let mut body = Vec::with_capacity(records.iter().map(|record| record.len() + 1).sum());
    for record in records {
        body.extend(record.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
        body.push(b'\n');
    }
    body.into()
}

#[derive(Deserialize)]
struct Results {
    #[serde(default)]
    results: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    outcome: String,
    #[serde(default)]
    reason: String,
}

/// What the bridge says. Only an answer with `hw-ack` is one, and it speaks for the incarnation that came with it.
fn read(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    count: usize,
) -> Result<Forwarded, Unavailable> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let retry_after_s = text("retry-after").and_then(|seconds| seconds.parse().ok());
    let retry_after_s = retry_after_s.unwrap_or(limits::RETRY_AFTER_S).max(1);
    let unavailable = |message: &str| Err(Unavailable { message: message.to_owned(), retry_after_s });
    let Some(ack) = text("hw-ack").and_then(|count| count.parse::<usize>().ok()) else {
        return unavailable("what answers in the bridge's place is none");
    };
    let lines = serde_json::from_slice(body).map(|Results { results }| results).unwrap_or_default();
    let is_rejected = |line: &Line| line.outcome == "rejected";
    let settles = lines.len() == count
        && match status {
            StatusCode::OK => {
                ack == count && lines.iter().all(|line| line.outcome == "accepted" || is_rejected(line))
            }
            StatusCode::UNPROCESSABLE_ENTITY => lines.iter().all(is_rejected),
            _ => false,
        };
    if !settles {
        tracing::warn!(%status, "the bridge did not take a request");
        return unavailable("the bridge does not take events now");
    }
    let incarnation = text("hw-incarnation").and_then(|id| u128::from_str_radix(id, 16).ok());
    let rejected = lines.into_iter().enumerate().filter(|(_, line)| is_rejected(line));
    Ok(Forwarded { incarnation, rejected: rejected.map(|(at, line)| (at, line.reason)).collect() })
}

/// Nobody knows what became of it.
fn unreachable(error: &(impl fmt::Display + ?Sized)) -> Unavailable {
    tracing::warn!(%error, "the bridge is not reached");
    let message = "the bridge is not reached".to_owned();
    Unavailable { message, retry_after_s: limits::RETRY_AFTER_S }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Result<Forwarded, u32> {
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)));
        let status = StatusCode::from_u16(status).unwrap();
        read(status, &headers.collect(), body.as_bytes(), 2).map_err(|unavailable| unavailable.retry_after_s)
    }

    #[test]
    fn only_a_whole_answer_that_is_ours_settles() {
        const GOOD: &str = r#"{"results":[{"outcome":"accepted"},{"outcome":"accepted"}]}"#;
        const HALF: &str = r#"{"results":[{"outcome":"accepted"},{"outcome":"rejected","reason":"odd"}]}"#;
        const BAD: &str = r#"{"results":[{"outcome":"rejected"},{"outcome":"rejected"}]}"#;
        let incarnation = ("hw-incarnation", "000000000000000000000000000000ff");
        assert_eq!(answer(200, &[("hw-ack", "2"), incarnation], GOOD), Ok(Forwarded::all(255)));
        let half = Forwarded { incarnation: None, rejected: vec![(1, "odd".to_owned())] };
        assert_eq!(answer(200, &[("hw-ack", "2")], HALF), Ok(half));
        let bad = answer(422, &[("hw-ack", "0")], BAD).expect("all are rejected");
        assert_eq!(bad.rejected.len(), 2);
        assert_eq!(answer(200, &[], GOOD), Err(limits::RETRY_AFTER_S), "not ours");
        assert_eq!(answer(200, &[("hw-ack", "1")], GOOD), Err(limits::RETRY_AFTER_S));
        assert_eq!(answer(200, &[("hw-ack", "2")], "{}"), Err(limits::RETRY_AFTER_S));
        assert_eq!(answer(503, &[("hw-ack", "0"), ("retry-after", "7")], GOOD), Err(7));
        assert_eq!(answer(401, &[("hw-ack", "0")], "{}"), Err(limits::RETRY_AFTER_S));
    }

    #[test]
    fn a_record_is_one_line_whatever_its_sender_wrote() {
        let records = [b"{\"props\":{\n \"a\":\"\\n\"}}".to_vec(), b"{}".to_vec()];
        assert_eq!(lines(&records), &b"{\"props\":{  \"a\":\"\\n\"}}\n{}\n"[..]);
    }

    #[test]
    fn an_address_is_checked_at_once() {
        assert!(Bridge::new("http://127.0.0.1:8090/", Some("key")).is_ok());
        for url in ["127.0.0.1:8090", "https://bridge.example", "http://", "ftp://x"] {
            assert!(Bridge::new(url, None).is_err(), "{url}");
        }
        assert!(Bridge::new("http://x", Some("a\nb")).is_err());
    }
}

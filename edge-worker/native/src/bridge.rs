//! The bridge as the stage behind: `POST /v1/batches` of one, over HTTP/1.1.

use std::{
    fmt,
    future::Future,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    http::{HeaderValue, Request, Uri, header},
};
use headwater_collector::{
    Unavailable,
    bridge::{self, ANSWER_BYTES, Answer, Gate},
};
use headwater_schema::{TRACEPARENT, TRACESTATE, Trace};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{net::TcpStream, time::timeout};
use uuid::Uuid;

use crate::{Forward, Forwarded};

/// Idle connections are kept for less time than servers usually keep theirs.
const IDLE: Duration = Duration::from_secs(20);

/// For a connection by which it is only seen that somebody listens.
const PROBE: Duration = Duration::from_secs(2);

/// Forwards to a bridge. It asks no more before the time is over that the bridge said.
pub struct Bridge {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
    authorization: Option<HeaderValue>,
    begun: Instant,
    gate: Mutex<Gate>,
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
        let url = format!("{}{}", url.trim_end_matches('/'), bridge::PATH);
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
        Ok(Self { client, url, authorization, begun: Instant::now(), gate: Mutex::default() })
    }

    async fn post(&self, records: Vec<Vec<u8>>, trace: Trace) -> Result<Forwarded, Unavailable> {
        self.gate().check(self.now())?;
        let count = records.len();
        let mut request = Request::post(self.url.clone());
        request = request.header(header::CONTENT_TYPE, bridge::CONTENT_TYPE);
        // As it came: here nothing is recorded that another parent could name.
        request = request.header(TRACEPARENT, trace.parent());
        if let Some(state) = trace.state() {
            request = request.header(TRACESTATE, state);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request =
            request.body(Full::new(bridge::lines(&records).into())).map_err(|error| unreachable(&error))?;
        let answer = self.client.request(request).await.map_err(|error| unreachable(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| unreachable(&error))?;
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let answer = Answer {
            status: head.status.as_u16(),
            ack: text(bridge::HW_ACK),
            incarnation: text(bridge::HW_INCARNATION),
            retry_after: text(bridge::RETRY_AFTER),
            body: &body.to_bytes(),
        };
        let answered = answer.read(count);
        if let Err(why) = &answered {
            tracing::warn!(status = %head.status, %why, "the bridge did not take a request");
        }
        self.gate().hear(self.now(), &answered);
        answered
    }

    /// Ms since this was made.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn gate(&self) -> std::sync::MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forward for Bridge {
    async fn ready(&self) -> Result<(), Unavailable> {
        self.gate().check(self.now())?;
        // Checked when the URL was.
        let (host, port) = (self.url.host().unwrap_or_default(), self.url.port_u16().unwrap_or(80));
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match timeout(PROBE, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(unreachable(&error)),
            Err(late) => Err(unreachable(&late)),
        }
    }

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

/// Nobody knows what became of it.
fn unreachable(error: &(impl fmt::Display + ?Sized)) -> Unavailable {
    tracing::warn!(%error, "the bridge is not reached");
    bridge::unreachable()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_at_once() {
        assert!(Bridge::new("http://127.0.0.1:8090/", Some("key")).is_ok());
        for url in ["127.0.0.1:8090", "https://bridge.example", "http://", "ftp://x"] {
            assert!(Bridge::new(url, None).is_err(), "{url}");
        }
        assert!(Bridge::new("http://x", Some("a\nb")).is_err());
    }
}

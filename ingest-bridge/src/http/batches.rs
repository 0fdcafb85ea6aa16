//! `POST /v1/batches`.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use headwater_bridge_flow::{Answer, Request as Batch, Trace};
use headwater_schema::{TRACEPARENT, TRACESTATE};
use headwater_service::{body::read, budget::Lease};
use tokio::task;

use super::{
    Shared, answer,
    auth::{Claim, Known},
    packing::{self, Packing},
    refusal::Refusal,
    replay::Bad,
};
use crate::host::Refused;

/// Bodies from so many bytes on, or packed ones, are read apart from the threads that serve sockets.
const INLINE_BYTES: usize = 256 << 10;

pub(super) async fn post(State(shared): State<Shared>, request: Request) -> Response {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let outcome = if parts.method == Method::POST {
        take(&shared, &parts.headers, body).await
    } else {
        Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "POST only"))
    };
    let mut response = outcome.map_or_else(Refusal::response, |answer| answer::response(&answer));
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    shared.0.handle.metrics().request(response.status().as_u16(), began.elapsed());
    response
}

pub(super) async fn not_found() -> Response {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", "POST /v1/batches is all there is").response()
}

async fn take(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<Answer, Refusal> {
    let inner = &shared.0;
    let claim = inner.senders.claim(headers)?;
    if let Claim::Signed(signed) = &claim {
        inner.replays.check_time(unix_ms(), signed.at).map_err(|bad| refused(shared, bad))?;
    }
    let packing = packing::of(headers)?;
    let mut lease = inner.budget.lease();
    let body = read(headers, body, inner.limits.max_body_bytes, &mut lease).await?;
    inner.handle.metrics().body(body.len());
    let is_small = packing == Packing::None && body.len() <= INLINE_BYTES;
    let number = inner.handle.number();
    let mut batch = if is_small {
        parse(shared, &claim, packing, body, number, &mut lease)?
    } else {
        let shared = shared.clone();
        let parsed = task::spawn_blocking(move || {
            let batch = parse(&shared, &claim, packing, body, number, &mut lease);
            (batch, lease)
        });
        let (batch, kept) = parsed.await.map_err(|error| fault(&error))?;
        lease = kept;
        batch?
    };
    batch.trace = trace(headers);
    let asked = inner.handle.ask(batch).map_err(not_asked)?;
    let answer = asked.answer().await.map_err(not_asked);
    // Until here, so that requests which wait for the flow's thread are bounded too.
    drop(lease);
    answer
}

/// Believes the signature, unpacks, and reads the lines.
fn parse(
    shared: &Shared,
    claim: &Claim,
    packing: Packing,
    body: Bytes,
    number: u64,
    lease: &mut Lease,
) -> Result<Batch, Refusal> {
    let inner = &shared.0;
    let Known { number: sender, can_retry } = match claim {
        Claim::Proven(known) => *known,
        Claim::Signed(signed) => {
            let (known, mac) = inner.senders.verify(signed, &body)?;
            inner.replays.note(unix_ms(), &mac).map_err(|bad| refused(shared, bad))?;
            known
        }
    };
    let text = packing::unpack(packing, body, inner.limits.max_inflated_bytes, lease)?;
    let text = headwater_enrich::resolve_lines(&text).map_or(text, Bytes::from);
    let batch = Batch::parse(number, sender, can_retry, &text);
    if batch.records.is_empty() {
        return Err(Refusal::malformed("body: no line of NDJSON"));
    }
    Ok(batch)
}

fn refused(shared: &Shared, bad: Bad) -> Refusal {
    match bad {
        Bad::Full => Refusal::unavailable("too many signatures are good now", 10),
        Bad::Replayed => {
            shared.0.handle.metrics().replayed();
            Refusal::unauthorised("this signature was used before")
        }
        Bad::Stale => Refusal::unauthorised("hw-timestamp: too far from this machine's clock"),
    }
}

fn not_asked(refused: Refused) -> Refusal {
    match refused {
        Refused::Busy => Refusal::unavailable("too many requests wait", 1),
        Refused::Stopping => Refusal::unavailable("this bridge is ending", 1),
    }
}

fn fault(error: &task::JoinError) -> Refusal {
    tracing::error!(%error, "a request was not carried to its end");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "a fault of the bridge, which has logged it")
}

/// The trace that the request belongs to, if its headers say so in the right form.
fn trace(headers: &HeaderMap) -> Option<Trace> {
    let all = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    Trace::parse(all(TRACEPARENT), all(TRACESTATE))
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

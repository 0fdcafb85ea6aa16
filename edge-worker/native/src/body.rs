//! Reads a body within bounds of bytes and time.

use axum::{
    body::{Body, Bytes},
    http::HeaderMap,
};
use headwater_collector::{Refusal, RefusalKind, limits::BODY_BYTES};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use crate::{budget::Lease, limits};

/// Reads a body of at most [`BODY_BYTES`]. Fails with 400 when it breaks off, 408 when it is too slow, 413
/// when it is too large, 503 when there is no room; room is taken as bytes come, not as they are announced.
pub(crate) async fn read(headers: &HeaderMap, mut body: Body, lease: &mut Lease) -> Result<Vec<u8>, Refusal> {
    let deadline = Instant::now() + limits::BODY_TOTAL;
    let announced = announced(headers);
    if announced.is_some_and(|bytes| bytes > BODY_BYTES) {
        // Who asks first is told without having to send it.
        if !headers.contains_key("expect") {
            drain(body, 0, deadline).await;
        }
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = next_chunk(&mut body, deadline).await? {
        if bytes.len() + chunk.len() > BODY_BYTES {
            drain(body, bytes.len() + chunk.len(), deadline).await;
            return Err(too_large());
        }
        lease.grow(chunk.len())?;
        if bytes.capacity() - bytes.len() < chunk.len() {
            // Doubled, but never beyond what was announced: doubled blindly, a body could hold twice its lease.
            let announced = announced.unwrap_or(BODY_BYTES).saturating_sub(bytes.len());
            bytes.reserve_exact(bytes.len().max(FIRST_RESERVE).min(announced).max(chunk.len()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Bytes that are reserved first, if so many are announced; most bodies fit.
const FIRST_RESERVE: usize = 64 << 10;

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get("content-length")?.to_str().ok()?.parse().ok()
}

fn too_large() -> Refusal {
    Refusal::new(RefusalKind::TooLarge, format!("body: more than {BODY_BYTES} bytes"))
}

/// The next bytes, `None` at the end.
async fn next_chunk(body: &mut Body, deadline: Instant) -> Result<Option<Bytes>, Refusal> {
    loop {
        let patience = deadline.min(Instant::now() + limits::BODY_IDLE);
        match timeout_at(patience, body.frame()).await {
            Err(_) => return Err(Refusal::new(RefusalKind::TimedOut, "body: too slow")),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => {
                return Err(Refusal::new(RefusalKind::Malformed, format!("body: broken off: {error}")));
            }
            // Trailers say nothing to us.
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Reads on without keeping anything.
async fn drain(mut body: Body, mut read: usize, deadline: Instant) {
    while read <= limits::DRAIN_BYTES {
        match next_chunk(&mut body, deadline).await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use http_body_util::Channel;
    use tokio::time::sleep;

    use super::*;
    use crate::budget::Budget;

    /// A body whose sender pauses before each byte, and what became of it after how long.
    async fn drip(pause: Duration) -> (Refusal, Duration) {
        let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
        tokio::spawn(async move {
            loop {
                sleep(pause).await;
                if sender.send_data(Bytes::from_static(b" ")).await.is_err() {
                    return;
                }
            }
        });
        let begun = Instant::now();
        let mut lease = Budget::new(limits::IN_FLIGHT_BYTES).lease();
        let refusal = read(&HeaderMap::new(), Body::new(body), &mut lease).await.expect_err("too slow");
        (refusal, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_sender_is_given_up_after_the_idle_time_and_a_dripping_one_after_the_total() {
        let (refusal, after) = drip(limits::BODY_TOTAL).await;
        assert_eq!((refusal.kind, after), (RefusalKind::TimedOut, limits::BODY_IDLE));
        let (refusal, after) = drip(limits::BODY_IDLE / 2).await;
        assert_eq!((refusal.kind, after), (RefusalKind::TimedOut, limits::BODY_TOTAL));
    }
}

//! Reads a body within bounds of bytes and time.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use crate::budget::{Busy, Lease};

/// The time without any byte of a body after which it is given up. A phone in a tunnel tries again.
pub const IDLE: Duration = Duration::from_secs(10);

/// The time for a whole body: 48 KB at 8 kbit/s. Whoever drips bytes holds no more than what he sent.
pub const TOTAL: Duration = Duration::from_mins(1);

/// Bytes of a body that is too large which are read and thrown away, so that its sender reads the 413 instead of a reset.
const DRAIN_BYTES: usize = 16 << 20;

/// Bytes that are reserved first, if so many are announced; most bodies fit.
const FIRST_RESERVE: usize = 64 << 10;

/// Why there is no body.
#[derive(Debug, Error)]
pub enum BodyError {
    /// Its sender stopped in the middle, or spoke no HTTP.
    #[error("body: broken off: {0}")]
    BrokenOff(axum::Error),
    /// There is no room for it now.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// [`IDLE`] or [`TOTAL`] has passed.
    #[error("body: too slow")]
    TimedOut,
    /// It has more than this many bytes.
    #[error("body: more than {0} bytes")]
    TooLarge(usize),
}

/// Reads a body of at most `most` bytes. Room is taken as bytes come, not as they are announced.
pub async fn read(
    headers: &HeaderMap,
    mut body: Body,
    most: usize,
    lease: &mut Lease,
) -> Result<Bytes, BodyError> {
    let deadline = Instant::now() + TOTAL;
    let announced = announced(headers);
    if announced.is_some_and(|bytes| bytes > most) {
        discard(headers, body).await;
        return Err(BodyError::TooLarge(most));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = next_chunk(&mut body, deadline).await? {
        if bytes.len() + chunk.len() > most {
            drain(body, bytes.len() + chunk.len(), deadline).await;
            return Err(BodyError::TooLarge(most));
        }
        lease.grow(chunk.len())?;
        if bytes.is_empty() && announced == Some(chunk.len()) {
            // All of it in one piece: nothing to copy.
            return Ok(chunk);
        }
        if bytes.capacity() - bytes.len() < chunk.len() {
            // Doubled, but never beyond what was announced: doubled blindly, a body could hold twice its lease.
            let announced = announced.unwrap_or(most).saturating_sub(bytes.len());
            bytes.reserve_exact(bytes.len().max(FIRST_RESERVE).min(announced).max(chunk.len()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// Reads a body that nobody wants and keeps nothing of it, so that its sender reads the answer instead of a reset.
pub async fn discard(headers: &HeaderMap, body: Body) {
    // Who asks first is told without having to send it.
    if !headers.contains_key(header::EXPECT) {
        drain(body, 0, Instant::now() + TOTAL).await;
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The next bytes, `None` at the end.
async fn next_chunk(body: &mut Body, deadline: Instant) -> Result<Option<Bytes>, BodyError> {
    loop {
        match timeout_at(deadline.min(Instant::now() + IDLE), body.frame()).await {
            Err(_) => return Err(BodyError::TimedOut),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(BodyError::BrokenOff(error)),
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
    while read <= DRAIN_BYTES {
        match next_chunk(&mut body, deadline).await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::Channel;
    use tokio::time::sleep;

    use super::*;
    use crate::budget::Budget;

    const MOST: usize = 1 << 20;

    /// A body whose sender pauses before each byte, and what became of it after how long.
    async fn drip(pause: Duration) -> (BodyError, Duration) {
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
        let mut lease = Budget::new(MOST).lease();
        let error = read(&HeaderMap::new(), Body::new(body), MOST, &mut lease).await.expect_err("too slow");
        (error, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_sender_is_given_up_after_the_idle_time_and_a_dripping_one_after_the_total() {
        let (error, after) = drip(TOTAL).await;
        assert!(matches!(error, BodyError::TimedOut) && after == IDLE, "{error} after {after:?}");
        let (error, after) = drip(IDLE / 2).await;
        assert!(matches!(error, BodyError::TimedOut) && after == TOTAL, "{error} after {after:?}");
    }

    #[tokio::test]
    async fn a_body_is_the_same_in_one_piece_and_in_many_and_room_is_taken_for_all_of_it() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let budget = Budget::new(MOST);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, text.len().into());
        for headers in [HeaderMap::new(), headers] {
            for piece in [text.len(), 1_000] {
                let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
                let pieces: Vec<_> = text.chunks(piece).map(Bytes::copy_from_slice).collect();
                tokio::spawn(async move {
                    for piece in pieces {
                        sender.send_data(piece).await.expect("somebody reads");
                    }
                });
                let mut lease = budget.lease();
                let read = read(&headers, Body::new(body), MOST, &mut lease).await.expect("a body");
                assert!(read == text, "{piece}");
                assert_eq!(budget.lease().grow(MOST - text.len() + 1_024), Err(Busy));
            }
        }
    }

    #[tokio::test]
    async fn a_body_is_refused_when_it_is_too_large_announced_or_not_and_when_there_is_no_room() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, 5.into());
        let budget = Budget::new(MOST);
        for headers in [HeaderMap::new(), headers] {
            let error = read(&headers, Body::from("12345"), 4, &mut budget.lease()).await.expect_err("large");
            assert!(matches!(error, BodyError::TooLarge(4)), "{error}");
        }
        let mut all = budget.lease();
        all.grow(MOST).expect("room");
        let error = read(&HeaderMap::new(), Body::from("1"), 4, &mut budget.lease()).await.expect_err("busy");
        assert!(matches!(error, BodyError::Busy(_)), "{error}");
    }
}

//! Reads a body and unpacks it, within bounds of bytes and time.

use std::{
    io::{self, Read},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use flate2::bufread::MultiGzDecoder;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::{budget::Lease, refusal::Refusal};

/// Without any byte of a body it is given up: 408.
const IDLE: Duration = Duration::from_secs(10);

/// For a whole body.
const TOTAL: Duration = Duration::from_mins(1);

/// Bytes of a body that is too large which are read and thrown away, so that its sender reads the 413.
const DRAIN_BYTES: usize = 16 << 20;

/// A frame of zstd that needs a larger window than 8 MiB is refused: memory is for what senders wait for.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Packing {
    Gzip,
    None,
    Zstd,
}

/// By `Content-Encoding`; one that is not known is 415.
pub(super) fn packing(headers: &HeaderMap) -> Result<Packing, Refusal> {
    let value = headers.get(header::CONTENT_ENCODING).map_or(Ok(""), |value| value.to_str());
    match value.map(|value| value.trim().to_ascii_lowercase()).as_deref() {
        Ok("" | "identity") => Ok(Packing::None),
        Ok("gzip" | "x-gzip") => Ok(Packing::Gzip),
        Ok("zstd") => Ok(Packing::Zstd),
        _ => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported",
            "content-encoding: not gzip or zstd",
        )),
    }
}

/// The bytes as they are sent. Room is taken as they come, not as they are announced.
pub(super) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    most: usize,
    lease: &mut Lease,
) -> Result<Bytes, Refusal> {
    let deadline = Instant::now() + TOTAL;
    let too_large = || Refusal::too_large(format!("body: more than {most} bytes"));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: usize| bytes > most) {
        // Who asks first is told without having to send it.
        if !headers.contains_key(header::EXPECT) {
            drain(body, 0, deadline).await;
        }
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = next(&mut body, deadline).await? {
        if bytes.len() + chunk.len() > most {
            drain(body, bytes.len() + chunk.len(), deadline).await;
            return Err(too_large());
        }
        lease.grow(chunk.len())?;
        if bytes.is_empty() && announced == Some(chunk.len()) {
            // All of it in one piece: nothing to copy.
            return Ok(chunk);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// The lines. Never holds more than `most` bytes.
pub(super) fn unpack(
    packing: Packing,
    body: Bytes,
    most: usize,
    lease: &mut Lease,
) -> Result<Bytes, Refusal> {
    match packing {
        Packing::None => Ok(body),
        Packing::Gzip => inflate("gzip", MultiGzDecoder::new(&body[..]), most, lease),
        Packing::Zstd => {
            let broken = |error: io::Error| Refusal::malformed(format!("body: broken zstd: {error}"));
            let mut decoder = zstd::Decoder::with_buffer(&body[..]).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
            inflate("zstd", decoder, most, lease)
        }
    }
}

fn inflate(name: &str, mut from: impl Read, most: usize, lease: &mut Lease) -> Result<Bytes, Refusal> {
    let mut text = Vec::new();
    loop {
        let before = text.len();
        let wanted = (most + 1 - before).min(STEP);
        (&mut from)
            .take(wanted as u64)
            .read_to_end(&mut text)
            .map_err(|error| Refusal::malformed(format!("body: broken {name}: {error}")))?;
        if text.len() > most {
            return Err(Refusal::too_large(format!("body: more than {most} bytes after unpacking")));
        }
        lease.grow(text.len() - before)?;
        if text.len() - before < wanted {
            return Ok(text.into());
        }
    }
}

/// Bytes that are unpacked before room is asked for again.
const STEP: usize = 256 << 10;

async fn next(body: &mut Body, deadline: Instant) -> Result<Option<Bytes>, Refusal> {
    loop {
        match timeout_at(deadline.min(Instant::now() + IDLE), body.frame()).await {
            Err(_) => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", "body: too slow")),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(Refusal::malformed(format!("body: broken off: {error}"))),
            // Trailers say nothing to us.
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

async fn drain(mut body: Body, mut read: usize, deadline: Instant) {
    while read <= DRAIN_BYTES {
        match next(&mut body, deadline).await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => return,
        }
    }
}

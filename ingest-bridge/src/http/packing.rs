//! Unpacks a body within bounds of bytes.

use std::io::{self, Read};

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use flate2::bufread::MultiGzDecoder;
use headwater_service::budget::Lease;

use super::refusal::Refusal;

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
pub(super) fn of(headers: &HeaderMap) -> Result<Packing, Refusal> {
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

//! Unpacks a body, known by its magic bytes, without ever holding more than the limit.

use std::{borrow::Cow, io::Read as _};

use flate2::bufread::MultiGzDecoder;

use crate::{Refusal, limits};

/// The first bytes of every gzip stream; no JSON text begins with them.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The text of a body: as it is, or unpacked if it begins with the magic bytes of gzip. `Content-Encoding` is
/// not asked, because a page cannot set it without a preflight.
///
/// Fails with 400 if it is not whole, and with 413 beyond [`limits::BODY_BYTES`] before and
/// [`limits::INFLATED_BYTES`] after unpacking; unpacking stops there.
pub fn inflate(body: &[u8]) -> Result<Cow<'_, [u8]>, Refusal> {
    if body.len() > limits::BODY_BYTES {
        return Err(Refusal::too_large("body", format_args!("more than {} bytes", limits::BODY_BYTES)));
    }
    if !body.starts_with(&GZIP_MAGIC) {
        return Ok(Cow::Borrowed(body));
    }
    let guess = (body.len() * TYPICAL_RATIO).min(limits::INFLATED_BYTES + 1);
    let mut text = Vec::with_capacity(guess);
    let ceiling = limits::INFLATED_BYTES as u64 + 1;
    MultiGzDecoder::new(body)
        .take(ceiling)
        .read_to_end(&mut text)
        .map_err(|error| Refusal::field("body", format_args!("broken gzip: {error}")))?;
    if text.len() > limits::INFLATED_BYTES {
        return Err(Refusal::too_large(
            "body",
            format_args!("more than {} bytes after unpacking", limits::INFLATED_BYTES),
        ));
    }
    Ok(Cow::Owned(text))
}

/// Most bodies unpack to less than this, so that the text is allocated once.
const TYPICAL_RATIO: usize = 8;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::RefusalKind;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_known_by_its_magic_bytes() {
        assert_eq!(inflate(b"{}").unwrap(), Cow::Borrowed(b"{}"));
        assert_eq!(*inflate(&gzip(b"{}")).unwrap(), *b"{}");
        assert_eq!(*inflate(&[gzip(b"{"), gzip(b"}")].concat()).unwrap(), *b"{}", "members are one text");
    }

    #[test]
    fn the_limit_itself_passes_and_one_byte_more_does_not() {
        let text = vec![b' '; limits::INFLATED_BYTES];
        assert_eq!(inflate(&gzip(&text)).unwrap().len(), limits::INFLATED_BYTES);
        let refusal = inflate(&gzip(&[&text[..], b" "].concat())).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::TooLarge);
        assert_eq!(inflate(&vec![b' '; limits::BODY_BYTES + 1]).unwrap_err().kind, RefusalKind::TooLarge);
    }

    #[test]
    fn a_torn_or_spoilt_body_is_malformed_wherever_it_is_cut() {
        let whole = gzip(br#"{"site_id":"s","events":[]}"#);
        for cut in 2..whole.len() {
            assert_eq!(inflate(&whole[..cut]).unwrap_err().kind, RefusalKind::Malformed, "cut at {cut}");
        }
        let mut spoilt = whole.clone();
        let crc = spoilt.len() - 8;
        spoilt[crc] ^= 1;
        assert_eq!(inflate(&spoilt).unwrap_err().kind, RefusalKind::Malformed);
        assert_eq!(inflate(&[&whole[..], b"tail"].concat()).unwrap_err().kind, RefusalKind::Malformed);
    }
}

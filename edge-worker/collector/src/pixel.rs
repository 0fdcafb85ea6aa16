//! `GET /pixel.gif?events=<base64url of the plain form>`, for pages without scripts and for mail.

use std::borrow::Cow;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::{Refusal, Reply};

/// One transparent pixel.
pub const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// The body that a pixel's query carries, for [`inflate`](crate::inflate). Fails with 400.
pub fn body(query: &str) -> Result<Vec<u8>, Refusal> {
    let (_, events) = form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "events")
        .ok_or_else(|| Refusal::field("events", "missing in the query"))?;
    URL_SAFE
        .decode(events.as_bytes())
        .map_err(|error| Refusal::field("events", format_args!("not base64url: {error}")))
}

/// The image, whatever `reply` is: a broken image in a page helps nobody. `hw-ack` tells the rest.
#[must_use]
pub fn image(reply: &Reply) -> Reply {
    let ack = reply.header("hw-ack").unwrap_or("0").to_owned();
    Reply {
        status: 200,
        headers: vec![
            ("content-type", Cow::Borrowed("image/gif")),
            ("cache-control", Cow::Borrowed("no-store")),
            ("cross-origin-resource-policy", Cow::Borrowed("cross-origin")),
            ("hw-ack", Cow::Owned(ack)),
        ],
        body: Cow::Borrowed(GIF),
    }
}

/// With or without padding: both are written in the wild.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_read_with_and_without_padding() {
        for query in ["events=eyJhIjoiPz8_In0", "x=1&events=eyJhIjoiPz8_In0%3D", "events=eyJhIjoiPz8_In0="] {
            assert_eq!(body(query).unwrap(), br#"{"a":"???"}"#, "{query}");
        }
        for query in ["", "event=e30", "events=*"] {
            assert!(body(query).unwrap_err().message.starts_with("events: "), "{query}");
        }
    }
}

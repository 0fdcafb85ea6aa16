//! Puts into the core's template what the core never sees.

use headwater_core::client::mark;
use uuid::Uuid;

pub(crate) struct Parts<'a> {
    pub(crate) header: &'a str,
    pub(crate) stream: Uuid,
    /// As JSON text.
    pub(crate) site: &'a str,
    pub(crate) sent_at: u64,
    /// In the order of the request's events.
    pub(crate) bodies: &'a [String],
}

pub(crate) fn splice(template: &[u8], parts: &Parts<'_>) -> Vec<u8> {
    let bodies = parts.bodies.iter().map(String::len).sum::<usize>();
    let mut out = Vec::with_capacity(template.len() + bodies + parts.header.len() + 64);
    let mut bodies = parts.bodies.iter();
    for &byte in template {
        match byte {
            mark::HEADER => out.extend(parts.header.as_bytes()),
            mark::BODY => out.extend(bodies.next().map_or(&b"}"[..], |body| body.as_bytes())),
            mark::SITE => out.extend(parts.site.as_bytes()),
            mark::SENT_AT => out.extend(parts.sent_at.to_string().as_bytes()),
            mark::STREAM => out.extend(format!("\"{}\"", parts.stream).as_bytes()),
            byte => out.push(byte),
        }
    }
    debug_assert!(bodies.next().is_none(), "a body per mark");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_replaced_and_nothing_else() {
        let parts = Parts {
            header: "H",
            stream: Uuid::from_u128(1),
            site: "\"s\"",
            sent_at: 17,
            bodies: &["\"a\":1}".into(), "\"b\":2}".into()],
        };
        let text = splice(b"{\x03,\x04,\x01,\x05,[{\x02,{\x02]}", &parts);
        let expected = "{\"s\",17,H,\"00000000-0000-0000-0000-000000000001\",[{\"a\":1},{\"b\":2}]}";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}

//! The JSON text of an event.

use serde::Serialize;

use crate::{Error, header::json};

/// The longest event as JSON text, in bytes: what the collector takes (64 KiB), less its seq, time and
/// session.
pub const MAX_EVENT_BYTES: usize = (64 << 10) - 160;

/// An event's text without `{"ts":…,`.
pub(crate) fn text<P: Serialize + ?Sized>(
    kind: &str,
    field: Option<(&str, &str)>,
    props: &P,
) -> Result<String, Error> {
    let props = serde_json::to_string(props)?;
    let mut text = match field {
        Some((name, value)) => format!("\"type\":\"{kind}\",\"{name}\":{}", json(value)),
        None => format!("\"type\":\"{kind}\""),
    };
    match props.as_bytes().first() {
        Some(b'{') => {
            text.push_str(",\"props\":");
            text.push_str(&props);
        }
        Some(b'n') => {}
        _ => return Err(Error::PropsShape),
    }
    text.push('}');
    if text.len() > MAX_EVENT_BYTES {
        return Err(Error::TooLarge(text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_event_is_its_type_its_name_and_its_props() {
        let text = text("custom", Some(("name", "a\u{1}\"b")), &json!({"n": 1})).unwrap();
        assert!(text.bytes().all(|byte| byte >= b' '), "no byte is a splice mark");
        let value: Value = serde_json::from_str(&format!("{{{text}")).unwrap();
        assert_eq!(value, json!({"type": "custom", "name": "a\u{1}\"b", "props": {"n": 1}}));
    }

    #[test]
    fn props_are_an_object_or_nothing() {
        assert_eq!(text("screen", None, &()).unwrap(), "\"type\":\"screen\"}");
        assert!(matches!(text("screen", None, &[1]), Err(Error::PropsShape)));
        assert!(matches!(text("screen", None, "text"), Err(Error::PropsShape)));
    }

    #[test]
    fn an_event_the_collector_would_refuse_is_refused_before_it_has_a_seq() {
        let props = json!({"text": "x".repeat(MAX_EVENT_BYTES)});
        assert!(matches!(text("custom", None, &props), Err(Error::TooLarge(_))));
    }
}

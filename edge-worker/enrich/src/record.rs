//! Records that carry headers, from a collector without tables.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use headwater_schema::{Agent, Software};
use memchr::memmem;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The field that carries them, as it stands in a record.
const CARRIED: &[u8] = br#""headers":"#;

/// The fields that take their place.
const JUDGED: [&str; 5] = ["device", "os", "browser", "browser_version", "bot"];

/// Puts what its headers say in the place of a record's `headers`: one line of NDJSON in, one out. None if there is
/// nothing to do, also when the line is no record. Every other field stays byte for byte, also those that this version
/// does not know.
#[must_use]
pub fn resolve(line: &[u8]) -> Option<Vec<u8>> {
    memmem::find(line, CARRIED)?;
    let Fields(fields) = serde_json::from_slice(line).ok()?;
    let (_, carried) = fields.iter().find(|(name, _)| name == "headers")?;
    // What is not of this form identifies somebody all the same.
    let headers: BTreeMap<String, String> = serde_json::from_str(carried.get()).unwrap_or_default();
    let software = crate::judge(&Agent::carried(&headers));
    let is_judged = |name: &str| JUDGED.contains(&name) && !headers.is_empty();
    let mut out = Vec::with_capacity(line.len());
    let stays = fields.iter().filter(|(name, _)| name != "headers" && !is_judged(name));
    for (name, value) in stays {
        field(&mut out, name, value.get());
    }
    let Software { device, os, browser, browser_version, bot } = &*software;
    for (name, value) in JUDGED.iter().zip([device, os, browser, browser_version]) {
        if let Some(value) = value {
            field(&mut out, name, &serde_json::Value::from(value.as_str()).to_string());
        }
    }
    if let Some(bot) = bot {
        field(&mut out, "bot", if *bot { "true" } else { "false" });
    }
    if out.is_empty() {
        out.push(b'{');
    }
    out.push(b'}');
    Some(out)
}

/// [`resolve`] of every line of NDJSON. None if there is nothing to do in any.
#[must_use]
pub fn resolve_lines(text: &[u8]) -> Option<Vec<u8>> {
    memmem::find(text, CARRIED)?;
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        match resolve(bare) {
            Some(resolved) => out.extend(resolved),
            None => out.extend(bare),
        }
        out.extend(&line[bare.len()..]);
    }
    Some(out)
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(if out.is_empty() { b'{' } else { b',' });
    serde_json::to_writer(&mut *out, name).expect("text into memory");
    out.push(b':');
    out.extend(value.as_bytes());
}

/// An object's fields in their order.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A name that is borrowed unless it holds escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(32);
        while let Some((Name(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UA: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

    #[test]
    fn carried_headers_become_what_they_say_and_the_rest_stays_byte_for_byte() {
        let line = format!(
            r#"{{"event_id":"e","props":{{ "headers":{{"a" : 1.0e2}} }},"new":[1 ,2],"headers":{{"user-agent":"{UA}"}},"import":true}}"#
        );
        let out = String::from_utf8(resolve(line.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            out,
            r#"{"event_id":"e","props":{ "headers":{"a" : 1.0e2} },"new":[1 ,2],"import":true,"device":"desktop","os":"Linux","browser":"Firefox","browser_version":"145.0","bot":false}"#
        );
        assert_eq!(resolve(out.as_bytes()), None, "there is nothing more to do");
    }

    #[test]
    fn what_has_no_headers_is_not_touched() {
        for line in [r#"{"a":1}"#, r#"{"props":{"headers":{}}}"#, "{", "", r#"["headers":1]"#] {
            assert_eq!(resolve(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn lines_stay_lines() {
        let text = "{\"headers\":{}}\n{\"a\":1}\r\n\n{\"headers\":{},\"b\":2}";
        assert_eq!(resolve_lines(text.as_bytes()).unwrap(), b"{}\n{\"a\":1}\r\n\n{\"b\":2}");
        assert_eq!(resolve_lines(b"{\"a\":1}\n"), None);
    }

    #[test]
    fn headers_of_another_form_are_taken_out_all_the_same() {
        for (line, left) in [
            (r#"{"headers":["x"],"device":"tv"}"#, r#"{"device":"tv"}"#),
            (r#"{"headers":{"user-agent":1}}"#, "{}"),
            (r#"{"headers":{}}"#, "{}"),
        ] {
            assert_eq!(resolve(line.as_bytes()).unwrap(), left.as_bytes(), "{line}");
        }
    }
}

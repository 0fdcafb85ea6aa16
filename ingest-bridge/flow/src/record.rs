//! One line of a request.

use std::borrow::Cow;

use bytes::Bytes;
use headwater_schema::{LEDGER_TYPE, Uuid};
use serde::Deserialize;

/// What the broker gets, and the little of it that the decisions need.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The record byte for byte as it came.
    pub body: Bytes,
    /// The key under which it is ordered: the client, else the stream, else the site.
    pub key: Bytes,
    /// The event's number in its stream; absent for third parties and ledger records.
    pub seq: Option<u32>,
}

/// A line that is no record of the schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unreadable {
    /// The line.
    pub bytes: Bytes,
    /// What is wrong with it, with field, line and column; nothing of its content.
    pub message: String,
}

impl Record {
    /// Checks one line of NDJSON, without its line break, against what every later stage relies on, and finds its
    /// key. Borrows from the line, so the cost is one pass over it.
    pub fn parse(line: Bytes) -> Result<Self, Unreadable> {
        match check(&line) {
            Ok((key, seq)) => Ok(Self { key, seq, body: line }),
            Err(message) => Err(Unreadable { message, bytes: line }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }
}

/// The fields without which a record is not one ([`headwater_schema::Event`], [`headwater_schema::Ledger`]).
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    site_id: Cow<'a, str>,
    #[serde(borrow, default)]
    client_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    event_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    by: Option<Text<'a>>,
    #[serde(default)]
    stream: Option<Uuid>,
    #[serde(default)]
    seq: Option<u32>,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default)]
    ts: Option<i64>,
    #[serde(default)]
    schema_version: Option<u32>,
    #[serde(rename = "received_at")]
    _received_at: i64,
    #[serde(rename = "sent_at")]
    _sent_at: i64,
}

/// An optional text that is still borrowed: serde copies a bare `Option<Cow<str>>`.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn check(line: &Bytes) -> Result<(Bytes, Option<u32>), String> {
    // Text is checked once, not field by field.
    let shape = str::from_utf8(line).map_or_else(|_| serde_json::from_slice(line), serde_json::from_str);
    let shape: Shape<'_> = shape.map_err(|error| error.to_string())?;
    let cut = |text: &Cow<'_, str>| match text {
        Cow::Borrowed(text) => line.slice_ref(text.as_bytes()),
        Cow::Owned(text) => Bytes::copy_from_slice(text.as_bytes()),
    };
    let missing = |field: &str| format!("missing field `{field}`");
    if shape.event_type == LEDGER_TYPE {
        shape.by.ok_or_else(|| missing("by"))?;
        let key = match (&shape.client_id, shape.stream) {
            (Some(Text(client)), _) => cut(client),
            (None, Some(stream)) => Bytes::from(stream.hyphenated().to_string()),
            (None, None) => cut(&shape.site_id),
        };
        return Ok((key, None));
    }
    let Some(Text(client)) = &shape.client_id else { return Err(missing("client_id")) };
    shape.event_id.ok_or_else(|| missing("event_id"))?;
    shape.timestamp.ok_or_else(|| missing("timestamp"))?;
    shape.ts.ok_or_else(|| missing("ts"))?;
    shape.schema_version.ok_or_else(|| missing("schema_version"))?;
    if shape.stream.is_some() != shape.seq.is_some() {
        return Err("`stream` and `seq` name an event together, or neither does".to_owned());
    }
    Ok((cut(client), shape.seq))
}

#[cfg(test)]
mod tests {
    use headwater_schema::{Ledger, Record as Full};

    use super::*;

    const EVENT: &str = r#"{"event_id":"e","stream":"018e3a1c-0000-4000-8000-000000000001","seq":7,"site_id":"s",
        "client_id":"c\u0031","event_type":"pageview","timestamp":1,"ts":1,"sent_at":1,"received_at":1,
        "schema_version":1}"#;

    #[test]
    fn the_key_is_the_one_that_the_schema_gives() {
        let stream = Uuid::from_u128(5);
        let lines = [
            EVENT.replace(r"\u0031", "1").into_bytes(),
            EVENT.as_bytes().to_vec(),
            Full::from(Ledger { client_id: Some("c".to_owned()), ..Ledger::default() }).to_vec(),
            Full::from(Ledger { stream: Some(stream), ..Ledger::default() }).to_vec(),
            Full::from(Ledger { site_id: "site".to_owned(), ..Ledger::default() }).to_vec(),
        ];
        for line in lines {
            let full = Full::from_slice(&line).expect("a record");
            let record = Record::parse(Bytes::from(line)).expect("a record");
            assert_eq!(record.key, full.key().as_bytes());
            assert_eq!(record.seq, if let Full::Event(event) = full { event.seq } else { None });
        }
    }

    #[test]
    fn a_line_that_lacks_a_field_is_named_by_it() {
        for field in [
            "event_id",
            "site_id",
            "client_id",
            "timestamp",
            "ts",
            "sent_at",
            "received_at",
            "schema_version",
        ] {
            let line = EVENT.replace(&format!("\"{field}\""), "\"other\"");
            let unreadable = Record::parse(Bytes::from(line.clone())).expect_err(field);
            assert!(
                unreadable.message.contains(&format!("missing field `{field}`")),
                "{}",
                unreadable.message
            );
            assert_eq!(unreadable.bytes, line);
        }
    }

    #[test]
    fn half_a_name_is_none() {
        let line = EVENT.replace("\"seq\":7,", "");
        assert!(Record::parse(Bytes::from(line)).is_err());
        assert!(Record::parse(Bytes::from_static(b"{")).is_err());
        assert!(Record::parse(Bytes::from_static(b"")).is_err());
    }
}

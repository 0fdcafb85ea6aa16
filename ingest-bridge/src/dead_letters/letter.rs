//! A dead letter, and what can be told of the event in it.

use std::{fmt::Write as _, str::FromStr};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cli::Filter;

/// Where a letter is: `partition:offset`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// Of the dead-letter topic.
    pub partition: i32,
    /// In the partition.
    pub offset: i64,
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = || {
            let (partition, offset) = text.split_once(':')?;
            let place = Self { partition: partition.parse().ok()?, offset: offset.parse().ok()? };
            (place.partition >= 0 && place.offset >= 0).then_some(place)
        };
        place().ok_or("a letter's place is partition:offset, as `dlq list` shows it")
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

/// A record of the dead-letter topic.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Where it is.
    pub place: Place,
    /// When it was written, Unix milliseconds.
    pub at: Option<i64>,
    /// Why the brokers refused it.
    pub reason: String,
    /// Only the beginning of its bytes is there.
    pub is_cut: bool,
    /// The key of the event.
    pub key: Bytes,
    /// Its bytes as they came.
    pub body: Bytes,
}

/// What names the event in a letter, as far as that can be read.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Names {
    /// The site's public key.
    pub site: Option<String>,
    /// The client; the key's text where the bytes are no JSON.
    pub client: Option<String>,
    /// Whose number `seq` is.
    pub stream: Option<String>,
    /// The event's number.
    pub seq: Option<u64>,
}

impl Letter {
    /// Over the lines of [`line`](Self::line).
    pub const HEAD: &str = "PLACE\tTIME\tREASON\tBYTES\tSITE\tCLIENT\tSTREAM\tSEQ";

    /// What names its event.
    #[must_use]
    pub fn names(&self) -> Names {
        #[derive(Default, Deserialize)]
        struct Remains(Map<String, Value>);
        let Remains(remains) = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |name| remains.get(name).and_then(Value::as_str).map(str::to_owned);
        // A ledger record may have another key: its stream, or its site.
        let of_key = || remains.is_empty().then(|| String::from_utf8(self.key.to_vec()).ok()).flatten();
        Names {
            site: text("site_id"),
            client: text("client_id").or_else(of_key).filter(|client| !client.is_empty()),
            stream: text("stream"),
            seq: remains.get("seq").and_then(Value::as_u64),
        }
    }

    /// Whether it is one of those that are asked for.
    #[must_use]
    pub fn is_of(&self, filter: &Filter) -> bool {
        filter.reason.as_ref().is_none_or(|reason| *reason == self.reason)
            && filter.site.as_ref().is_none_or(|site| self.names().site.as_ref() == Some(site))
    }

    /// One line: columns between tabs, `-` for what is not known.
    #[must_use]
    pub fn line(&self) -> String {
        let Names { site, client, stream, seq } = self.names();
        let columns = [
            self.place.to_string(),
            self.time().unwrap_or_else(nothing),
            shown(&self.reason),
            format!("{}{}", self.body.len(), if self.is_cut { " (cut)" } else { "" }),
            site.map_or_else(nothing, |text| shown(&text)),
            client.map_or_else(nothing, |text| shown(&text)),
            stream.map_or_else(nothing, |text| shown(&text)),
            seq.map_or_else(nothing, |seq| seq.to_string()),
        ];
        columns.join("\t")
    }

    /// One line of JSON, for programs.
    #[must_use]
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            place: String,
            time: Option<String>,
            reason: &'a str,
            bytes: usize,
            cut: bool,
            #[serde(flatten)]
            names: Names,
        }
        let (place, time) = (self.place.to_string(), self.time());
        let (reason, bytes, cut, names) = (&self.reason, self.body.len(), self.is_cut, self.names());
        serde_json::to_string(&Line { place, time, reason, bytes, cut, names }).expect("text and numbers")
    }

    /// A line for everything that is known, without the bytes.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = String::new();
        for (name, value) in Self::HEAD.split('\t').zip(self.line().split('\t')) {
            // Writing into a String does not fail.
            let _ =
                write!(page, "{}{}: {value}", if page.is_empty() { "" } else { "\n" }, name.to_lowercase());
        }
        page
    }

    fn time(&self) -> Option<String> {
        let time = Timestamp::from_millisecond(self.at?).ok()?;
        Some(format!("{time:.3}"))
    }
}

fn nothing() -> String {
    "-".to_owned()
}

/// Anyone may have written it: nothing in it controls a terminal or a column.
fn shown(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(body: &str) -> Letter {
        let (body, key) = (Bytes::from(body.to_owned()), Bytes::from_static(b"c\t1"));
        let place = Place { partition: 2, offset: 41 };
        Letter {
            place,
            at: Some(1_710_320_000_123),
            reason: "INVALID_RECORD".to_owned(),
            is_cut: false,
            key,
            body,
        }
    }

    #[test]
    fn a_place_is_read_as_it_is_shown() {
        let place = Place { partition: 2, offset: 41 };
        assert_eq!("2:41".parse(), Ok(place));
        assert_eq!(place.to_string(), "2:41");
        for wrong in ["", "2", "2:", ":1", "a:1", "-1:1", "1:-1", "1:2:3"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_can_be_read_of_an_event_is_told() {
        let whole = letter(r#"{"site_id":"s","client_id":"c","stream":"x","seq":7}"#);
        assert_eq!(whole.line(), "2:41\t2024-03-13T08:53:20.123Z\tINVALID_RECORD\t52\ts\tc\tx\t7");
        let odd = letter(r#"{"site_id":7,"stream":null,"seq":-1}"#);
        assert_eq!(odd.names(), Names::default());
        let torn = letter("{\"site_id\":\"s");
        assert_eq!(torn.names().client.as_deref(), Some("c\t1"), "the key is all that is left");
        assert_eq!(torn.line().split('\t').nth(5), Some("c\\t1"), "a column stays one");
    }

    #[test]
    fn a_filter_takes_what_has_all_that_it_names() {
        let letter = letter(r#"{"site_id":"s"}"#);
        let filter = |reason: Option<&str>, site: Option<&str>| Filter {
            reason: reason.map(str::to_owned),
            site: site.map(str::to_owned),
        };
        assert!(
            letter.is_of(&filter(None, None)) && letter.is_of(&filter(Some("INVALID_RECORD"), Some("s")))
        );
        assert!(!letter.is_of(&filter(Some("MSG_SIZE_TOO_LARGE"), Some("s"))));
        assert!(!letter.is_of(&filter(None, Some("t"))));
    }
}

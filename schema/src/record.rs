//! One record of the log or of Kafka.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Event, LEDGER_TYPE, Ledger};

/// An event, or what the ledger says. They travel in one sequence, under the same kind of key.
#[derive(Clone, Debug)]
pub enum Record {
    /// An enriched event.
    Event(Box<Event>),
    /// A ledger record.
    Ledger(Ledger),
}

impl Record {
    /// Reads a record as [`Record::to_vec`] or another writer of this schema wrote it.
    ///
    /// Fails if it is not one JSON object with the required fields; the error names line, column and field.
    pub fn from_slice(bytes: &[u8]) -> serde_json::Result<Self> {
        // Most records are events: one pass, and text is checked once, not field by field.
        let event = str::from_utf8(bytes)
            .map_or_else(|_| serde_json::from_slice(bytes), serde_json::from_str::<Box<Event>>);
        match event {
            Ok(event) if event.event_type != LEDGER_TYPE => Ok(Self::Event(event)),
            not_an_event => {
                let kind: Kind<'_> = serde_json::from_slice(bytes)?;
                if kind.event_type == LEDGER_TYPE {
                    serde_json::from_slice(bytes).map(Self::Ledger)
                } else {
                    not_an_event.map(Self::Event)
                }
            }
        }
    }

    /// Writes the record as one line of JSON without a line break.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        // Text, numbers, and raw JSON that was parsed before: there is nothing in a record that can fail.
        match self {
            Self::Event(event) => to_vec(event, EVENT_BYTES),
            Self::Ledger(ledger) => to_vec(ledger, LEDGER_BYTES),
        }
    }

    /// The key under which the record is ordered and partitioned: the client, else the stream, else the site.
    #[must_use]
    pub fn key(&self) -> Cow<'_, str> {
        let ledger = match self {
            Self::Event(event) => return Cow::Borrowed(&event.client_id),
            Self::Ledger(ledger) => ledger,
        };
        match (&ledger.client_id, ledger.stream) {
            (Some(client), _) => Cow::Borrowed(client),
            (None, Some(stream)) => Cow::Owned(stream.hyphenated().to_string()),
            (None, None) => Cow::Borrowed(&ledger.site_id),
        }
    }
}

impl From<Event> for Record {
    fn from(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}

impl From<Ledger> for Record {
    fn from(ledger: Ledger) -> Self {
        Self::Ledger(ledger)
    }
}

/// Bytes to reserve for an event: most fit, so that writing one allocates once.
const EVENT_BYTES: usize = 768;
/// Bytes to reserve for a ledger record.
const LEDGER_BYTES: usize = 320;

fn to_vec(value: &impl Serialize, reserve: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(reserve);
    serde_json::to_writer(&mut bytes, value).expect("text and numbers into memory");
    bytes
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    event_type: Cow<'a, str>,
}

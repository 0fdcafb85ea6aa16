//! Answers as JSON.

use std::collections::BTreeMap;

use headwater_consumer::rows;
use headwater_numbers::{
    delivery::{self, Account},
    report::{Answer, Question},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// `{"data":[{"country":"US","pageviews":1523000}]}`, the groups in the order they were asked for.
pub(super) struct Report<'a> {
    pub(super) question: &'a Question,
    pub(super) data: &'a [Answer],
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<_> = self.data.iter().map(|answer| Row { question: self.question, answer }).collect();
        let mut report = serializer.serialize_map(Some(1))?;
        report.serialize_entry("data", &rows)?;
        report.end()
    }
}

struct Row<'a> {
    question: &'a Question,
    answer: &'a Answer,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (keys, number) = self.answer;
        let mut row = serializer.serialize_map(Some(keys.len() + 1))?;
        for (group, key) in self.question.groups.iter().zip(keys) {
            row.serialize_entry(group.name(), key)?;
        }
        row.serialize_entry(self.question.metric.name(), number)?;
        row.end()
    }
}

/// The answer of `/delivery`.
#[derive(Serialize)]
pub(super) struct Delivery {
    total: Numbers,
    plain: Plain,
    streams: Vec<Stream>,
    streams_total: usize,
    deleted: Vec<Deleted>,
}

/// Offsets that were deleted before they were read, of all sites together: the cause of what is unexplained.
#[derive(Serialize)]
struct Deleted {
    source: String,
    part: i32,
    from: u64,
    to: u64,
    noticed_at: i64,
}

#[derive(Serialize)]
struct Numbers {
    known: u64,
    counted: u64,
    copies: u64,
    lost: BTreeMap<String, u64>,
    refused: BTreeMap<String, u64>,
    in_flight: u64,
    unexplained: u64,
}

#[derive(Serialize)]
struct Plain {
    counted: u64,
    copies: u64,
    dropped: BTreeMap<String, u64>,
}

/// A stream by its number: its UUID would let a reader forge its events.
#[derive(Serialize)]
struct Stream {
    #[serde(rename = "stream")]
    number: u64,
    #[serde(flatten)]
    numbers: Numbers,
    done: u32,
    head: u32,
    end: bool,
    last_received_at: Option<i64>,
}

impl From<headwater_consumer::Delivery> for Delivery {
    fn from(delivery: headwater_consumer::Delivery) -> Self {
        let delivery::Plain { counted, copies, dropped } = delivery.plain;
        let streams = delivery.streams.into_iter().map(|stream| Stream {
            number: stream.number,
            numbers: stream.account.into(),
            done: stream.done,
            head: stream.head,
            end: stream.ended,
            last_received_at: stream.last_received_at,
        });
        Self {
            total: delivery.total.into(),
            plain: Plain { counted, copies, dropped },
            streams: streams.collect(),
            streams_total: delivery.streams_total,
            deleted: delivery.deleted.into_iter().map(Deleted::from).collect(),
        }
    }
}

impl From<rows::Deleted> for Deleted {
    fn from(span: rows::Deleted) -> Self {
        let rows::Deleted { source, part, from, to, noticed_at } = span;
        Self { source, part, from, to, noticed_at }
    }
}

impl From<Account> for Numbers {
    fn from(account: Account) -> Self {
        let Account { known, counted, copies, lost, refused, in_flight, unexplained } = account;
        Self { known, counted, copies, lost, refused, in_flight, unexplained }
    }
}

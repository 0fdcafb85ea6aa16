//! Sessions: the database gives the rows in order, `headwater_numbers::sessions` finds the starts.

use std::{
    collections::{HashMap, VecDeque},
    sync::RwLock,
};

use duckdb::{Connection, Row, params_from_iter};
use headwater_numbers::{
    days::{Day, Hour},
    order::OrderKey,
    report::{Answer, Group, Question, sort},
    sessions::{SESSION_GAP_MS, starts},
};

use super::{
    Error, Rows,
    report::{Filter, column},
};
use crate::dictionary::{self, Names};

/// Columns before those of the groups.
const FIXED_COLUMNS: usize = 5;

struct Event {
    client: u64,
    timestamp: i64,
    stream: Option<u64>,
    seq: Option<u32>,
    id: u128,
    says: Vec<Option<String>>,
}

pub(super) fn report(
    connection: &Connection,
    names: &RwLock<Names>,
    site: u64,
    question: &Question,
    rows: Rows,
) -> Result<Vec<Answer>, Error> {
    let days = question.from.start()..question.to.end();
    // An event within one gap before the first day shows that a run began before it; any other run of
    // that day began in it. So nothing earlier matters.
    let mut filter = Filter::new(site, days.start - SESSION_GAP_MS..days.end);
    filter.events();
    let stored: Vec<Group> = question.groups.iter().copied().filter(|group| !is_time(*group)).collect();
    let columns: Vec<_> = stored.iter().map(|group| format!(", {}", column(*group))).collect();
    let sql = format!(
        "SELECT client_no, epoch_ms(timestamp), stream_no, seq, event_id {columns} FROM events WHERE {} \
         ORDER BY client_no, timestamp",
        filter.sql,
        columns = columns.concat(),
    );
    let mut statement = connection.prepare(&sql)?;
    let mut found = statement.query(params_from_iter(&filter.values))?;
    let mut failure = None;
    let events = std::iter::from_fn(|| match found.next() {
        Ok(row) => row.map(|row| event(row, stored.len())),
        Err(error) => Some(Err(error)),
    });
    // The first error ends the rows.
    let events = events.map_while(|event| event.map_err(|error| failure = Some(error)).ok());

    let mut counts: HashMap<Vec<Option<String>>, u64> = HashMap::new();
    if question.groups.is_empty() {
        counts.insert(Vec::new(), 0);
    }
    for start in starts(in_total_order(events, names), |event| (event.client, event.timestamp)) {
        if start.timestamp >= days.start {
            *counts.entry(values(question, start)).or_default() += 1;
        }
    }
    if let Some(error) = failure {
        return Err(error.into());
    }
    let mut answers: Vec<Answer> = counts.into_iter().collect();
    sort(&mut answers);
    rows.limit(&mut answers)?;
    Ok(answers)
}

fn event(row: &Row<'_>, says: usize) -> duckdb::Result<Event> {
    Ok(Event {
        client: row.get(0)?,
        timestamp: row.get(1)?,
        stream: row.get(2)?,
        seq: row.get(3)?,
        id: row.get(4)?,
        says: (FIXED_COLUMNS..FIXED_COLUMNS + says)
            .map(|column| row.get(column))
            .collect::<duckdb::Result<_>>()?,
    })
}

/// Sorts what is tied by client and time by the rest of the order, which the database cannot know: there,
/// streams are numbers.
fn in_total_order(events: impl Iterator<Item = Event>, names: &RwLock<Names>) -> impl Iterator<Item = Event> {
    let mut events = events.peekable();
    let mut tied = VecDeque::new();
    std::iter::from_fn(move || {
        if tied.is_empty() {
            let first = events.next()?;
            let place = (first.client, first.timestamp);
            tied.push_back(first);
            while let Some(next) = events.next_if(|event| (event.client, event.timestamp) == place) {
                tied.push_back(next);
            }
            if tied.len() > 1 {
                let names = dictionary::read(names);
                tied.make_contiguous().sort_by_cached_key(|event| OrderKey {
                    timestamp: event.timestamp,
                    stream: event.stream.and_then(|number| names.stream(number)),
                    seq: event.seq,
                    event_id: event.id,
                });
            }
        }
        tied.pop_front()
    })
}

fn values(question: &Question, start: Event) -> Vec<Option<String>> {
    let mut says = start.says.into_iter();
    let value = |group: &Group| match group {
        Group::Day => Some(Day::of(start.timestamp).to_string()),
        Group::Hour => Some(Hour::of(start.timestamp).to_string()),
        _ => says.next().flatten(),
    };
    question.groups.iter().map(value).collect()
}

fn is_time(group: Group) -> bool {
    matches!(group, Group::Day | Group::Hour)
}

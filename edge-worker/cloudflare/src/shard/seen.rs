//! What the bridge is known to have. It bounds itself by forgetting whole streams, never by closing gaps.

use std::collections::HashMap;

use headwater_core::{ranges::RangeSet, seen::MAX_RANGES};
use serde::Deserialize;
use worker::{Error, SqlStorage, SqlStorageValue};

use super::{Asked, Marked, Ranges, pairs};

/// `seen` is ordered by when a stream was marked last: a row that is replaced comes to the end. `incarnation` has one row.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS seen (stream TEXT PRIMARY KEY, ranges TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS incarnation (id TEXT NOT NULL);";

/// Streams that a shard remembers, some 100 bytes each.
const STREAMS: i32 = 50_000;

#[derive(Deserialize)]
struct Row {
    stream: String,
    ranges: String,
}

/// The ranges of these streams: nothing, if the bridge has spoken for another incarnation of its storage since.
pub(super) fn known(sql: &SqlStorage, asked: &Asked) -> Result<HashMap<String, Ranges>, Error> {
    if asked.incarnation.is_some() && asked.incarnation != incarnation(sql)? {
        return Ok(HashMap::new());
    }
    let names = serde_json::to_string(&asked.streams)?;
    let rows = sql.exec(
        // One parameter, however many they are: a statement may have 100.
        "SELECT stream, ranges FROM seen WHERE stream IN (SELECT value FROM json_each(?))",
        vec![SqlStorageValue::from(names)],
    )?;
    let rows: Vec<Row> = rows.to_array()?;
    rows.into_iter().map(|row| Ok((row.stream, serde_json::from_str(&row.ranges)?))).collect()
}

/// Remembers these, and forgets all others if they are of another incarnation.
pub(super) fn mark(sql: &SqlStorage, marked: &Marked) -> Result<(), Error> {
    if incarnation(sql)?.as_ref() != Some(&marked.incarnation) {
        sql.exec("DELETE FROM seen", None)?;
        sql.exec("DELETE FROM incarnation", None)?;
        sql.exec("INSERT INTO incarnation VALUES (?)", vec![SqlStorageValue::from(&*marked.incarnation)])?;
    }
    let streams = marked.marks.iter().map(|(stream, _)| stream.clone()).collect();
    let mut all: HashMap<String, RangeSet> = known(sql, &Asked { incarnation: None, streams })?
        .into_iter()
        .map(|(stream, ranges)| (stream, set(&ranges)))
        .collect();
    for (stream, ranges) in &marked.marks {
        all.entry(stream.clone()).or_default().union(&set(ranges));
    }
    let (kept, forgotten): (Vec<_>, Vec<_>) = all.iter().partition(|(_, seen)| seen.len() <= MAX_RANGES);
    let rows: Vec<_> = kept
        .into_iter()
        .map(|(stream, seen)| Ok((stream, serde_json::to_string(&pairs(seen))?)))
        .collect::<Result<_, serde_json::Error>>()?;
    sql.exec(
        "INSERT OR REPLACE INTO seen SELECT value ->> 0, value ->> 1 FROM json_each(?)",
        vec![SqlStorageValue::from(serde_json::to_string(&rows)?)],
    )?;
    let names: Vec<_> = forgotten.into_iter().map(|(stream, _)| stream).collect();
    if !names.is_empty() {
        let names = SqlStorageValue::from(serde_json::to_string(&names)?);
        sql.exec("DELETE FROM seen WHERE stream IN (SELECT value FROM json_each(?))", vec![names])?;
    }
    let most = vec![SqlStorageValue::from(STREAMS)];
    sql.exec("DELETE FROM seen WHERE rowid <= (SELECT MAX(rowid) FROM seen) - ?", most).map(drop)
}

fn set(ranges: &[(u32, u32)]) -> RangeSet {
    ranges.iter().copied().collect()
}

fn incarnation(sql: &SqlStorage) -> Result<Option<String>, Error> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    let ids: Vec<Id> = sql.exec("SELECT id FROM incarnation", None)?.to_array()?;
    Ok(ids.into_iter().next().map(|Id { id }| id))
}

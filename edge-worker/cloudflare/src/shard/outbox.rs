//! Lines of senders who may not come again, durable here until the bridge has them.

use headwater_edge::{Sent, send};
use serde::Deserialize;
use worker::{Env, Error, SqlStorage, SqlStorageValue, console_error};

use crate::bridge;

/// `tries`: how often the bridge was asked in vain since it last took something.
pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, lines TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS tries (n INTEGER NOT NULL);
    INSERT INTO tries SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM tries);";

/// Ms after which the bridge is asked first. Each time in vain doubles it.
pub(super) const FIRST_MS: i64 = 1_000;

/// The longest wait, in ms.
const LONGEST_MS: i64 = 300_000;

/// Rows of an outbox; beyond, a sender is told that its request was not taken.
const ROWS: i64 = 10_000;

/// Bytes of a row: SQLite takes 2 MB here.
const ROW_BYTES: usize = 1 << 20;

/// Rows that one alarm sends.
const AT_ONCE: i32 = 32;

#[derive(Deserialize)]
struct Count {
    n: i64,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    lines: String,
}

/// Keeps lines, all or none of them; false when there is no room.
pub(super) fn keep(sql: &SqlStorage, lines: &[u8]) -> Result<bool, Error> {
    if count(sql, "SELECT COALESCE(MAX(id) - MIN(id) + 1, 0) AS n FROM outbox")? >= ROWS {
        return Ok(false);
    }
    insert(sql, lines)?;
    Ok(true)
}

/// Until the next try, in ms.
pub(super) fn next_ms(sql: &SqlStorage) -> Result<i64, Error> {
    let tries = count(sql, "SELECT n FROM tries")?.clamp(0, 16);
    Ok((FIRST_MS << tries).min(LONGEST_MS))
}

pub(super) fn is_empty(sql: &SqlStorage) -> Result<bool, Error> {
    Ok(count(sql, "SELECT EXISTS (SELECT 1 FROM outbox) AS n")? == 0)
}

/// Sends the oldest rows, until the bridge does not take one.
pub(super) async fn drain(sql: &SqlStorage, env: &Env) -> Result<(), Error> {
    let rows = "SELECT id, lines FROM outbox ORDER BY id LIMIT ?";
    let rows: Vec<Row> = sql.exec(rows, vec![SqlStorageValue::from(AT_ONCE)])?.to_array()?;
    for Row { id, lines } in rows {
        let sent = send(lines.into_bytes(), async |lines: Vec<u8>, count| {
            bridge::post(env, &lines, count, None).await
        });
        let sent = match sent.await {
            Ok(sent) => sent,
            Err(why) => {
                console_error!("the outbox waits: {why}");
                sql.exec("UPDATE tries SET n = n + 1", None)?;
                return Ok(());
            }
        };
        // Without a wait in between, so both or none.
        if let Sent::Named(lines) = sent {
            insert(sql, &lines)?;
        }
        sql.exec("DELETE FROM outbox WHERE id = ?", vec![SqlStorageValue::try_from_i64(id)?])?;
        sql.exec("UPDATE tries SET n = 0", None)?;
    }
    Ok(())
}

/// Whole lines, as many as a row holds.
fn insert(sql: &SqlStorage, lines: &[u8]) -> Result<(), Error> {
    let text = std::str::from_utf8(lines).map_err(|error| Error::from(error.to_string()))?;
    let mut row = String::new();
    let flush = |row: &mut String| {
        let row = std::mem::take(row);
        sql.exec("INSERT INTO outbox (lines) VALUES (?)", vec![SqlStorageValue::from(row)]).map(drop)
    };
    for line in text.split_inclusive('\n') {
        if !row.is_empty() && row.len() + line.len() > ROW_BYTES {
            flush(&mut row)?;
        }
        row.push_str(line);
    }
    if row.is_empty() { Ok(()) } else { flush(&mut row) }
}

fn count(sql: &SqlStorage, query: &str) -> Result<i64, Error> {
    sql.exec(query, None)?.one::<Count>().map(|Count { n }| n)
}

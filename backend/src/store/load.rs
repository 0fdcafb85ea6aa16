//! Reads back from the tables what is kept in memory.

use std::collections::{BTreeMap, HashMap};

use duckdb::{
    Connection, Row,
    types::{TimeUnit, Value},
};
use headwater_consumer::{Counts, Kind, State, Tracked, WINDOW_MS, rows::Deleted};
use headwater_numbers::delivery::{Plain, Stream, Word};

/// How much of the dictionary the data may use.
pub(super) fn names_used(connection: &Connection) -> duckdb::Result<Counts> {
    connection.query_row(
        "SELECT coalesce(max(clients), 0), coalesce(max(devices), 0), coalesce(max(sessions), 0), \
         coalesce(max(sites), 0), coalesce(max(streams), 0), coalesce(max(users), 0) FROM commits",
        [],
        |row| {
            // The columns are in the order of the kinds.
            Kind::ALL.iter().enumerate().try_fold(Counts::default(), |counts, (column, kind)| {
                Ok(counts.with(*kind, row.get(column)?))
            })
        },
    )
}

pub(super) fn load(connection: &Connection, now: i64) -> duckdb::Result<State> {
    let mut state = State::default();
    let mut streams = arrivals(connection)?;
    ledger(connection, &mut streams, &mut state)?;
    copies(connection, &mut streams, &mut state)?;
    for (number, tracked) in streams {
        state.put(number, tracked);
    }
    each(connection, "SELECT site_no, count(*) FROM events WHERE stream_no IS NULL GROUP BY 1", |row| {
        state.add_plain(row.get(0)?, &Plain { counted: row.get(1)?, ..Plain::default() });
        Ok(())
    })?;
    window(connection, &mut state, now)?;
    let deleted =
        "SELECT source, part, from_offset, to_offset, epoch_ms(noticed_at) FROM deleted ORDER BY rowid";
    each(connection, deleted, |row| {
        let (source, part, from, to) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        state.add_deleted(Deleted { source, part, from, to, noticed_at: row.get(4)? });
        Ok(())
    })?;
    Ok(state)
}

#[derive(Default)]
struct Arrived {
    site: u64,
    ranges: Vec<(u32, u32)>,
    closed: Vec<(u32, u32)>,
    received_at: i64,
    sent_at: i64,
}

fn arrivals(connection: &Connection) -> duckdb::Result<HashMap<u64, Tracked>> {
    let mut arrived: HashMap<u64, Arrived> = HashMap::new();
    let runs = "SELECT stream_no, any_value(site_no), min(seq), max(seq), epoch_ms(max(received_at)), \
                epoch_ms(max(sent_at)) FROM \
                (SELECT stream_no, site_no, seq, received_at, sent_at, \
                 seq::BIGINT - row_number() OVER (PARTITION BY stream_no ORDER BY seq) AS run \
                 FROM events WHERE stream_no IS NOT NULL) GROUP BY stream_no, run";
    each(connection, runs, |row| {
        let last: u32 = row.get(3)?;
        let (received_at, sent_at) = (row.get(4)?, row.get(5)?);
        let start = || Arrived { site: 0, received_at, sent_at, ..Arrived::default() };
        let stream = arrived.entry(row.get(0)?).or_insert_with(start);
        stream.site = row.get(1)?;
        stream.ranges.push((row.get(2)?, last + 1));
        stream.received_at = stream.received_at.max(received_at);
        stream.sent_at = stream.sent_at.max(sent_at);
        Ok(())
    })?;
    each(connection, "SELECT stream_no, from_seq, to_seq FROM closed", |row| {
        arrived.entry(row.get(0)?).or_default().closed.push((row.get(1)?, row.get(2)?));
        Ok(())
    })?;
    let streams = arrived.into_iter().map(|(number, arrived)| {
        let mut stream = Stream::from_parts(arrived.ranges, arrived.closed);
        stream.heard(arrived.received_at, arrived.sent_at);
        (number, Tracked { site: arrived.site, stream })
    });
    Ok(streams.collect())
}

/// Commit and ordinal of a ledger row.
type Place = (i64, u32);

/// Tells every ledger row to its stream, in the order of commits.
fn ledger(
    connection: &Connection,
    streams: &mut HashMap<u64, Tracked>,
    state: &mut State,
) -> duckdb::Result<()> {
    let mut lost: BTreeMap<Place, Vec<(u32, u32, String)>> = BTreeMap::new();
    each(
        connection,
        "SELECT commit_no, ordinal, from_seq, to_seq, reason FROM ledger_lost ORDER BY rowid",
        |row| {
            let names = lost.entry((row.get(0)?, row.get(1)?)).or_default();
            names.push((row.get(2)?, row.get(3)?, row.get(4)?));
            Ok(())
        },
    )?;
    let mut counts: BTreeMap<Place, [BTreeMap<String, u64>; 2]> = BTreeMap::new();
    each(connection, "SELECT commit_no, ordinal, unnamed, reason, count FROM ledger_counts", |row| {
        let lists = counts.entry((row.get(0)?, row.get(1)?)).or_default();
        lists[usize::from(row.get::<_, bool>(2)?)].insert(row.get(3)?, row.get(4)?);
        Ok(())
    })?;
    let rows = "SELECT commit_no, ordinal, site_no, stream_no, done, head, ended, no_storage, \
                epoch_ms(received_at), epoch_ms(sent_at) FROM ledger ORDER BY commit_no, ordinal";
    each(connection, rows, |row| {
        let place = (row.get(0)?, row.get(1)?);
        let [refused, dropped] = counts.remove(&place).unwrap_or_default();
        let site = row.get(2)?;
        if !dropped.is_empty() {
            state.add_plain(site, &Plain { dropped, ..Plain::default() });
        }
        if let Some(stream) = row.get::<_, Option<u64>>(3)? {
            let at: (Option<u32>, Option<u32>) = (row.get(4)?, row.get(5)?);
            let word = Word {
                at: at.0.zip(at.1),
                end: row.get(6)?,
                lost: lost.remove(&place).unwrap_or_default(),
                refused,
                no_storage: row.get(7)?,
                received_at: row.get(8)?,
                sent_at: row.get(9)?,
            };
            let unheard = || Tracked { site, ..Tracked::default() };
            streams.entry(stream).or_insert_with(unheard).stream.tell(&word);
        }
        Ok(())
    })
}

fn copies(
    connection: &Connection,
    streams: &mut HashMap<u64, Tracked>,
    state: &mut State,
) -> duckdb::Result<()> {
    let sums = "SELECT site_no, stream_no, sum(copies)::UBIGINT, epoch_ms(max(received_at)) FROM copies GROUP BY 1, 2";
    each(connection, sums, |row| {
        let (site, copies) = (row.get(0)?, row.get(2)?);
        match row.get::<_, Option<u64>>(1)? {
            None => state.add_plain(site, &Plain { copies, ..Plain::default() }),
            Some(stream) => {
                let unheard = || Tracked { site, ..Tracked::default() };
                streams.entry(stream).or_insert_with(unheard).stream.copied(copies, row.get(3)?);
            }
        }
        Ok(())
    })
}

fn window(connection: &Connection, state: &mut State, now: i64) -> duckdb::Result<()> {
    let oldest = Value::Timestamp(TimeUnit::Millisecond, now - WINDOW_MS);
    let window = state.window_mut();
    let mut statement = connection
        .prepare("SELECT site_no, id, epoch_ms(received_at) FROM plain_window WHERE received_at >= ?")?;
    let mut rows = statement.query([oldest])?;
    while let Some(row) = rows.next()? {
        window.add(row.get(0)?, row.get(1)?, row.get(2)?);
    }
    Ok(())
}

fn each(
    connection: &Connection,
    sql: &str,
    mut with: impl FnMut(&Row<'_>) -> duckdb::Result<()>,
) -> duckdb::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        with(row)?;
    }
    Ok(())
}

//! The last minute, by event time: what is delivered late does not count.

use duckdb::{Connection, params_from_iter};
use serde::Serialize;

use super::{Error, report::Filter};

/// Most pages that are listed.
pub const TOP_PAGES: u32 = 100;

/// Active users and page views are counted over this, milliseconds.
const MINUTE_MS: i64 = 60_000;

/// Events per second are counted over this, seconds.
const RATE_S: i64 = 10;

/// The answer of `/realtime`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Realtime {
    /// Distinct clients with an event in the last 60 s.
    pub active_users: u64,
    /// Over the last 10 s, rounded.
    pub events_per_sec: u64,
    /// Page views of the last 60 s by URL, most viewed first.
    pub top_pages: Vec<TopPage>,
}

/// One page of [`Realtime::top_pages`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct TopPage {
    /// As sent.
    pub url: String,
    /// Page views.
    pub views: u64,
}

pub(super) fn realtime(connection: &Connection, site: u64, now: i64) -> Result<Realtime, Error> {
    // A moment is in the last minute from itself until a minute later.
    let minute = (now - MINUTE_MS + 1)..(now + 1);
    let mut counted = Filter::new(site, minute.clone());
    counted.events();
    let recent = counted.time(now - RATE_S * 1000 + 1);
    let sql = format!(
        "SELECT count(DISTINCT client_no), count(*) FILTER (timestamp >= {recent}) FROM events WHERE {}",
        counted.sql
    );
    let (active_users, recent): (u64, u64) =
        connection
            .query_row(&sql, params_from_iter(&counted.values), |row| Ok((row.get(0)?, row.get(1)?)))?;

    let mut views = Filter::new(site, minute);
    views.pageviews();
    let sql = format!(
        "SELECT url, count(*) FROM events WHERE {} AND url IS NOT NULL GROUP BY url ORDER BY 2 DESC, 1 LIMIT {TOP_PAGES}",
        views.sql
    );
    let mut statement = connection.prepare(&sql)?;
    let top_pages = statement.query_map(params_from_iter(&views.values), |row| {
        Ok(TopPage { url: row.get(0)?, views: row.get(1)? })
    })?;
    let rate = RATE_S.unsigned_abs();
    Ok(Realtime {
        active_users,
        events_per_sec: (recent + rate / 2) / rate,
        top_pages: top_pages.collect::<duckdb::Result<_>>()?,
    })
}

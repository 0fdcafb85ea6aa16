//! Metrics that the database counts itself, as `headwater_numbers::report` defines them.

use std::ops::Range;

use duckdb::{
    Connection, params_from_iter,
    types::{TimeUnit, Value},
};
use headwater_numbers::{
    kinds,
    report::{Answer, Group, Metric, Question},
};

use super::{Error, Rows};

/// Conditions on events, and the values bound to their places.
pub(super) struct Filter {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Filter {
    /// A site's events with `timestamp` in a range of Unix milliseconds.
    pub(super) fn new(site: u64, times: Range<i64>) -> Self {
        let mut filter = Self { sql: String::new(), values: Vec::new() };
        let site = filter.bind(Value::UBigInt(site));
        let (from, to) = (filter.time(times.start), filter.time(times.end));
        filter.sql = format!("site_no = {site} AND timestamp >= {from} AND timestamp < {to}");
        filter
    }

    /// Those that count as events.
    pub(super) fn events(&mut self) {
        let prefix = self.bind(Value::Text(kinds::INTERNAL_PREFIX.to_string()));
        let identity = self.list(&kinds::IDENTITY_TYPES);
        let condition =
            format!(" AND NOT starts_with(event_type, {prefix}) AND event_type NOT IN ({identity})");
        self.sql += &condition;
    }

    /// Those that count as page views.
    pub(super) fn pageviews(&mut self) {
        let views = self.list(&kinds::PAGEVIEW_TYPES);
        self.sql += " AND event_type IN (";
        self.sql += &views;
        self.sql += ")";
    }

    /// Binds a time in Unix milliseconds; returns its place.
    pub(super) fn time(&mut self, unix_ms: i64) -> String {
        self.bind(Value::Timestamp(TimeUnit::Millisecond, unix_ms))
    }

    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn list(&mut self, texts: &[&str]) -> String {
        let places: Vec<_> = texts.iter().map(|text| self.bind(Value::Text((*text).to_owned()))).collect();
        places.join(", ")
    }
}

pub(super) fn report(
    connection: &Connection,
    site: u64,
    question: &Question,
    rows: Rows,
) -> Result<Vec<Answer>, Error> {
    let mut filter = Filter::new(site, question.from.start()..question.to.end());
    let number = match question.metric {
        Metric::ClientSessions => "count(DISTINCT session_no)",
        Metric::Users => "count(DISTINCT client_no)",
        Metric::Events | Metric::Pageviews | Metric::Sessions => "count(*)",
    };
    match question.metric {
        Metric::Pageviews => filter.pageviews(),
        _ => filter.events(),
    }
    if question.metric == Metric::ClientSessions {
        filter.sql += " AND session_no IS NOT NULL";
    }
    // Grouped by the plain values; only the groups' own rows are written as text.
    let groups: Vec<_> =
        question.groups.iter().enumerate().map(|(i, group)| (*group, format!("g{i}"))).collect();
    let each = |write: &dyn Fn(Group, &str) -> String| -> Vec<String> {
        groups.iter().map(|(group, name)| write(*group, name)).collect()
    };
    let inner = each(&|group, name| format!("{} AS {name}, ", column(group))).concat();
    let outer = each(&|group, name| format!("{}, ", text(group, name))).concat();
    let order = each(&|_, name| format!(", {name} NULLS LAST")).concat();
    let by = if groups.is_empty() {
        String::new()
    } else {
        format!("GROUP BY {}", each(&|_, name| name.to_owned()).join(", "))
    };
    let limit = match rows {
        Rows::AtMost(rows) => rows + 1,
        Rows::First(rows) => rows,
    };
    let sql = format!(
        "SELECT {outer} n FROM (SELECT {inner} {number} AS n FROM events WHERE {} {by}) ORDER BY n DESC {order} \
         LIMIT {limit}",
        filter.sql
    );
    let mut statement = connection.prepare(&sql)?;
    let columns = groups.len();
    let answers = statement.query_map(params_from_iter(&filter.values), |row| {
        let keys = (0..columns).map(|column| row.get(column)).collect::<duckdb::Result<_>>()?;
        Ok((keys, row.get(columns)?))
    })?;
    let mut answers = answers.collect::<duckdb::Result<Vec<Answer>>>()?;
    rows.limit(&mut answers)?;
    Ok(answers)
}

/// What a group is grouped by.
pub(super) fn column(group: Group) -> &'static str {
    match group {
        Group::Bot => "CAST(bot AS VARCHAR)",
        Group::Browser => "browser",
        Group::BrowserVersion => "browser_version",
        Group::City => "city",
        Group::Country => "country",
        Group::Day => "date_trunc('day', timestamp)",
        Group::Device => "device",
        Group::Hour => "date_trunc('hour', timestamp)",
        Group::Name => "name",
        Group::Os => "os",
        Group::Referrer => "referrer",
        Group::ReferrerClass => "referrer_class",
        Group::Region => "region",
        Group::Type => "event_type",
        Group::Url => "url",
    }
}

/// How its value is written, as `headwater_numbers::days` does.
fn text(group: Group, value: &str) -> String {
    match group {
        Group::Day => format!("strftime({value}, '%Y-%m-%d')"),
        Group::Hour => format!("strftime({value}, '%Y-%m-%dT%H:00:00Z')"),
        _ => value.to_owned(),
    }
}

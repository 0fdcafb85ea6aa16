//! Headwater's answers beside an independent count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::{Order, SITE};
use crate::http::Http;
use crate::process;
use crate::server::Server;
use crate::setup::python;

/// Commits follow the acknowledgement within a second; a server that makes no progress for this long has stopped.
const STALLED: Duration = Duration::from_mins(1);

/// Copies that have not reached the store after this time were dropped on their way.
const QUIET: Duration = Duration::from_secs(2);

/// What `tests/replay/count.py` prints.
#[derive(Deserialize)]
struct Independent {
    events: u64,
    users: u64,
    sessions: u64,
    client_sessions: u64,
    pageviews_by_name: BTreeMap<String, u64>,
    pageviews_by_day: BTreeMap<String, u64>,
}

/// Polls `/delivery` until every event is counted or named, and until the copies that were sent are removed; the last
/// answer's `total`.
pub(super) fn wait_until_counted(server: &mut Server, events: u64, order: Order) -> Result<Value> {
    let copies = if order.twice || order.again { events } else { 0 };
    let http = server.api();
    let (mut best, mut since) = (0, Instant::now());
    loop {
        let total = delivery(&http)?;
        let number = |name: &str| total[name].as_u64().unwrap_or_default();
        let accounted = number("counted") + lost(&total);
        let progress = accounted + number("copies");
        if progress > best {
            (best, since) = (progress, Instant::now());
        }
        let counted = accounted >= events && number("in_flight") == 0;
        // A collector that remembers a copy may drop it before the log; after a restart it remembers nothing.
        let quiet = !order.again && since.elapsed() > QUIET;
        if counted && (number("copies") >= copies || quiet) {
            return Ok(total);
        }
        if since.elapsed() > STALLED {
            bail!("the server stopped counting: {total}");
        }
        server.check()?;
        thread::sleep(Duration::from_millis(100));
    }
}

/// `total` of `/delivery`.
pub(super) fn delivery(http: &Http) -> Result<Value> {
    Ok(http.json(&format!("/api/v1/analytics/{SITE}/delivery"))?["total"].take())
}

/// Events lost by name, all reasons together.
fn lost(total: &Value) -> u64 {
    total["lost"].as_object().map(|lost| lost.values().filter_map(Value::as_u64).sum()).unwrap_or_default()
}

/// One number from both sides.
struct Line {
    metric: String,
    headwater: Option<u64>,
    independent: Option<u64>,
}

impl Line {
    fn equal(&self) -> bool {
        self.headwater == self.independent
    }
}

/// All compared numbers and the delivery line.
pub(crate) struct Table {
    lines: Vec<Line>,
    days: Vec<Line>,
    copies: u64,
}

/// Asks both sides.
pub(super) fn table(
    root: &Path,
    server: &Server,
    file: &Path,
    delivery: &Value,
    order: Order,
) -> Result<Table> {
    let counted =
        process::capture(Command::new(python::find()?).arg(root.join("tests/replay/count.py")).arg(file))?;
    let own: Independent = serde_json::from_str(&counted).context("count.py")?;
    let days = &own.pageviews_by_day;
    let (Some(first), Some(last)) = (days.keys().next(), days.keys().next_back()) else {
        bail!("count.py counted nothing")
    };
    let http = server.api();
    let report = |metric: &str, group: &str| -> Result<Value> {
        let path = format!("/api/v1/analytics/{SITE}/report?metric={metric}&from={first}&to={last}{group}");
        Ok(http.json(&path)?["data"].take())
    };
    let mut lines = Vec::new();
    let totals = [
        ("events", own.events),
        ("users", own.users),
        ("sessions", own.sessions),
        ("client_sessions", own.client_sessions),
    ];
    for (metric, independent) in totals {
        let headwater = report(metric, "")?[0][metric].as_u64();
        lines.push(Line { metric: metric.to_owned(), headwater, independent: Some(independent) });
    }
    let by_name = grouped(&report("pageviews", "&group_by=name")?, "name")?;
    lines.extend(side_by_side("pageviews, name ", &by_name, &own.pageviews_by_name));
    let by_day = grouped(&report("pageviews", "&group_by=day")?, "day")?;
    let promise = [
        ("delivery: known", delivery["known"].as_u64(), own.events),
        ("delivery: counted", delivery["counted"].as_u64(), own.events),
        ("delivery: lost", Some(lost(delivery)), 0),
        ("delivery: in flight", delivery["in_flight"].as_u64(), 0),
        ("delivery: unexplained", delivery["unexplained"].as_u64(), 0),
    ];
    for (metric, headwater, independent) in promise {
        lines.push(Line { metric: metric.to_owned(), headwater, independent: Some(independent) });
    }
    let copies = delivery["copies"].as_u64();
    if order.again {
        let metric = "delivery: copies removed".to_owned();
        lines.push(Line { metric, headwater: copies, independent: Some(own.events) });
    }
    Ok(Table {
        lines,
        days: side_by_side("pageviews, day ", &by_day, days),
        copies: copies.unwrap_or_default(),
    })
}

/// `[{"name": key, "pageviews": n}, …]` as a map; a key that comes twice is an error.
fn grouped(data: &Value, key: &str) -> Result<BTreeMap<String, u64>> {
    let rows = data.as_array().context("the report has no data")?;
    let mut map = BTreeMap::new();
    for row in rows {
        let (Some(name), Some(number)) = (row[key].as_str(), row["pageviews"].as_u64()) else {
            bail!("unexpected row {row}")
        };
        if map.insert(name.to_owned(), number).is_some() {
            bail!("{key} {name} comes twice");
        }
    }
    Ok(map)
}

/// Every key of either side; a key that one side does not know stays empty there.
fn side_by_side(prefix: &str, ours: &BTreeMap<String, u64>, theirs: &BTreeMap<String, u64>) -> Vec<Line> {
    let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    keys.into_iter()
        .map(|key| Line {
            metric: format!("{prefix}{key}"),
            headwater: ours.get(key).copied(),
            independent: theirs.get(key).copied(),
        })
        .collect()
}

impl Table {
    /// How many numbers were compared; an error if any of them differs.
    pub(crate) fn verdict(&self) -> Result<u64> {
        let compared = self.lines.len() + self.days.len();
        match self.lines.iter().chain(&self.days).filter(|line| !line.equal()).count() {
            0 => Ok(compared as u64),
            different => bail!("{different} of {compared} numbers differ"),
        }
    }

    /// Every number; of the days only their sum and those that differ.
    pub(crate) fn print(&self) {
        println!();
        println!("{:<34} {:>10} {:>18}  equal", "metric", "headwater", "independent count");
        let print = |metric: &str, headwater: Option<u64>, independent: Option<u64>, equal: bool| {
            let show = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
            let equal = if equal { "yes" } else { "NO" };
            println!("{metric:<34} {:>10} {:>18}  {equal}", show(headwater), show(independent));
        };
        for line in &self.lines {
            print(&line.metric, line.headwater, line.independent, line.equal());
        }
        let ours = self.days.iter().filter_map(|line| line.headwater).sum();
        let theirs = self.days.iter().filter_map(|line| line.independent).sum();
        let name = format!("pageviews, each of {} days", self.days.len());
        print(&name, Some(ours), Some(theirs), self.days.iter().all(Line::equal));
        for line in self.days.iter().filter(|line| !line.equal()) {
            print(&line.metric, line.headwater, line.independent, false);
        }
        println!("copies removed: {}", self.copies);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_one_side_lacks_is_a_difference() {
        let map = |pairs: &[(&str, u64)]| {
            pairs.iter().map(|(key, number)| ((*key).to_owned(), *number)).collect::<BTreeMap<_, _>>()
        };
        let lines = side_by_side("", &map(&[("a", 1), ("b", 2)]), &map(&[("b", 2), ("c", 0)]));
        assert_eq!(lines.iter().map(Line::equal).collect::<Vec<_>>(), [false, true, false]);
    }
}

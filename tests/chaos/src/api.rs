//! What the server says it has counted.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use jiff::{Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, de::DeserializeOwned};
use ureq::Agent;

/// `GET …/delivery`, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) total: Total,
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub(crate) struct Total {
    pub(crate) known: u64,
    pub(crate) counted: u64,
    pub(crate) copies: u64,
    pub(crate) lost: BTreeMap<String, u64>,
    pub(crate) in_flight: u64,
    pub(crate) unexplained: u64,
}

/// `GET …/report?metric=events`.
#[derive(Debug, Deserialize)]
struct Report {
    data: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default)]
    name: Option<String>,
    events: u64,
}

/// Requests whose answers are looked at as they are.
pub(crate) struct Http(Agent);

impl Http {
    pub(crate) fn new() -> Self {
        let config = Agent::config_builder().timeout_global(Some(LIMIT)).http_status_as_error(false).build();
        Self(config.into())
    }

    /// The body of an answer.
    pub(crate) fn get(&self, url: &str) -> anyhow::Result<String> {
        let text = self.0.get(url).call().and_then(|mut answer| answer.body_mut().read_to_string());
        text.with_context(|| format!("GET {url}"))
    }

    /// The status of an answer.
    pub(crate) fn post(&self, url: &str, body: &str) -> anyhow::Result<u16> {
        let answer = self.0.post(url).header("content-type", "text/plain").send(body);
        Ok(answer.with_context(|| format!("POST {url}"))?.status().as_u16())
    }
}

/// A bridge may take 30 s to say no.
const LIMIT: Duration = Duration::from_secs(40);

pub(crate) struct Api {
    http: Http,
    base: String,
}

impl Api {
    pub(crate) fn new(url: &str, site: &str) -> Self {
        Self { http: Http::new(), base: format!("{url}/api/v1/analytics/{site}") }
    }

    pub(crate) fn delivery(&self) -> anyhow::Result<Total> {
        Ok(self.read::<Delivery>("delivery")?.total)
    }

    /// All events.
    pub(crate) fn events(&self) -> anyhow::Result<u64> {
        let report: Report = self.read(&format!("report?metric=events&{}", days()?))?;
        Ok(report.data.iter().map(|row| row.events).sum())
    }

    /// Events by name; those without one under the empty name.
    pub(crate) fn events_by_name(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let report: Report = self.read(&format!("report?metric=events&group_by=name&{}", days()?))?;
        Ok(report.data.into_iter().map(|row| (row.name.unwrap_or_default(), row.events)).collect())
    }

    fn read<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let url = format!("{}/{path}", self.base);
        let text = self.http.get(&url)?;
        serde_json::from_str(&text).with_context(|| format!("GET {url} answered {text}"))
    }
}

/// Yesterday to tomorrow: a round may run over midnight.
fn days() -> anyhow::Result<String> {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = Span::new().days(1);
    Ok(format!("from={}&to={}", today.checked_sub(day)?, today.checked_add(day)?))
}

//! Requests to our own server on loopback.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::Agent;

/// The longest any answer may take; a report over the demo data takes milliseconds.
const LIMIT: Duration = Duration::from_secs(30);

/// An answer, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `hw-ack`, if the answer is Headwater's.
    pub(crate) acknowledged: Option<u64>,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: String,
}

/// A client that keeps its connections.
pub(crate) struct Http {
    agent: Agent,
    base: String,
}

impl Http {
    pub(crate) fn new(base: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT)).build();
        Self { agent: config.into(), base: base.to_owned() }
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Result<Answer> {
        let sent = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("content-type", "text/plain")
            .send(body)
            .with_context(|| format!("POST {path}"));
        read(sent?)
    }

    /// A JSON answer with status 200.
    pub(crate) fn json(&self, path: &str) -> Result<Value> {
        let sent =
            self.agent.get(format!("{}{path}", self.base)).call().with_context(|| format!("GET {path}"));
        let answer = read(sent?)?;
        anyhow::ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.body.trim());
        serde_json::from_str(&answer.body).with_context(|| format!("GET {path}: {}", answer.body))
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer> {
    let number = |name: &str| response.headers().get(name)?.to_str().ok()?.trim().parse().ok();
    Ok(Answer {
        status: response.status().as_u16(),
        acknowledged: number("hw-ack"),
        retry_after: number("retry-after"),
        body: response.body_mut().read_to_string()?,
    })
}

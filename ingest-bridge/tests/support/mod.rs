//! A bridge in this process over a sink in memory, and a sender over real HTTP.
#![allow(dead_code, reason = "each test uses a part")]

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use headwater_bridge::{
    config::{Config, Overrides},
    http::signature,
    metrics::Metrics,
    report::Reporter,
    serve::Bridge,
    sink::memory::Memory,
};
use serde_json::Value;
use tokio::runtime::Runtime;

pub(crate) const KEY: &str = "key-of-the-edge-0123456789";
pub(crate) const NEXT_KEY: &str = "next-key-of-the-edge-0123456789";

/// The incarnation of every bridge's memory.
pub(crate) const INCARNATION: u128 = 0xfeed;

const CONFIG: &str = r#"
listen = "127.0.0.1:0"
metrics_listen = "127.0.0.1:0"
drain_s = 20

[[sender]]
name = "edge"
keys = ["key-of-the-edge-0123456789", "next-key-of-the-edge-0123456789"]

[http]
max_body_bytes = 4000000
max_inflated_bytes = 6000000

[sink]
kind = "memory"
"#;

pub(crate) struct Server {
    pub(crate) memory: Memory,
    pub(crate) address: SocketAddr,
    pub(crate) metrics: SocketAddr,
    bridge: Option<Bridge>,
    runtime: Runtime,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(CONFIG)
    }

    pub(crate) fn with(config: &str) -> Self {
        let runtime = Runtime::new().expect("threads");
        let config = Config::from_toml(config, Overrides::default()).expect("a configuration");
        let memory = Memory::default();
        let (reporter, reports) = Reporter::channel();
        let sink = memory.sink(INCARNATION, reporter.clone());
        let started = Bridge::with_sink(config, sink, reporter, reports, Arc::new(Metrics::new()));
        let bridge = runtime.block_on(started).expect("a bridge");
        let (address, metrics) = (bridge.address(), bridge.metrics_address());
        let server = Self { memory, address, metrics, bridge: Some(bridge), runtime };
        until("it is ready", || server.operations("/readyz").0 == 200);
        server
    }

    pub(crate) fn operations(&self, path: &str) -> (u16, String) {
        let mut response = agent().get(format!("http://{}{path}", self.metrics)).call().expect("an answer");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("text"))
    }

    pub(crate) fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        post(self.address, headers, body)
    }

    /// Begins to stop; the result when it has.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        self.runtime.block_on(self.bridge.take().expect("running").stop())
    }
}

pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    config.into()
}

pub(crate) fn post(address: SocketAddr, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    try_post(&agent(), address, headers, body).expect("an answer")
}

pub(crate) fn try_post(
    agent: &ureq::Agent,
    address: SocketAddr,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let mut request = agent.post(format!("http://{address}/v1/batches"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.send(body).ok()?;
    let header = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (ack, retry_after) = (header("hw-ack"), header("retry-after"));
    let incarnation = header("hw-incarnation");
    let status = response.status().as_u16();
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string().ok()?;
    let json = serde_json::from_str(&text).ok()?;
    Some(Answer { status, ack, retry_after, incarnation, json })
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) ack: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) incarnation: Option<String>,
    pub(crate) json: Value,
}

impl Answer {
    /// `accepted`, `rejected: …`, `retry: …` of each line.
    pub(crate) fn results(&self) -> Vec<String> {
        let results = self.json["results"].as_array().cloned().unwrap_or_default();
        let word = |result: &Value| match result["reason"].as_str() {
            Some(reason) => format!("{}: {reason}", result["outcome"].as_str().unwrap_or_default()),
            None => result["outcome"].as_str().unwrap_or_default().to_owned(),
        };
        results.iter().map(word).collect()
    }

    pub(crate) fn error(&self) -> &str {
        self.json["error"].as_str().unwrap_or_default()
    }
}

pub(crate) fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

/// The three headers of a signed request.
pub(crate) fn signed(key: &str, unix_ms: i64, body: &[u8]) -> [(&'static str, String); 3] {
    [
        ("hw-sender", "edge".to_owned()),
        ("hw-timestamp", unix_ms.to_string()),
        ("hw-signature", signature(key.as_bytes(), unix_ms, body)),
    ]
}

pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the end of time")
}

pub(crate) fn event(client: u32, seq: u32) -> String {
    padded(client, seq, 0)
}

pub(crate) fn padded(client: u32, seq: u32, bytes: usize) -> String {
    let name = "x".repeat(bytes);
    format!(
        r#"{{"event_id":"018e3a1c-0000-7000-8000-00000000000e","stream":"018e3a1c-0000-4000-8000-{client:012}","seq":{seq},"site_id":"s","client_id":"client-{client}","event_type":"custom","name":"{name}","timestamp":1,"ts":1,"sent_at":1,"received_at":1,"schema_version":1}}"#
    )
}

/// Polls until it holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !holds() {
        assert!(Instant::now() < deadline, "not within two minutes: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

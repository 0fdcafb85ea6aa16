//! The tables of the file, with their defaults.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use headwater_bridge_flow::{Limits, SpoolPolicy};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::{Hidden, Secret};

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: SocketAddr,
    pub(super) metrics_listen: SocketAddr,
    pub(super) open: bool,
    pub(super) drain_s: u32,
    pub(super) http: Http,
    pub(super) tls: Tls,
    pub(super) sender: Vec<Spanned<SenderTable>>,
    pub(super) sink: SinkTable,
    pub(super) kafka: Kafka,
    pub(super) schema_registry: SchemaRegistry,
    pub(super) spool: Spool,
    pub(super) limits: LimitsTable,
}

impl Default for File {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8090)),
            metrics_listen: SocketAddr::from(([127, 0, 0, 1], 9464)),
            open: false,
            drain_s: 30,
            http: Http::default(),
            tls: Tls::default(),
            sender: Vec::new(),
            sink: SinkTable::default(),
            kafka: Kafka::default(),
            schema_registry: SchemaRegistry::default(),
            spool: Spool::default(),
            limits: LimitsTable::default(),
        }
    }
}

/// Bounds of requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// After so long a request is answered `retry` for what has no outcome.
    pub answer_within_ms: u32,
    /// Bytes of a body as it is sent.
    pub max_body_bytes: usize,
    /// Bytes of a body unpacked.
    pub max_inflated_bytes: usize,
    /// Bytes that all requests hold together while they are read.
    pub in_flight_bytes: usize,
    /// Seconds that a signature's time may be away from ours.
    pub signature_window_s: u32,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            answer_within_ms: Limits::default().answer_within_ms,
            max_body_bytes: 8 << 20,
            max_inflated_bytes: 32 << 20,
            in_flight_bytes: 256 << 20,
            signature_window_s: 300,
        }
    }
}

/// How batches come in encrypted: both files, or neither.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the certificate and those that vouch for it.
    pub cert: Option<PathBuf>,
    /// PEM file of its key.
    pub key: Option<PathBuf>,
}

impl Tls {
    /// Both files.
    #[must_use]
    pub fn files(&self) -> Option<(&Path, &Path)> {
        self.cert.as_deref().zip(self.key.as_deref())
    }
}

/// Who may send.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderTable {
    /// For signatures, metrics and logs.
    pub name: String,
    /// Any of them: a new one is added here first, then the old one is removed.
    pub keys: Vec<Secret>,
    /// Whether it keeps what it sends until that is settled.
    #[serde(default = "yes")]
    pub can_retry: bool,
}

impl SenderTable {
    pub(super) fn new(name: &str, keys: Vec<Secret>) -> Self {
        Self { name: name.to_owned(), keys, can_retry: true }
    }
}

fn yes() -> bool {
    true
}

/// Where records go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SinkTable {
    /// Which sink.
    pub kind: SinkKind,
    /// Of the directory (`segments`) or file (`file`).
    pub path: Option<PathBuf>,
}

/// Which sink.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum SinkKind {
    /// A file of NDJSON.
    File,
    /// The brokers.
    #[default]
    Kafka,
    /// Nowhere: for tests.
    Memory,
    /// Segment files, as the embedded log has them.
    Segments,
}

/// The brokers and how they are spoken to.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// `host:port,…`.
    pub bootstrap: Option<String>,
    /// The topic of events.
    pub topic: String,
    /// `<topic>-dlq` if absent.
    pub dead_letter_topic: Option<String>,
    /// After so long librdkafka gives a record up.
    pub message_timeout_ms: Spanned<u32>,
    /// How long a batch may wait to fill. A request's records go to most partitions, each gets its own batch, and only five
    /// batches are under way at once: with 5 ms they queue behind each other, and the slowest answers take longer than
    /// with 10 (`cargo xtask bench bridge`, at half load).
    pub linger_ms: u32,
    /// Bytes of a batch.
    pub batch_bytes: u32,
    /// How often the topic is looked at: partitions, incarnation, brokers in step.
    pub look_ms: u32,
    /// Any option of librdkafka, over ours.
    pub options: BTreeMap<String, String>,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            bootstrap: None,
            topic: "events".to_owned(),
            dead_letter_topic: None,
            message_timeout_ms: Spanned::new(0..0, 20_000),
            linger_ms: 10,
            batch_bytes: 512 << 10,
            look_ms: 1_000,
            options: BTreeMap::new(),
        }
    }
}

impl Kafka {
    /// The dead-letter topic.
    #[must_use]
    pub fn dead_letters(&self) -> String {
        self.dead_letter_topic.clone().unwrap_or_else(|| format!("{}-dlq", self.topic))
    }
}

/// Where the schema of Avro values is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchemaRegistry {
    /// `http(s)://…` of Confluent's API; without it values are JSON.
    pub url: Option<String>,
    /// `user:password` or `Bearer <token>`.
    pub auth: Option<Hidden>,
    /// `<topic>-value` if absent.
    pub subject: Option<String>,
    /// Whether the schema is registered if it is not there; else it must be there.
    pub register: bool,
}

impl Default for SchemaRegistry {
    fn default() -> Self {
        Self { url: None, auth: None, subject: None, register: true }
    }
}

/// What waits on disk.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spool {
    /// Whose records.
    #[serde(deserialize_with = "policy")]
    pub policy: SpoolPolicy,
    /// Where.
    pub dir: Option<PathBuf>,
    /// At which it is full.
    pub bytes: u64,
    /// At which a partition's is full.
    pub age_s: u64,
}

impl Default for Spool {
    fn default() -> Self {
        let Limits { spool_bytes, spool_age_ms, .. } = Limits::default();
        Self { policy: SpoolPolicy::Off, dir: None, bytes: spool_bytes, age_s: spool_age_ms / 1000 }
    }
}

/// Memory, and what is a hot client.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsTable {
    /// Bytes of records in memory; from 70 % on requests are refused.
    pub max_bytes: usize,
    /// Records in memory; likewise.
    pub max_messages: usize,
    /// Records a second from which a client is spread over partitions.
    pub hot_per_s: u32,
}

impl Default for LimitsTable {
    fn default() -> Self {
        let Limits { max_bytes, max_messages, hot_per_s, .. } = Limits::default();
        Self { max_bytes, max_messages, hot_per_s }
    }
}

/// The words for a policy.
pub(crate) const POLICIES: [(&str, SpoolPolicy); 3] =
    [("cannot-retry", SpoolPolicy::CannotRetry), ("off", SpoolPolicy::Off), ("on", SpoolPolicy::On)];

fn policy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SpoolPolicy, D::Error> {
    let word = String::deserialize(deserializer)?;
    let found = POLICIES.iter().find(|(known, _)| *known == word);
    found.map(|(_, policy)| *policy).ok_or_else(|| serde::de::Error::custom("one of: cannot-retry, off, on"))
}

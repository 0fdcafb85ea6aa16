//! How the topic is reached, and what the client is told.

use anyhow::Context as _;
use headwater_registry::{Auth, Client, Schemas};
use rdkafka::ClientConfig;

/// How this client differs from librdkafka's defaults. What is given on the command line comes after it.
const SETTINGS: &[(&str, &str)] = &[
    ("client.id", "headwater"),
    ("group.id", "headwater"),
    // A partition that is just begun with waits behind a fetch that is under way.
    ("fetch.wait.max.ms", "100"),
    // Beside what is fetched ahead here.
    ("queued.max.messages.kbytes", "32768"),
    // For the ends of the partitions, which lag is counted from.
    ("statistics.interval.ms", "1000"),
];

/// What the rest here relies on.
const FIXED: &[(&str, &str)] = &[
    // An offset that is not there is told, and the store knows where to go on.
    ("auto.offset.reset", "error"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "true"),
];

/// Which topic, and how it is reached.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Brokers to begin with: `host:port,…`.
    pub bootstrap: String,
    /// Its name.
    pub topic: String,
    /// The schema registry of Avro values: its address.
    pub registry: Option<String>,
    /// What it knows us by.
    pub registry_auth: Option<Auth>,
    /// Settings of librdkafka: names and values.
    pub settings: Vec<(String, String)>,
}

impl Options {
    /// What reads Avro values.
    pub(super) fn schemas(&self) -> anyhow::Result<Schemas> {
        let client = |url: &String| Client::new(url, self.registry_auth.clone());
        let client = self.registry.as_ref().map(client).transpose();
        let client = client.map_err(anyhow::Error::msg).context("--schema-registry")?;
        Ok(Schemas::new(client))
    }

    /// The client's settings.
    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        let own = SETTINGS.iter().map(|(name, value)| (*name, *value));
        let given = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(given).chain(FIXED.iter().copied()) {
            config.set(name, value);
        }
        config
    }
}

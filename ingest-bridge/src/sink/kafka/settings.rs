//! How librdkafka is set: what the promise needs, what was measured to be fast, and over both the operator's options.

use rdkafka::{
    admin::AdminClient,
    client::DefaultClientContext,
    config::{ClientConfig, RDKafkaLogLevel},
    error::KafkaResult,
};

use crate::config::{Kafka, LimitsTable};

pub(super) struct Settings {
    pub(super) topic: String,
    pub(super) dead_letters: String,
    config: ClientConfig,
    options: Vec<(String, String)>,
}

impl Settings {
    /// Refuses options that would break the promise.
    pub(super) fn new(kafka: &Kafka, limits: &LimitsTable) -> anyhow::Result<Self> {
        let mut config = client(kafka);
        let options: Vec<(String, String)> =
            kafka.options.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        for (name, _) in &options {
            anyhow::ensure!(
                !PROMISED.contains(&name.as_str()),
                "{name}: the bridge's promise rests on its own value"
            );
        }
        config
            // The promise.
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("max.in.flight.requests.per.connection", "5")
            .set("message.timeout.ms", kafka.message_timeout_ms.get_ref().to_string())
            // A topic that was created anew or got partitions is noticed by the watch; this is for leaders that moved.
            .set("topic.metadata.refresh.interval.ms", "10000")
            // A topic that is not there may be there again in a moment.
            .set("topic.metadata.propagation.max.ms", "10000")
            // Fast: few large requests, and no limit of librdkafka's own before the flow's.
            .set("compression.type", "zstd")
            // From 2 on zstd clears a megabyte of tables for each batch, which with many partitions is small.
            .set("compression.level", "1")
            .set("linger.ms", kafka.linger_ms.to_string())
            .set("batch.size", kafka.batch_bytes.to_string())
            .set("batch.num.messages", "10000")
            .set("queue.buffering.max.messages", (limits.max_messages * 2).to_string())
            .set("queue.buffering.max.kbytes", (limits.max_bytes / 512).max(1024).to_string())
            .set("socket.nagle.disable", "true")
            // Back at once when the broker is.
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "2000");
        Ok(Self { topic: kafka.topic.clone(), dead_letters: kafka.dead_letters(), config, options })
    }

    /// For a producer. No batch is larger than the topic takes: the broker would refuse all of it for one.
    pub(super) fn producer(&self, max_message_bytes: Option<u32>) -> ClientConfig {
        let mut config = self.config.clone();
        if let Some(bytes) = max_message_bytes {
            config.set("message.max.bytes", bytes.to_string());
        }
        for (name, value) in &self.options {
            config.set(name, value);
        }
        config
    }

    pub(super) fn admin(&self) -> KafkaResult<AdminClient<DefaultClientContext>> {
        self.producer(None).create()
    }
}

const PROMISED: [&str; 7] = [
    "acks",
    "enable.idempotence",
    "enable.gapless.guarantee",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.timeout.ms",
    "request.required.acks",
];

/// Only where the brokers are, and how to speak to them.
pub(crate) fn client(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", kafka.bootstrap.as_deref().unwrap_or_default())
        .set("client.id", "headwater-bridge")
        .set_log_level(RDKafkaLogLevel::Warning);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_over_ours_but_not_over_the_promise() {
        let mut kafka = Kafka::default();
        kafka.options.insert("linger.ms".to_owned(), "77".to_owned());
        let settings = Settings::new(&kafka, &LimitsTable::default()).unwrap();
        let config = settings.producer(Some(1000));
        assert_eq!((config.get("linger.ms"), config.get("message.max.bytes")), (Some("77"), Some("1000")));
        for name in PROMISED {
            let mut kafka = Kafka::default();
            kafka.options.insert(name.to_owned(), "1".to_owned());
            assert!(Settings::new(&kafka, &LimitsTable::default()).is_err(), "{name}");
        }
    }

    #[test]
    fn librdkafka_knows_every_option_that_is_set() {
        let settings = Settings::new(&Kafka::default(), &LimitsTable::default()).unwrap();
        settings.admin().expect("a configuration");
    }
}

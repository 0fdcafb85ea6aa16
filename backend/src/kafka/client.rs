//! librdkafka's consumer, and what it tells from its own threads.

use std::sync::Arc;

use rdkafka::{
    ClientConfig, ClientContext, Statistics,
    consumer::{BaseConsumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::Lag;
use crate::clock;

pub(super) fn connect(
    config: &ClientConfig,
    topic: &str,
    lag: &Arc<Lag>,
) -> Result<BaseConsumer<Context>, KafkaError> {
    config.create_with_context(Context { topic: topic.to_owned(), lag: Arc::clone(lag) })
}

/// What the client tells from its own threads.
pub(super) struct Context {
    topic: String,
    lag: Arc<Lag>,
}

impl ClientContext for Context {
    fn stats(&self, statistics: Statistics) {
        let now = clock::unix_ms();
        let topic = statistics.topics.get(&self.topic);
        for (part, partition) in topic.into_iter().flat_map(|topic| &topic.partitions) {
            // Below 0 it is not known.
            if let Ok(end) = u64::try_from(partition.hi_offset) {
                self.lag.end(*part, end, now);
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is no error, and that all brokers are away is told once, by who looks.
        let is_told = matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::PartitionEOF | RDKafkaErrorCode::AllBrokersDown)
        );
        if !is_told {
            tracing::warn!(%error, reason, "Kafka");
        }
    }
}

impl ConsumerContext for Context {}

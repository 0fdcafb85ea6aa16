//! Creates the topics. What is there is never changed: an operator may have reasons.

use std::time::Duration;

use headwater_topic_id::describe;
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::RDKafkaErrorCode,
};

use super::settings::client;
use crate::{cli::Shape, config::Config};

/// For one question to the brokers.
const ANSWER: Duration = Duration::from_secs(15);

/// Dead letters are few.
const DEAD_LETTER_PARTITIONS: i32 = 4;

/// Dead letters wait for a person.
const DEAD_LETTER_DAYS: u64 = 30;

/// Beside its bytes a dead letter has a key, headers and the framing of a batch.
const DEAD_LETTER_FRAME: usize = 1 << 20;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Creates what is missing; a line for each topic.
pub async fn apply(config: &Config, shape: Shape) -> anyhow::Result<Vec<String>> {
    let kafka = &config.kafka;
    // What is too large for the topic of events is kept whole: no record is larger than a body.
    let letter_bytes = config.http.max_inflated_bytes + DEAD_LETTER_FRAME;
    anyhow::ensure!(shape.min_isr <= shape.replication, "--min-isr is larger than --replication");
    let mut client = client(kafka);
    for (name, value) in &kafka.options {
        client.set(name, value);
    }
    let admin: AdminClient<DefaultClientContext> = client.create()?;
    let (name, retention_ms) = (kafka.topic.clone(), u64::from(shape.retention_days) * DAY_MS);
    let events = Wanted { name, partitions: shape.partitions, retention_ms, max_bytes: None };
    let letters = Wanted {
        name: kafka.dead_letters(),
        partitions: DEAD_LETTER_PARTITIONS,
        retention_ms: DEAD_LETTER_DAYS * DAY_MS,
        max_bytes: Some(letter_bytes),
    };
    Ok(vec![create(&admin, &events, shape).await?, create(&admin, &letters, shape).await?])
}

struct Wanted {
    name: String,
    partitions: i32,
    retention_ms: u64,
    max_bytes: Option<usize>,
}

async fn create(
    admin: &AdminClient<DefaultClientContext>,
    wanted: &Wanted,
    shape: Shape,
) -> anyhow::Result<String> {
    let Wanted { name, partitions, retention_ms, max_bytes } = wanted;
    let partitions = *partitions;
    let (retention, min_isr) = (retention_ms.to_string(), shape.min_isr.to_string());
    let max_bytes = max_bytes.map(|bytes| bytes.to_string());
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(shape.replication))
        .set("retention.ms", &retention)
        .set("min.insync.replicas", &min_isr)
        // As the bridge packs it: the brokers need not pack it again.
        .set("compression.type", "producer");
    if let Some(bytes) = &max_bytes {
        topic = topic.set("max.message.bytes", bytes);
    }
    let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
    for result in admin.create_topics([&topic], &options).await? {
        match result {
            Ok(_) => {
                return Ok(format!(
                    "{name}: created, {partitions} partitions, {} replicas, min.insync.replicas {min_isr}",
                    shape.replication
                ));
            }
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => anyhow::bail!("{name}: {code}"),
        }
    }
    let there = describe(admin.inner(), name, ANSWER)?;
    let replicas = there.partitions.iter().map(|partition| partition.replicas).min().unwrap_or(0);
    let differs = there.partitions.len() != usize::try_from(partitions).unwrap_or(0)
        || replicas != usize::try_from(shape.replication).unwrap_or(0);
    let word = if differs { "is there and differs, left as it is" } else { "is there" };
    Ok(format!("{name}: {word}, {} partitions, {replicas} replicas", there.partitions.len()))
}

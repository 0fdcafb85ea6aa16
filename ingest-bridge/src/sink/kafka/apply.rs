//! Creates the topics. What is there is never changed: an operator may have reasons.

use std::time::Duration;

use headwater_topic_id::describe;
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::RDKafkaErrorCode,
};

use super::settings::client;
use crate::{cli::Shape, config::Kafka};

/// For one question to the brokers.
const ANSWER: Duration = Duration::from_secs(15);

/// Dead letters are few.
const DEAD_LETTER_PARTITIONS: i32 = 4;

/// Dead letters wait for a person.
const DEAD_LETTER_DAYS: u64 = 30;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Creates what is missing; a line for each topic.
pub async fn apply(kafka: &Kafka, shape: Shape) -> anyhow::Result<Vec<String>> {
    anyhow::ensure!(shape.min_isr <= shape.replication, "--min-isr is larger than --replication");
    let mut config = client(kafka);
    for (name, value) in &kafka.options {
        config.set(name, value);
    }
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    let events = (kafka.topic.clone(), shape.partitions, u64::from(shape.retention_days) * DAY_MS);
    let letters = (kafka.dead_letters(), DEAD_LETTER_PARTITIONS, DEAD_LETTER_DAYS * DAY_MS);
    let mut lines = Vec::new();
    for (name, partitions, retention_ms) in [events, letters] {
        lines.push(create(&admin, &name, partitions, retention_ms, shape).await?);
    }
    Ok(lines)
}

async fn create(
    admin: &AdminClient<DefaultClientContext>,
    name: &str,
    partitions: i32,
    retention_ms: u64,
    shape: Shape,
) -> anyhow::Result<String> {
    let (retention, min_isr) = (retention_ms.to_string(), shape.min_isr.to_string());
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(shape.replication))
        .set("retention.ms", &retention)
        .set("min.insync.replicas", &min_isr)
        // As the bridge packs it: the brokers need not pack it again.
        .set("compression.type", "producer");
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

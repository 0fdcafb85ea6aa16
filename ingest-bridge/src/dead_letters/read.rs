//! Reads the dead-letter topic, as far as it goes when reading begins.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use rdkafka::{
    ClientContext, Message as _, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{BorrowedMessage, Headers as _},
    metadata::MetadataPartition,
};

use super::{Letter, Place};
use crate::{
    config::Kafka,
    sink::kafka::{HW_CUT, HW_REASON, client},
};

/// For one question to the brokers.
const ANSWER: Duration = Duration::from_secs(15);

/// So long a broker may not know yet of a topic that was just created.
const PROPAGATION: Duration = Duration::from_secs(3);

/// Without a record for so long, reading is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What goes wrong is told by the call that it goes wrong for, and the end of a partition is no error.
struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}

impl ConsumerContext for Quiet {}

pub(super) struct Reader {
    consumer: BaseConsumer<Quiet>,
    topic: String,
    partitions: Vec<i32>,
}

impl Reader {
    pub(super) fn new(kafka: &Kafka) -> anyhow::Result<Self> {
        let topic = kafka.dead_letters();
        let mut config = client(kafka);
        // Options for producers are none of a consumer's, and it says so of each.
        config.set_log_level(RDKafkaLogLevel::Error).set("group.id", "headwater-bridge-dlq");
        for (name, value) in &kafka.options {
            config.set(name, value);
        }
        config
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true");
        let consumer: BaseConsumer<Quiet> = config.create_with_context(Quiet).context("kafka.options")?;
        let brokers = kafka.bootstrap.as_deref().unwrap_or_default();
        let begun = Instant::now();
        loop {
            let metadata = consumer.fetch_metadata(Some(&topic), ANSWER);
            let metadata = metadata.with_context(|| format!("no broker of {brokers} answers"))?;
            let found = metadata.topics().first().context("the brokers say nothing about the topic")?;
            let Some(code) = found.error().map(Code::from) else {
                let mut partitions: Vec<i32> = found.partitions().iter().map(MetadataPartition::id).collect();
                partitions.sort_unstable();
                return Ok(Self { consumer, topic, partitions });
            };
            if code == Code::UnknownTopicOrPartition && begun.elapsed() < PROPAGATION {
                thread::sleep(Duration::from_millis(100));
                continue;
            }
            let hint =
                if code == Code::UnknownTopicOrPartition { " (headwater-bridge topics apply)" } else { "" };
            bail!("the dead-letter topic {topic:?} cannot be read: {code}{hint}");
        }
    }

    /// Every letter, partition by partition.
    pub(super) fn all(&self, mut visit: impl FnMut(Letter) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for partition in &self.partitions {
            let (first, end) = self.consumer.fetch_watermarks(&self.topic, *partition, ANSWER)?;
            if first < end {
                self.assign(*partition, first)?;
                while let Some(letter) = self.next(end)? {
                    let is_last = letter.place.offset + 1 >= end;
                    visit(letter)?;
                    if is_last {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn one(&self, place: Place) -> anyhow::Result<Letter> {
        let topic = &self.topic;
        ensure!(self.partitions.contains(&place.partition), "{place}: {topic:?} has no such partition");
        let (first, end) = self.consumer.fetch_watermarks(topic, place.partition, ANSWER)?;
        ensure!(place.offset < end, "{place}: the partition ends at {end}");
        ensure!(place.offset >= first, "{place}: retention took it; the partition begins at {first}");
        self.assign(place.partition, place.offset)?;
        let found = self.next(end)?.filter(|letter| letter.place == place);
        found.with_context(|| format!("{place}: there is no letter"))
    }

    fn assign(&self, partition: i32, offset: i64) -> anyhow::Result<()> {
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition_offset(&self.topic, partition, Offset::Offset(offset))?;
        Ok(self.consumer.assign(&wanted)?)
    }

    /// The next letter below `end`, if there is one.
    fn next(&self, end: i64) -> anyhow::Result<Option<Letter>> {
        let begun = Instant::now();
        let mut last = None;
        while begun.elapsed() < PATIENCE {
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    return Ok(Some(letter(&message)).filter(|found| found.place.offset < end));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
                // Otherwise it tries on by itself.
                Some(Err(error)) => last = Some(error),
                None => {}
            }
        }
        let why = last.map_or_else(|| "no broker sent a record".to_owned(), |error| error.to_string());
        bail!("{:?} cannot be read: {why}", self.topic)
    }
}

fn letter(message: &BorrowedMessage<'_>) -> Letter {
    let header = |name| {
        let found = message.headers()?.iter().find(|header| header.key == name)?;
        Some(String::from_utf8_lossy(found.value?).into_owned())
    };
    let copied = |bytes: Option<&[u8]>| Bytes::copy_from_slice(bytes.unwrap_or_default());
    Letter {
        place: Place { partition: message.partition(), offset: message.offset() },
        at: message.timestamp().to_millis(),
        reason: header(HW_REASON).unwrap_or_default(),
        is_cut: header(HW_CUT).is_some_and(|cut| cut == "true"),
        key: copied(message.key()),
        body: copied(message.payload()),
    }
}

//! A topic of Kafka as the source that the consumer reads.
//!
//! The store's own offsets decide where reading goes on: partitions are assigned, no group is joined, and the group's
//! offsets are written only for tools that show lag.
//!
//! **A record is read only when it is sure which topic it is of.** A topic that is deleted and created anew under its
//! name has other records at the same offsets, and the client fetches on without a word. So after records are fetched,
//! and before they are read, a broker is asked for the topic's id: as long as it is the one that reading began with,
//! what came before the question is of that topic. Otherwise everything fetched is dropped, and the consumer finds out
//! from offsets and fingerprints where to go on.
//!
//! **What cannot be read yet is not passed over**: a value whose schema nobody can tell stops its partition, with an error
//! in the log, a metric and the alert, until the registry knows it. The others go on.

mod client;
mod lag;
mod options;
mod parts;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    iter,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use headwater_consumer::{Source, Unready, bounded};
use headwater_registry::Schemas;
use headwater_topic_id::describe;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};

use client::{Context, connect};
pub use headwater_registry::Auth;
pub use lag::Lag;
pub use options::Options;
use parts::Parts;

use crate::{clock, source::Wait};

/// What is taken from the client ahead of the store, at most.
const MAX_BYTES: usize = 16 << 20;

/// Records that come within this of each other are fetched together, so that the topic's id is asked for at most so
/// often.
const TOGETHER: Duration = Duration::from_millis(25);

/// How often the topic is looked at when nothing comes: new partitions, another topic in its place.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often the group's offsets are written.
const GROUP_EVERY: Duration = Duration::from_secs(1);

/// How long a partition is left alone that stands at a record which cannot be read.
const STAND: Duration = Duration::from_secs(1);

/// How long a broker has for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A topic as a source.
pub struct KafkaSource {
    config: ClientConfig,
    topic: String,
    /// In the store's offsets.
    name: String,
    client: BaseConsumer<Context>,
    /// None until a broker told.
    known: Option<Known>,
    parts: Parts,
    schemas: Schemas,
    /// Parts that stand at a record which cannot be read yet: until when they are left alone.
    standing: BTreeMap<i32, Instant>,
    lag: Arc<Lag>,
    looked: Option<Instant>,
    /// Partitions whose end the client reached since it was last waited for.
    ended_parts: BTreeSet<i32>,
    /// Why what was fetched is not the consumer's next records; told by the next question.
    doubt: Option<String>,
    /// Why the topic could not be looked at, said once.
    trouble: Option<String>,
    group: BTreeMap<i32, u64>,
    group_written: Instant,
    ended: bool,
}

/// The topic that is read.
#[derive(Clone, Copy, Debug)]
struct Known {
    id: u128,
    partitions: i32,
}

impl KafkaSource {
    /// Connects in the background.
    ///
    /// # Errors
    /// Only of settings that cannot be.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        let config = options.config();
        let lag = Arc::new(Lag::new(&options.topic, clock::unix_ms()));
        let client = connect(&config, &options.topic, &lag).context("the settings for Kafka")?;
        Ok(Self {
            config,
            topic: options.topic.clone(),
            name: format!("kafka/{}", options.topic),
            client,
            known: None,
            parts: Parts::default(),
            schemas: options.schemas()?,
            standing: BTreeMap::new(),
            lag,
            looked: None,
            ended_parts: BTreeSet::new(),
            doubt: None,
            trouble: None,
            group: BTreeMap::new(),
            group_written: Instant::now(),
            ended: false,
        })
    }

    /// How far the store is behind, for metrics.
    #[must_use]
    pub fn lag(&self) -> Arc<Lag> {
        Arc::clone(&self.lag)
    }

    /// Asks a broker which topic this is. True if it is the one that is read, and one to be read if none was.
    fn look(&mut self) -> bool {
        self.looked = Some(Instant::now());
        let topic = match describe(self.client.client(), &self.topic, PATIENCE) {
            Ok(topic) => topic,
            Err(error) => {
                let trouble = error.to_string();
                if self.trouble.as_ref() != Some(&trouble) {
                    tracing::warn!(topic = self.topic, %error, "the topic cannot be looked at; trying on");
                    self.trouble = Some(trouble);
                }
                return false;
            }
        };
        self.lag.heard(clock::unix_ms());
        if self.trouble.take().is_some() {
            tracing::info!(topic = self.topic, "the topic can be looked at");
        }
        let partitions = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let known = self.known.get_or_insert(Known { id: topic.id, partitions });
        if known.id != topic.id {
            self.doubt = Some("the topic was deleted and created anew".to_owned());
            return false;
        }
        if known.partitions < partitions {
            tracing::info!(topic = self.topic, partitions, "the topic has more partitions");
            known.partitions = partitions;
        }
        true
    }

    /// Where there is doubt, tells it once and forgets everything, also what the client knows.
    fn check_doubt(&mut self) -> anyhow::Result<()> {
        let Some(why) = self.doubt.take() else { return Ok(()) };
        self.known = None;
        self.parts = Parts::default();
        self.standing.clear();
        self.group.clear();
        self.lag.forget();
        self.client = connect(&self.config, &self.topic, &self.lag)?;
        Err(Unready(why).into())
    }

    /// Lets the client fetch a partition from `next`.
    fn begin(&mut self, part: i32, next: u64) {
        let at = |offset| {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&self.topic, part, offset).map(|()| list)
        };
        let begin = || -> Result<(), KafkaError> {
            if self.parts.knows(part) {
                self.client.incremental_unassign(&at(Offset::Invalid)?)?;
            }
            self.client.incremental_assign(&at(kafka_offset(next))?)
        };
        if let Err(error) = begin() {
            self.doubt = Some(error.to_string());
        }
        self.parts.begin(part, next);
        self.lag.begin(part, next);
    }

    /// Waits for the first record of a partition that was just begun with; there need not be one.
    fn fetch_first(&mut self, part: i32) -> anyhow::Result<()> {
        let begun = Instant::now();
        self.ended_parts.remove(&part);
        while !self.parts.is_ready(part) && !self.ended_parts.contains(&part) {
            self.fetch(TOGETHER, usize::MAX);
            self.check_doubt()?;
            if begun.elapsed() > PATIENCE {
                return Err(Unready(format!("partition {part}: no broker answered in time")).into());
            }
        }
        Ok(())
    }

    /// Takes what the client fetched, waiting for the first record until `timeout`, and makes it readable.
    fn fetch(&mut self, timeout: Duration, max_bytes: usize) {
        let mut fetched: BTreeMap<i32, Fetched> = BTreeMap::new();
        let (mut left, mut together) = (timeout, None);
        while self.doubt.is_none() && self.parts.bytes() < max_bytes {
            match self.client.poll(left) {
                None => break,
                Some(Ok(message)) => take(&mut self.parts, &mut fetched, &message),
                Some(Err(KafkaError::PartitionEOF(part))) => {
                    self.ended_parts.insert(part);
                }
                Some(Err(error)) => {
                    self.doubt = doubt(&error);
                    // Otherwise the client tries on by itself.
                    tracing::debug!(%error, "Kafka");
                }
            }
            if !timeout.is_zero() {
                let until = *together.get_or_insert_with(|| Instant::now() + TOGETHER);
                left = until.saturating_duration_since(Instant::now());
            }
        }
        for (part, Fetched { first, written, next }) in fetched {
            self.lag.fetched(part, first, written, next);
        }
        if self.doubt.is_none() && self.parts.has_fresh() && self.look() {
            self.parts.make_ready();
        }
    }

    /// Writes the group's offsets, for tools; nothing depends on them.
    fn write_group(&mut self) {
        if self.group.is_empty() {
            return;
        }
        self.group_written = Instant::now();
        let mut list = TopicPartitionList::new();
        for (part, next) in std::mem::take(&mut self.group) {
            if let Err(error) = list.add_partition_offset(&self.topic, part, kafka_offset(next)) {
                tracing::debug!(%error, part, "offset of the group");
            }
        }
        if let Err(error) = self.client.commit(&list, CommitMode::Async) {
            tracing::debug!(%error, "offsets of the group");
        }
    }
}

impl Source for KafkaSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn parts(&self) -> Vec<i32> {
        (0..self.known.map_or(0, |known| known.partitions)).collect()
    }

    fn bounds(&mut self, part: i32) -> anyhow::Result<Range<u64>> {
        self.check_doubt()?;
        let bounds = self.client.fetch_watermarks(&self.topic, part, PATIENCE);
        let (first, end) = bounds.map_err(|error| Unready(format!("partition {part}: {error}")))?;
        if !self.look() {
            self.check_doubt()?;
            return Err(Unready("no broker says which topic it is".to_owned()).into());
        }
        Ok(u64::try_from(first)?..u64::try_from(end)?)
    }

    fn read(
        &mut self,
        part: i32,
        from: u64,
        max_bytes: usize,
        max_records: usize,
    ) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        self.check_doubt()?;
        if self.standing.get(&part).is_some_and(|until| Instant::now() < *until) {
            return Ok(Vec::new());
        }
        if !self.parts.goes_on(part, from) {
            self.begin(part, from);
            self.fetch_first(part)?;
        } else if !self.parts.has_ready() && !self.ended {
            self.fetch(Duration::ZERO, MAX_BYTES);
        }
        self.check_doubt()?;
        let parts = &mut self.parts;
        Ok(bounded(iter::from_fn(|| parts.pop(part)), max_bytes, max_records))
    }

    fn prepare(&mut self, part: i32, offset: u64, record: &[u8]) -> bool {
        match self.schemas.prepare(record) {
            Ok(()) => {
                if self.standing.remove(&part).is_some() {
                    tracing::info!(part, offset, "reading goes on");
                    self.lag.goes_on(part);
                }
                true
            }
            Err(unknown) => {
                if self.standing.insert(part, Instant::now() + STAND).is_none() {
                    tracing::error!(part, offset, %unknown, "reading of the partition stands still at a record");
                    self.lag.stands(part);
                }
                false
            }
        }
    }

    fn text<'r>(&self, record: &'r [u8]) -> Cow<'r, [u8]> {
        self.schemas.json(record).map_or(Cow::Borrowed(record), Cow::Owned)
    }

    fn committed(&mut self, part: i32, next: u64) {
        self.lag.committed(part, next);
        self.group.insert(part, next);
        if self.group_written.elapsed() >= GROUP_EVERY {
            self.write_group();
        }
    }
}

impl Wait for KafkaSource {
    fn wait(&mut self, _next: &[(i32, u64)], timeout: Duration) {
        if self.parts.has_ready() || self.ended {
            return;
        }
        if self.group_written.elapsed() >= GROUP_EVERY {
            self.write_group();
        }
        if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            self.look();
        }
        self.fetch(timeout, MAX_BYTES);
    }

    /// What is ready is still read.
    fn end(&mut self) {
        self.ended = true;
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        // Closing waits for it, so not when nobody answers.
        if self.trouble.is_none() {
            self.write_group();
        }
    }
}

fn kafka_offset(offset: u64) -> Offset {
    Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}

/// What came of one partition.
struct Fetched {
    first: u64,
    /// When the first was written, Unix milliseconds.
    written: i64,
    next: u64,
}

fn take(parts: &mut Parts, fetched: &mut BTreeMap<i32, Fetched>, message: &BorrowedMessage<'_>) {
    let (part, offset) = (message.partition(), u64::try_from(message.offset()).unwrap_or(0));
    if parts.push(part, offset, message.payload().unwrap_or_default().to_vec()) {
        let written = || message.timestamp().to_millis().unwrap_or_else(clock::unix_ms);
        let fetched =
            fetched.entry(part).or_insert_with(|| Fetched { first: offset, written: written(), next: 0 });
        fetched.next = offset + 1;
    }
}

/// Why the client's place in the topic is not to be trusted, if it says so.
fn doubt(error: &KafkaError) -> Option<String> {
    let KafkaError::MessageConsumption(code) = error else {
        return matches!(error, KafkaError::MessageConsumptionFatal(_)).then(|| error.to_string());
    };
    let gone = matches!(code, RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange);
    gone.then(|| "the records at an offset are gone".to_owned())
}

//! The sink that writes to Kafka, by librdkafka.
//!
//! `encoding` makes values, `producer` gives records to librdkafka and takes its reports, `settings` says how librdkafka is set, `watch` looks at
//! the topic, `apply` creates it.

mod apply;
mod encoding;
mod producer;
mod settings;
mod watch;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use headwater_bridge_flow::{Failure, Input, To};

pub use self::{apply::apply, encoding::Encoding};
use self::{encoding::NOT_IN_SCHEMA, producer::Producer, settings::Settings, watch::Watch};
pub(crate) use self::{
    producer::{HW_CUT, HW_REASON},
    settings::client,
};
use super::{Produce, Sink};
use crate::{config::Config, metrics::Metrics, report::Reporter};

/// A sink that writes to the brokers of the configuration. What is wrong with the options of librdkafka is said here.
pub fn sink(
    config: &Config,
    encoding: Encoding,
    reporter: Reporter,
    metrics: Arc<Metrics>,
) -> anyhow::Result<Box<dyn Sink>> {
    let kafka = &config.kafka;
    let settings = Settings::new(kafka, &config.limits).context("kafka.options")?;
    let look = Duration::from_millis(u64::from(kafka.look_ms));
    let watch =
        Watch::start(settings.admin().context("kafka.options")?, kafka, look, reporter.clone(), metrics)?;
    Ok(Box::new(KafkaSink { settings, encoding, watch, reporter, events: None, letters: None }))
}

struct KafkaSink {
    settings: Settings,
    encoding: Encoding,
    watch: Watch,
    reporter: Reporter,
    events: Option<Producer>,
    /// Made for the first dead letter, apart because its topic takes larger records: librdkafka has one limit for all.
    letters: Option<Producer>,
}

impl KafkaSink {
    fn start(&self, max_message_bytes: Option<u32>) -> anyhow::Result<Producer> {
        Producer::start(&self.settings, max_message_bytes, self.reporter.clone())
    }

    fn retire(&mut self) {
        for old in [self.events.take(), self.letters.take()].into_iter().flatten() {
            old.retire();
        }
    }

    fn for_letters(&mut self) -> anyhow::Result<&mut Producer> {
        if self.letters.is_none() {
            self.letters = Some(self.start(self.watch.max_letter_bytes())?);
        }
        self.letters.as_mut().context("just made")
    }
}

impl Sink for KafkaSink {
    fn build(&mut self) {
        // The old ones end beside us: librdkafka takes its time.
        self.retire();
        let max_message_bytes = self.watch.max_message_bytes();
        match self.start(max_message_bytes) {
            Ok(producer) => {
                self.events = Some(producer);
                self.reporter.tell(Input::ProducerBuilt);
                // What the watch told of it meanwhile was about the one before.
                if self.watch.max_message_bytes() != max_message_bytes {
                    self.reporter.tell(Input::Fatal);
                }
            }
            Err(error) => {
                tracing::error!("no producer: {error:#}");
                self.reporter.tell(Input::ProducerFailed);
            }
        }
    }

    fn produce(&mut self, mut record: Produce) {
        // Without a producer of events, the flow was told, and gives all of it to the next.
        let Some(events) = &mut self.events else { return };
        let attempt = record.attempt;
        if let To::Events { .. } = record.to {
            match self.encoding.value(record.body) {
                Ok(value) => {
                    record.body = value;
                    events.send(record);
                }
                Err(error) => {
                    tracing::warn!(%error, "a record is not in the schema");
                    let result = Err(Failure::Refused(NOT_IN_SCHEMA.to_owned()));
                    self.reporter.tell(Input::Produced { attempt, result });
                }
            }
            return;
        }
        match self.for_letters() {
            Ok(letters) => letters.send(record),
            Err(error) => {
                tracing::error!("no producer of dead letters: {error:#}");
                self.reporter.tell(Input::Produced { attempt, result: Err(Failure::Unsure) });
            }
        }
    }

    fn flush(&mut self) {
        for producer in [&mut self.events, &mut self.letters].into_iter().flatten() {
            producer.send_waiting();
        }
    }
}

impl Drop for KafkaSink {
    fn drop(&mut self) {
        self.retire();
    }
}

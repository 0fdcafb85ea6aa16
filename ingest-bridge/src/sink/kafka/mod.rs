//! The sink that writes to Kafka, by librdkafka.
//!
//! `producer` gives records to librdkafka and takes its reports, `settings` says how librdkafka is set, `watch` looks at
//! the topic, `apply` creates it.

mod apply;
mod producer;
mod settings;
mod watch;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use headwater_bridge_flow::Input;

pub use self::apply::apply;
use self::{producer::Producer, settings::Settings, watch::Watch};
use super::{Produce, Sink};
use crate::{config::Config, metrics::Metrics, report::Reporter};

/// A sink that writes to the brokers of the configuration. What is wrong with the options of librdkafka is said here.
pub fn sink(config: &Config, reporter: Reporter, metrics: Arc<Metrics>) -> anyhow::Result<Box<dyn Sink>> {
    let kafka = &config.kafka;
    let settings = Settings::new(kafka, &config.limits).context("kafka.options")?;
    let look = Duration::from_millis(u64::from(kafka.look_ms));
    let watch =
        Watch::start(settings.admin().context("kafka.options")?, kafka, look, reporter.clone(), metrics)?;
    Ok(Box::new(KafkaSink { settings, watch, reporter, producer: None }))
}

struct KafkaSink {
    settings: Settings,
    watch: Watch,
    reporter: Reporter,
    producer: Option<Producer>,
}

impl Sink for KafkaSink {
    fn build(&mut self) {
        // The old one ends beside us: librdkafka takes its time.
        if let Some(old) = self.producer.take() {
            old.retire();
        }
        match Producer::start(&self.settings, self.watch.max_message_bytes(), self.reporter.clone()) {
            Ok(producer) => {
                self.producer = Some(producer);
                self.reporter.tell(Input::ProducerBuilt);
            }
            Err(error) => {
                tracing::error!("no producer: {error:#}");
                self.reporter.tell(Input::ProducerFailed);
            }
        }
    }

    fn produce(&mut self, record: Produce) {
        // Without one, the flow was told, and gives all of it to the next.
        if let Some(producer) = &mut self.producer {
            producer.send(record);
        }
    }

    fn flush(&mut self) {
        if let Some(producer) = &mut self.producer {
            producer.send_waiting();
        }
    }
}

impl Drop for KafkaSink {
    fn drop(&mut self) {
        if let Some(producer) = self.producer.take() {
            producer.retire();
        }
    }
}

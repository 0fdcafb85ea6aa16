//! librdkafka alone.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use headwater_rig::usage::cpu_seconds;
use headwater_schema::Record;
use rdkafka::{
    ClientContext,
    config::ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
};
use serde_json::json;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Brokers
    #[arg(long)]
    kafka: String,
    /// Topic
    #[arg(long)]
    topic: String,
    /// NDJSON
    #[arg(long)]
    file: PathBuf,
    /// Option of librdkafka, name=value; can be repeated
    #[arg(long = "set", value_parser = option)]
    options: Vec<(String, String)>,
}

fn option(pair: &str) -> Result<(String, String), &'static str> {
    let (name, value) = pair.split_once('=').ok_or("name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Counts what the broker has.
#[derive(Default)]
struct Reports {
    delivered: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.delivered } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let text = fs::read_to_string(&arguments.file).with_context(|| arguments.file.display().to_string())?;
    let lines: Vec<(&str, String)> = text
        .lines()
        .map(|line| Ok((line, Record::from_slice(line.as_bytes())?.key().into_owned())))
        .collect::<anyhow::Result<_>>()?;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &arguments.kafka);
    for (name, value) in &arguments.options {
        config.set(name, value);
    }
    let producer: ThreadedProducer<Reports> = config.create_with_context(Reports::default())?;
    let used = cpu_seconds(std::process::id())?;
    let begun = Instant::now();
    for (line, key) in &lines {
        let mut record = BaseRecord::to(&arguments.topic).key(key).payload(*line);
        while let Err((error, refused)) = producer.send(record) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(error.into());
            }
            std::thread::sleep(Duration::from_millis(1));
            record = refused;
        }
    }
    producer.flush(Duration::from_mins(2))?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = cpu_seconds(std::process::id())? - used;
    let delivered = producer.context().delivered.load(Ordering::Relaxed);
    if delivered != lines.len() as u64 {
        bail!("{delivered} of {} were delivered", lines.len());
    }
    let report = json!({ "events": delivered, "seconds": seconds, "cpu_seconds": cpu });
    Ok(writeln!(io::stdout(), "{report}")?)
}

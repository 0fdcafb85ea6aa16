//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use headwater_bridge_flow::SpoolPolicy;

use crate::{
    config::{Overrides, POLICIES, SinkKind},
    dead_letters::Place,
};

/// Takes batches of events over HTTP and writes them to Kafka; says yes only after the broker did.
#[derive(Parser)]
#[command(name = "headwater-bridge", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Look at dead letters, and send them again after a fix
    Dlq {
        /// What to do with them.
        #[command(subcommand)]
        command: Dlq,
    },
    /// Take batches until SIGTERM
    Serve(Box<Settings>),
    /// Look after the topics
    Topics {
        /// What to do with them.
        #[command(subcommand)]
        command: Topics,
    },
}

/// What to do with dead letters.
#[derive(Subcommand)]
pub enum Dlq {
    /// List them: place (partition:offset), time, reason, bytes, and what names the event
    List {
        /// Which of them.
        #[command(flatten)]
        filter: Filter,
        /// A line of JSON for each
        #[arg(long)]
        json: bool,
        /// Where they are.
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Send letters to the topic of events again, and say of each what became of it. Twice is once: copies do not count
    Replay {
        /// Which of them.
        #[command(flatten)]
        chosen: Chosen,
        /// Where they are.
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Show one with its original bytes
    Show {
        /// partition:offset, as `list` shows it
        place: Place,
        /// Only the bytes, as they came
        #[arg(long)]
        bytes: bool,
        /// Where it is.
        #[command(flatten)]
        settings: Box<Settings>,
    },
}

impl Dlq {
    /// Takes the settings out.
    #[must_use]
    pub fn settings(&mut self) -> Settings {
        let (Self::List { settings, .. } | Self::Replay { settings, .. } | Self::Show { settings, .. }) =
            self;
        std::mem::take(settings)
    }
}

/// Which letters.
#[derive(Args, Clone, Debug, Default)]
pub struct Filter {
    /// Only those with this reason, such as MSG_SIZE_TOO_LARGE
    #[arg(long)]
    pub reason: Option<String>,
    /// Only those of this site
    #[arg(long)]
    pub site: Option<String>,
}

/// Which letters are replayed: some by their places, or all.
#[derive(Args, Clone, Debug)]
pub struct Chosen {
    /// partition:offset, as `list` shows it
    #[arg(required_unless_present = "all", conflicts_with_all = ["all", "reason", "site"])]
    pub places: Vec<Place>,
    /// All of them, or all that --reason and --site leave
    #[arg(long)]
    pub all: bool,
    /// Which of all.
    #[command(flatten)]
    pub filter: Filter,
}

/// What to do with the topics.
#[derive(Subcommand)]
pub enum Topics {
    /// Create the topic of events and the dead-letter topic where they are missing, and say what differs elsewhere
    Apply {
        /// How they are created.
        #[command(flatten)]
        shape: Shape,
        /// Which they are.
        #[command(flatten)]
        settings: Box<Settings>,
    },
}

/// How topics are created.
#[derive(Args, Clone, Copy, Debug)]
pub struct Shape {
    /// Partitions of the topic of events
    #[arg(long, default_value_t = 64, env = "HEADWATER_BRIDGE_PARTITIONS", value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: i32,
    /// Days that events are kept
    #[arg(long, default_value_t = 7, env = "HEADWATER_BRIDGE_RETENTION_DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub retention_days: u32,
    /// Brokers that keep each partition
    #[arg(long, default_value_t = 3, env = "HEADWATER_BRIDGE_REPLICATION", value_parser = clap::value_parser!(i32).range(1..))]
    pub replication: i32,
    /// Brokers that must have a record before it is acknowledged
    #[arg(long, default_value_t = 2, env = "HEADWATER_BRIDGE_MIN_ISR", value_parser = clap::value_parser!(i32).range(1..))]
    pub min_isr: i32,
}

/// Where the settings are; each flag goes over the file.
#[derive(Args, Debug, Default)]
pub struct Settings {
    /// TOML file; headwater-bridge.example.toml shows all fields
    #[arg(long, env = "HEADWATER_BRIDGE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address and port for batches; port 0 picks a free one
    #[arg(long, env = "HEADWATER_BRIDGE_LISTEN")]
    listen: Option<SocketAddr>,
    /// PEM file of the certificate with which batches come in over TLS
    #[arg(long, env = "HEADWATER_BRIDGE_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// PEM file of its key
    #[arg(long, env = "HEADWATER_BRIDGE_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Address and port for /metrics, /healthz and /readyz
    #[arg(long, env = "HEADWATER_BRIDGE_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
    /// Let anyone send; refused on an address that is not loopback
    #[arg(long, env = "HEADWATER_BRIDGE_OPEN")]
    open: bool,
    /// Seconds for what is under way when the process is asked to end
    #[arg(long, env = "HEADWATER_BRIDGE_DRAIN_S")]
    drain_s: Option<u32>,
    /// Where records go: kafka, segments, file, memory
    #[arg(long, env = "HEADWATER_BRIDGE_SINK", value_parser = sink)]
    sink: Option<SinkKind>,
    /// Directory (segments) or file (file) of the sink
    #[arg(long, env = "HEADWATER_BRIDGE_SINK_PATH")]
    sink_path: Option<PathBuf>,
    /// Brokers, host:port,…
    #[arg(long, env = "HEADWATER_BRIDGE_KAFKA")]
    kafka: Option<String>,
    /// Topic of events
    #[arg(long, env = "HEADWATER_BRIDGE_TOPIC")]
    topic: Option<String>,
    /// Topic of dead letters; <topic>-dlq by default
    #[arg(long, env = "HEADWATER_BRIDGE_DEAD_LETTER_TOPIC")]
    dead_letter_topic: Option<String>,
    /// Option of librdkafka, name=value; can be repeated
    #[arg(long = "kafka-option", env = "HEADWATER_BRIDGE_KAFKA_OPTIONS", value_delimiter = ';', value_parser = option)]
    kafka_options: Vec<(String, String)>,
    /// Write values as Avro with the schema registry at this URL (Confluent's API); user:password or Bearer <token> by
    /// HEADWATER_BRIDGE_SCHEMA_REGISTRY_AUTH
    #[arg(long, env = "HEADWATER_BRIDGE_SCHEMA_REGISTRY")]
    schema_registry: Option<String>,
    /// Whose records wait on disk while the brokers are away: off, on, cannot-retry
    #[arg(long, env = "HEADWATER_BRIDGE_SPOOL", value_parser = policy)]
    spool: Option<SpoolPolicy>,
    /// Directory of the spool
    #[arg(long, env = "HEADWATER_BRIDGE_SPOOL_DIR")]
    spool_dir: Option<PathBuf>,
}

impl Settings {
    /// What goes over the file. Keys come by `HEADWATER_BRIDGE_KEY`, separated by commas.
    #[must_use]
    pub fn overrides(self) -> (Option<PathBuf>, Overrides) {
        let given = std::env::var("HEADWATER_BRIDGE_KEY").unwrap_or_default();
        let keys: Vec<String> = given.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        let overrides = Overrides {
            listen: self.listen,
            metrics_listen: self.metrics_listen,
            open: self.open,
            drain_s: self.drain_s,
            tls_cert: self.tls_cert,
            tls_key: self.tls_key,
            sink: self.sink,
            sink_path: self.sink_path,
            bootstrap: self.kafka,
            topic: self.topic,
            dead_letter_topic: self.dead_letter_topic,
            options: self.kafka_options,
            schema_registry: self.schema_registry,
            schema_registry_auth: std::env::var("HEADWATER_BRIDGE_SCHEMA_REGISTRY_AUTH")
                .ok()
                .filter(|auth| !auth.is_empty()),
            spool: self.spool,
            spool_dir: self.spool_dir,
            keys,
        };
        (self.config, overrides)
    }
}

fn sink(word: &str) -> Result<SinkKind, &'static str> {
    match word {
        "file" => Ok(SinkKind::File),
        "kafka" => Ok(SinkKind::Kafka),
        "memory" => Ok(SinkKind::Memory),
        "segments" => Ok(SinkKind::Segments),
        _ => Err("one of: file, kafka, memory, segments"),
    }
}

fn policy(word: &str) -> Result<SpoolPolicy, &'static str> {
    let found = POLICIES.iter().find(|(known, _)| *known == word);
    found.map(|(_, policy)| *policy).ok_or("one of: cannot-retry, off, on")
}

fn option(pair: &str) -> Result<(String, String), &'static str> {
    let (name, value) = pair.split_once('=').ok_or("name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

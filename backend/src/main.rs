//! `headwater`: Headwater on one machine.

use std::{
    io::{self, Write},
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
#[cfg(feature = "kafka")]
use headwater_backend::kafka::Auth;
use headwater_backend::serve::{Intake, Options, Server};
use headwater_service::process::{Signals, run};

/// Counts every event exactly once, or says why not.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run collector, log, store, API and dashboard in this process
    Serve(Serve),
}

#[derive(Args)]
struct Serve {
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Directory that holds the data; created if need be
    #[arg(long)]
    data: PathBuf,
    /// TOML file with the sites: id, origins, read_tokens and secret_keys of each
    #[arg(long)]
    config: Option<PathBuf>,
    /// Accept any site and any reader; refused on an address that is not loopback
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    collector: headwater_native::settings::Settings,
    #[cfg(feature = "kafka")]
    #[command(flatten)]
    kafka: FromKafka,
}

#[cfg(feature = "kafka")]
#[derive(Args)]
#[command(next_help_heading = "Events from Kafka")]
struct FromKafka {
    /// Read events from these brokers' topic instead of the embedded log: host:port,…
    #[arg(long, value_name = "BROKERS", requires_all = ["topic", "no_collector"])]
    kafka: Option<String>,
    /// Name of the topic
    #[arg(long, requires = "kafka")]
    topic: Option<String>,
    /// Only consume: no /collect, no log. Whoever fills the topic (headwater-bridge) answers the senders
    #[arg(long, requires = "kafka")]
    no_collector: bool,
    /// Schema registry of Avro values, http(s)://… of Confluent's API
    #[arg(long, value_name = "URL", requires = "kafka")]
    schema_registry: Option<String>,
    /// What it knows us by: user:password or Bearer <token>; better by the variable, where others do not see it
    #[arg(long, env = "HEADWATER_SCHEMA_REGISTRY_AUTH", hide_env_values = true, value_parser = Auth::parse)]
    schema_registry_auth: Option<Auth>,
    /// A setting of librdkafka, as often as need be: security.protocol, sasl.username, group.id, …
    #[arg(long, value_name = "NAME=VALUE", requires = "kafka", value_parser = setting)]
    kafka_set: Vec<(String, String)>,
}

impl Serve {
    fn options(self) -> Options {
        let Self { listen, data, config, open, collector, .. } = self;
        #[cfg(feature = "kafka")]
        let intake = match (self.kafka.kafka, self.kafka.topic) {
            (Some(bootstrap), Some(topic)) => Intake::Kafka(headwater_backend::kafka::Options {
                bootstrap,
                topic,
                settings: self.kafka.kafka_set,
                registry: self.kafka.schema_registry,
                registry_auth: self.kafka.schema_registry_auth,
            }),
            _ => Intake::Collector,
        };
        #[cfg(not(feature = "kafka"))]
        let intake = Intake::Collector;
        Options { listen, data, config, open, collector, intake }
    }
}

fn main() -> ExitCode {
    let Arguments { command: Command::Serve(arguments) } = Arguments::parse();
    run(serve(arguments.options()))
}

async fn serve(options: Options) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut server = Server::start(options).await?;
    let mut stdout = io::stdout();
    if let Some(address) = server.metrics_address() {
        writeln!(stdout, "metrics on http://{address}")?;
    }
    writeln!(stdout, "listening on http://{}", server.address())?;
    stdout.flush()?;
    let failure = tokio::select! {
        name = signals.next() => {
            tracing::info!("{name}: finishing what is under way; a second signal ends at once");
            None
        }
        failure = server.failed() => Some(failure),
    };
    tokio::select! {
        stopped = server.stop() => match failure {
            None => stopped,
            Some(failure) => Err(anyhow::anyhow!(failure)),
        },
        name = signals.next() => anyhow::bail!("{name} again: ended at once, the next start reads back the log"),
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "no such address".to_owned())
}

#[cfg(feature = "kafka")]
fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

//! `headwater-bridge`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Parser as _;
use headwater_bridge::{
    cli::{Arguments, Command, Settings, Topics},
    config::Config,
    serve::Bridge,
};
use headwater_service::process::{self, Signals};

fn main() -> ExitCode {
    process::run(run(Arguments::parse().command))
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        #[cfg(feature = "kafka")]
        Command::Dlq { mut command } => {
            let config = load_for_command(command.settings())?;
            let done = tokio::task::spawn_blocking(move || {
                headwater_bridge::dead_letters::run(&command, &config, &mut io::BufWriter::new(io::stdout()))
            });
            done.await?
        }
        Command::Serve(settings) => serve(load(*settings)?).await,
        #[cfg(feature = "kafka")]
        Command::Topics { command: Topics::Apply { shape, settings } } => {
            let config = load_for_command(*settings)?;
            for line in headwater_bridge::sink::kafka::apply(&config, shape).await? {
                writeln!(io::stdout(), "{line}")?;
            }
            Ok(())
        }
        #[cfg(not(feature = "kafka"))]
        Command::Dlq { .. } | Command::Topics { command: Topics::Apply { .. } } => {
            anyhow::bail!("this program was built without Kafka (cargo build --features kafka)")
        }
    }
}

fn load(settings: Settings) -> anyhow::Result<Config> {
    let (path, overrides) = settings.overrides();
    let config = Config::load(path.as_deref(), overrides);
    config.with_context(|| path.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string()))
}

/// Nobody sends to a command.
#[cfg(feature = "kafka")]
fn load_for_command(settings: Settings) -> anyhow::Result<Config> {
    let (path, mut overrides) = settings.overrides();
    overrides.open = true;
    overrides.listen = Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let config = Config::load(path.as_deref(), overrides);
    config.with_context(|| path.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string()))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut bridge = Bridge::start(config).await?;
    let mut stdout = io::stdout();
    writeln!(stdout, "metrics on http://{}", bridge.metrics_address())?;
    writeln!(stdout, "listening on {}", bridge.url())?;
    stdout.flush()?;
    let is_asked = tokio::select! {
        name = signals.next() => {
            tracing::info!("{name}: finishing what is under way; a second signal ends at once");
            true
        }
        () = bridge.failed() => false,
    };
    if !is_asked {
        anyhow::bail!("the bridge's thread ended; its log says why");
    }
    tokio::select! {
        stopped = bridge.stop() => stopped,
        name = signals.next() => anyhow::bail!("{name} again: ended at once; what had no answer is sent again"),
    }
}

//! `headwater-bridge`.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Parser as _;
use headwater_bridge::{
    cli::{Arguments, Command, Settings, Topics},
    config::Config,
    serve::Bridge,
};
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(ansi).init();
    let outcome = Runtime::new().context("cannot start").and_then(|runtime| {
        let outcome = runtime.block_on(run(command));
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
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

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

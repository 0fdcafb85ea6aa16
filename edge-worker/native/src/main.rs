//! `headwater-collector`: `POST /collect` in, a bridge behind.

use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use axum::serve::ListenerExt as _;
use clap::Parser;
use headwater_collector::Sites;
use headwater_native::{Bridge, Collector, Options, router};
use tokio::{net::TcpListener, runtime::Runtime, time::timeout};
use tracing_subscriber::EnvFilter;

/// So long requests under way are waited for when the server stops: the bridge's own time limit.
const GRACE: Duration = Duration::from_secs(30);

/// Takes events from SDKs and forwards them to a bridge.
#[derive(Parser)]
#[command(name = "headwater-collector", version, about)]
struct Arguments {
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8080", env = "HEADWATER_COLLECTOR_LISTEN")]
    listen: SocketAddr,
    /// The bridge, http://host:port
    #[arg(long, env = "HEADWATER_COLLECTOR_BRIDGE")]
    bridge: String,
    /// File with the key that the bridge knows this collector by; or HEADWATER_BRIDGE_KEY
    #[arg(long, env = "HEADWATER_COLLECTOR_BRIDGE_KEY_FILE")]
    bridge_key_file: Option<PathBuf>,
    /// TOML file with the sites: id, origins and secret_keys of each
    #[arg(long, env = "HEADWATER_COLLECTOR_CONFIG")]
    config: Option<PathBuf>,
    /// Accept any site; refused on an address that is not loopback
    #[arg(long)]
    open: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(ansi).init();
    let outcome =
        Runtime::new().context("cannot start").and_then(|runtime| runtime.block_on(serve(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let sites = Arc::new(sites(&arguments)?);
    let key = key(arguments.bridge_key_file.as_deref())?;
    let bridge = Bridge::new(&arguments.bridge, key.as_deref())?;
    let mut signals = Signals::new()?;
    let listener = TcpListener::bind(arguments.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on http://{}", listener.local_addr()?)?;
    stdout.flush()?;
    let listener = listener.tap_io(|socket| {
        // Answers are small and each is waited for.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    let service = router(Collector::new(sites, bridge, Options::default()));
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async {
        // A dropped sender means the same.
        let _ = stopped.await;
    });
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        name = signals.next() => tracing::info!("{name}: answering what is under way"),
        ended = &mut server => return Ok(ended??),
    }
    let _ = stop.send(());
    match timeout(GRACE, &mut server).await {
        Ok(ended) => Ok(ended??),
        Err(_) => bail!("some requests had no answer within {GRACE:?}"),
    }
}

fn sites(arguments: &Arguments) -> anyhow::Result<Sites> {
    if arguments.open && !arguments.listen.ip().is_loopback() {
        bail!("--open lets anyone write, so it needs a loopback address; {} is none", arguments.listen.ip());
    }
    let Some(path) = &arguments.config else {
        if arguments.open {
            return Ok(Sites::open());
        }
        bail!("which sites? Give --config FILE, or --open on your own machine");
    };
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let sites = Sites::from_toml(&text).with_context(|| path.display().to_string())?;
    Ok(if arguments.open { sites.opened() } else { sites })
}

/// Never a flag: others would see it.
fn key(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let key = match file {
        Some(file) => fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => std::env::var("HEADWATER_BRIDGE_KEY").unwrap_or_default(),
    };
    Ok(Some(key.trim().to_owned()).filter(|key| !key.is_empty()))
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

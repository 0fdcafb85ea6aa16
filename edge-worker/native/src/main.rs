//! `headwater-collector`: `POST /collect` in, a bridge behind.

use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use axum::Router;
use clap::{Parser, Subcommand};
use headwater_native::{
    Bridge, Collector, IpSalts, LiveSites, Options, Outbox, Sdk, SitesFile, Watcher, router_at, settings,
};
use headwater_service::{
    operations,
    process::{Signals, prompt, run},
    server::{self, Bounds},
    settings::parse,
    tls::{self, TlsListener},
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

/// So long requests under way are waited for when the server stops: the bridge's own time limit.
const GRACE: Duration = Duration::from_secs(30);

/// Takes events from SDKs and forwards them to a bridge.
#[derive(Parser)]
#[command(name = "headwater-collector", version, about, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// TOML file with any of these settings, named as their flags: `prefix = "/abc"`. Flags and variables go over it
    #[arg(long, value_name = "FILE", env = "HEADWATER_COLLECTOR_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8080", env = "HEADWATER_COLLECTOR_LISTEN")]
    listen: SocketAddr,
    /// PEM file of the certificate with which events come in over TLS
    #[arg(long, value_name = "FILE", env = "HEADWATER_COLLECTOR_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file of its key
    #[arg(long, value_name = "FILE", env = "HEADWATER_COLLECTOR_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The bridge, http://host:port
    #[arg(long, value_name = "URL", env = "HEADWATER_COLLECTOR_BRIDGE", required = true)]
    bridge: Option<String>,
    /// File with the key that the bridge knows this collector by; or HEADWATER_BRIDGE_KEY
    #[arg(long, value_name = "FILE", env = "HEADWATER_COLLECTOR_BRIDGE_KEY_FILE")]
    bridge_key_file: Option<PathBuf>,
    /// TOML or JSON file with the sites: id, origins, read_tokens and secret_keys of each; read again when it changes and on SIGHUP
    #[arg(long, value_name = "FILE", env = "HEADWATER_COLLECTOR_SITES")]
    sites: Option<PathBuf>,
    /// Directory for the salts of hashed addresses, so that a restart goes on with the day's; each is removed after 48 h
    #[arg(long, value_name = "DIR", env = "HEADWATER_COLLECTOR_IP_SALTS")]
    ip_salts: Option<PathBuf>,
    /// Accept any site; refused on an address that is not loopback
    #[arg(long, env = "HEADWATER_COLLECTOR_OPEN")]
    open: bool,
    /// Directory where events of pixels and of the plain form wait while the bridge is away
    #[arg(long, value_name = "DIR", env = "HEADWATER_COLLECTOR_OUTBOX")]
    outbox: Option<PathBuf>,
    /// Bytes of events that may wait there
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, env = "HEADWATER_COLLECTOR_OUTBOX_BYTES")]
    outbox_bytes: u64,
    #[command(flatten)]
    collector: settings::Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Show path, integrity and script tag of a built browser SDK
    Sdk {
        /// Its folder, sdk-web/dist
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments: Arguments = parse();
    run(async {
        match &arguments.command {
            Some(Command::Sdk { dir }) => {
                let sdk = Sdk::read(dir)?;
                writeln!(io::stdout(), "{}\n{}\n{}", sdk.path(), sdk.integrity(), sdk.tag(""))?;
                Ok(())
            }
            None => serve(arguments).await,
        }
    })
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let settings = &arguments.collector;
    let file = sites_file(&arguments)?;
    let sites = LiveSites::from(file.read()?);
    let salts = arguments.ip_salts.as_deref().map(IpSalts::in_directory).unwrap_or_default();
    let key = key(arguments.bridge_key_file.as_deref())?;
    let bridge = Bridge::new(arguments.bridge.as_deref().unwrap_or_default(), key.as_deref())?;
    let endpoints = settings.endpoints()?;
    let files = arguments.tls_cert.as_deref().zip(arguments.tls_key.as_deref());
    let acceptor = files.map(|(cert, key)| tls::acceptor(cert, key)).transpose()?;
    let outbox = arguments.outbox.as_deref().map(|dir| Outbox::open(dir, arguments.outbox_bytes));
    let options = Options {
        proxies: settings.proxies(),
        rates: settings.rates(sites.now().is_open()),
        outbox: outbox.transpose().context("--outbox")?,
        places: settings.places()?,
        ..Options::default()
    };
    let mut signals = Signals::new()?;
    let listener = listen(arguments.listen).await?;
    let operations = match settings.metrics_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let mut stdout = io::stdout();
    if let Some(operations) = &operations {
        writeln!(stdout, "metrics on http://{}", operations.local_addr()?)?;
    }
    let scheme = if acceptor.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr()?);
    if let Some(sdk) = &endpoints.sdk {
        let base = format!("{url}{}", endpoints.paths.prefix);
        writeln!(stdout, "SDK at {base}{}, integrity {}", sdk.path(), sdk.integrity())?;
    }
    writeln!(stdout, "listening on {url}")?;
    stdout.flush()?;

    let _watcher = Watcher::start(file, sites.clone(), salts.clone());
    let collector = Collector::with_salts(sites, salts, bridge, options);
    let draining = tokio::spawn({
        let collector = collector.clone();
        async move { collector.drain_outbox().await }
    });
    let (stop, stopping) = watch::channel(false);
    let app = router_at(collector.clone(), &endpoints);
    let mut server = match acceptor {
        Some(acceptor) => {
            start(TlsListener::new(listener, acceptor)?, app, settings.bounds(), stopping.clone())
        }
        None => start(prompt(listener), app, settings.bounds(), stopping.clone()),
    };
    if let Some(operations) = operations {
        let app = operations::router(Arc::new(collector));
        // It ends with the process: until the last answer it shows what is going on.
        drop(start(prompt(operations), app, Bounds::default(), stopping));
    }
    tokio::select! {
        name = signals.next() => tracing::info!("{name}: answering what is under way"),
        ended = &mut server => return Ok(ended??),
    }
    let _ = stop.send(true);
    let ended = timeout(GRACE, &mut server).await;
    draining.abort();
    match ended {
        Ok(ended) => Ok(ended??),
        Err(_) => bail!("some requests had no answer within {GRACE:?}"),
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

fn start<L: axum::serve::Listener<Addr = SocketAddr>>(
    listener: L,
    app: Router,
    bounds: Bounds,
    mut stopping: watch::Receiver<bool>,
) -> JoinHandle<io::Result<()>> {
    tokio::spawn(server::serve(listener, app, bounds, async move {
        // Whoever could say so is gone: the same.
        let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
    }))
}

fn sites_file(arguments: &Arguments) -> anyhow::Result<SitesFile> {
    if arguments.open && !arguments.listen.ip().is_loopback() {
        bail!("--open lets anyone write, so it needs a loopback address; {} is none", arguments.listen.ip());
    }
    SitesFile::new("--sites", arguments.sites.as_deref(), arguments.open)
}

/// Never a flag: others would see it.
fn key(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let key = match file {
        Some(file) => fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => std::env::var("HEADWATER_BRIDGE_KEY").unwrap_or_default(),
    };
    Ok(Some(key.trim().to_owned()).filter(|key| !key.is_empty()))
}

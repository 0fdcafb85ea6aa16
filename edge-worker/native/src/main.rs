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
use clap::Parser;
use headwater_collector::Sites;
use headwater_native::{Bridge, Collector, Options, router};
use headwater_service::process::{Signals, prompt, run};
use tokio::{net::TcpListener, time::timeout};

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
    run(serve(Arguments::parse()))
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
    let service = router(Collector::new(sites, bridge, Options::default()));
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(prompt(listener), service).with_graceful_shutdown(async {
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

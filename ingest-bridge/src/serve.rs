//! Starts everything, and ends it in order: refuse what is new, finish what is under way, then close the sockets.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use axum::{Router, serve::Listener};
use headwater_bridge_flow::{Config as FlowConfig, Limits, SpoolPolicy};
use headwater_service::{
    operations,
    process::prompt,
    server::{self, Bounds},
    tls::{self, TlsListener},
};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    config::{Config, SinkKind},
    host::{self, Handle, Parts},
    http::{self, Senders},
    metrics::Metrics,
    report::{Reporter, Reports},
    sink::{self, Sink, memory::Memory},
    spool::Spool,
};

/// Connections that are still open after every request has its answer.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// What the flow has beyond `drain_s` to say that it ended: its own deadline is that.
const FLOW_GRACE: Duration = Duration::from_secs(2);

/// Partitions until the sink says how many there are.
const PARTITIONS: u32 = 64;

/// A running bridge.
pub struct Bridge {
    address: SocketAddr,
    is_tls: bool,
    metrics_address: SocketAddr,
    drain_s: u32,
    handle: Handle,
    ended: oneshot::Receiver<()>,
    close: watch::Sender<bool>,
    servers: Vec<JoinHandle<io::Result<()>>>,
}

impl Bridge {
    /// Starts a bridge; when it returns, requests are taken.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let (reporter, reports) = Reporter::channel();
        let metrics = Arc::new(Metrics::new());
        let sink = sink(&config, &reporter, &metrics).await?;
        Self::with_sink(config, sink, reporter, reports, metrics).await
    }

    /// As [`start`](Self::start), with a sink of the caller's.
    pub async fn with_sink(
        config: Config,
        sink: Box<dyn Sink>,
        reporter: Reporter,
        reports: Reports,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let files = config.tls.files();
        let acceptor = files.map(|(cert, key)| tls::acceptor(cert, key)).transpose()?;
        let batches = listen(config.listen).await?;
        let operations = listen(config.metrics_listen).await?;
        let (address, metrics_address) = (batches.local_addr()?, operations.local_addr()?);
        let spool = match &config.spool.dir {
            Some(dir) if config.spool.policy != SpoolPolicy::Off => {
                Some(Spool::start(dir.clone(), reporter.clone())?)
            }
            _ => None,
        };
        let flow = FlowConfig { limits: limits(&config), partitions: PARTITIONS, spool: config.spool.policy };
        let (handle, ended) = host::start(Parts { config: flow, sink, spool, metrics, reports, reporter })?;
        let (close, closing) = watch::channel(false);
        let senders = Senders::new(&config.senders, config.open);
        let app = http::batches(&config.http, senders, handle.clone());
        let batches = match acceptor {
            Some(acceptor) => serve(TlsListener::new(batches, acceptor)?, app, closing.clone()),
            None => serve(prompt(batches), app, closing.clone()),
        };
        let operations = serve(prompt(operations), operations::router(Arc::new(handle.clone())), closing);
        let servers = vec![batches, operations];
        let is_tls = config.tls.cert.is_some();
        Ok(Self { address, is_tls, metrics_address, drain_s: config.drain_s, handle, ended, close, servers })
    }

    /// Where batches are taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As a URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.address)
    }

    /// Where metrics and health are shown.
    #[must_use]
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics_address
    }

    /// Waits until the flow's thread ends although nobody asked it to.
    pub async fn failed(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Ends in order. What is under way has the configured time; what has no outcome then is answered `retry`.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let within = Duration::from_secs(u64::from(self.drain_s));
        self.handle.stop(self.drain_s.saturating_mul(1000));
        let flow = timeout(within + FLOW_GRACE, &mut self.ended).await;
        // Whoever listens for it has ended, or ends now.
        let _ = self.close.send(true);
        for server in &mut self.servers {
            match timeout(LAST_GRACE, &mut *server).await {
                Ok(ended) => ended??,
                Err(_) => server.abort(),
            }
        }
        if flow.is_err() {
            bail!("what was under way did not end within {within:?}");
        }
        Ok(())
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

fn serve<L: Listener<Addr = SocketAddr>>(
    listener: L,
    app: Router,
    mut closing: watch::Receiver<bool>,
) -> JoinHandle<io::Result<()>> {
    let closed = async move {
        // Whoever could say so is gone: the same.
        let _ = closing.wait_for(|is_closing| *is_closing).await;
    };
    tokio::spawn(server::serve(listener, app, Bounds::default(), closed))
}

fn limits(config: &Config) -> Limits {
    Limits {
        answer_within_ms: config.http.answer_within_ms,
        hot_per_s: config.limits.hot_per_s,
        max_bytes: config.limits.max_bytes,
        max_messages: config.limits.max_messages,
        spool_age_ms: config.spool.age_s.saturating_mul(1000),
        spool_bytes: config.spool.bytes,
        ..Limits::default()
    }
}

#[cfg_attr(
    not(feature = "kafka"),
    expect(
        unused_variables,
        clippy::unused_async,
        reason = "Kafka shows the state of its topic, and asks a registry"
    )
)]
async fn sink(config: &Config, reporter: &Reporter, metrics: &Arc<Metrics>) -> anyhow::Result<Box<dyn Sink>> {
    let path = || config.sink.path.as_deref().context("sink.path: this sink needs a path");
    Ok(match config.sink.kind {
        SinkKind::File => sink::file(path()?, reporter.clone())?,
        #[cfg(feature = "kafka")]
        SinkKind::Kafka => {
            let (registry, kafka) = (config.schema_registry.clone(), config.kafka.clone());
            let encoding = tokio::task::spawn_blocking(move || sink::kafka::Encoding::of(&registry, &kafka));
            sink::kafka::sink(config, encoding.await??, reporter.clone(), Arc::clone(metrics))?
        }
        #[cfg(not(feature = "kafka"))]
        SinkKind::Kafka => bail!("this program was built without Kafka (cargo build --features kafka)"),
        SinkKind::Memory => Memory::default().sink(uuid::Uuid::new_v4().as_u128(), reporter.clone()),
        SinkKind::Segments => sink::segments(path()?, reporter.clone())?,
    })
}

//! Everything in one process: collector, log, consumer, store, API and dashboard over one data directory.
//!
//! With a topic of Kafka instead of the log there is no collector: whoever fills the topic answers the senders.
//!
//! Starting: lock, dictionary, database, log, consumer, socket. Stopping: no new requests, the ones under
//! way are answered, the log is closed, the consumer commits what is in it. A kill at any moment leaves
//! nothing to repair that the next start does not repair.

use std::{
    fs::{self, File},
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, bail};
use axum::Router;
use headwater_collector::Unavailable;
use headwater_consumer::Source;
use headwater_native::{Collector, Forward, Forwarded, IpSalts, LiveSites, SitesFile, Trace, Watcher};
use headwater_segments::{AppendError, GroupCommit};
use headwater_service::{
    lock, operations,
    process::prompt,
    server::{self, Bounds},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task,
    time::timeout,
};

use crate::{
    api::{self, Api},
    consumer::Runner,
    dashboard,
    dictionary::Dictionary,
    log::{self, LogSource},
    query::Queries,
    source::Wait,
    store::Store,
};

/// So long requests that are under way are waited for when the server stops; a client that gets no answer
/// tries again elsewhere or later.
const GRACE: Duration = Duration::from_secs(10);

/// Seconds after which a collector whose log is busy may be asked again.
const RETRY_AFTER_S: u32 = 2;

/// What to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// The data directory, created if it is not there.
    pub data: PathBuf,
    /// The sites file.
    pub config: Option<PathBuf>,
    /// Any site and any reader: on a loopback address only.
    pub open: bool,
    /// How the collector is reached, and what its senders may do.
    pub collector: headwater_native::settings::Settings,
    /// Where events come from.
    pub intake: Intake,
}

/// Where events come from.
#[derive(Clone, Debug, Default)]
pub enum Intake {
    /// A collector in this process, and the log that it appends to.
    #[default]
    Collector,
    /// A topic that others fill.
    #[cfg(feature = "kafka")]
    Kafka(crate::kafka::Options),
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    stop_serving: oneshot::Sender<()>,
    serving: task::JoinHandle<std::io::Result<()>>,
    log: Option<Arc<GroupCommit>>,
    stop_consuming: Arc<AtomicBool>,
    consumer: JoinHandle<anyhow::Result<()>>,
    failures: mpsc::Receiver<String>,
    _watcher: Watcher,
    _lock: File,
}

impl Server {
    /// Starts everything; when it returns, requests are answered.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let file = sites_file(&options)?;
        let sites = LiveSites::from(file.read()?);
        create_private(&options.data)?;
        let lock = lock::take(&options.data)?;
        let listener = listen(options.listen).await?;
        let address = listener.local_addr()?;
        let mut metrics_address = None;
        let settings = options.collector.clone();
        let endpoints = settings.endpoints()?;
        let places = settings.places()?;

        let salts = IpSalts::in_directory(&options.data.join("ip-salts"));
        let watcher = Watcher::start(file, sites.clone(), salts.clone());

        let (failed, failures) = mpsc::channel(1);
        let stop_consuming = Arc::new(AtomicBool::new(false));
        let opened = {
            let (options, stop, failed) = (options, Arc::clone(&stop_consuming), failed.clone());
            task::spawn_blocking(move || open(options, stop, failed)).await??
        };
        let Opened { consumer, queries, log, routes } = opened;
        let mut app = routes.merge(api::router(Api::new(sites.clone(), queries))).merge(dashboard::router());
        if let Some(log) = &log {
            let forward = LogForward { log: Arc::clone(log), failed };
            // The store is in this process, removes the copies itself, and counts them.
            let collecting = headwater_native::Options {
                seen_cache: false,
                proxies: settings.proxies(),
                rates: settings.rates(sites.now().is_open()),
                places,
                ..Default::default()
            };
            let collector = Collector::with_salts(sites, salts, forward, collecting);
            app = app.merge(headwater_native::router_at(collector.clone(), &endpoints));
            if let Some(address) = settings.metrics_listen {
                let operations = listen(address).await?;
                metrics_address = Some(operations.local_addr()?);
                let app = operations::router(Arc::new(collector));
                // It ends with the process: until the last answer it shows what is going on.
                let forever = std::future::pending();
                drop(tokio::spawn(server::serve(prompt(operations), app, Bounds::default(), forever)));
            }
        }

        let (stop_serving, stopped) = oneshot::channel();
        let serving = tokio::spawn(server::serve(prompt(listener), app, settings.bounds(), async {
            // A dropped sender means that the server is gone anyway.
            let _ = stopped.await;
        }));
        Ok(Self {
            address,
            metrics_address,
            stop_serving,
            serving,
            log,
            stop_consuming,
            consumer,
            failures,
            _watcher: watcher,
            _lock: lock,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the collector's metrics are shown, if anywhere.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Waits until something failed that only a restart repairs, and says what.
    pub async fn failed(&mut self) -> String {
        self.failures.recv().await.unwrap_or_else(|| "every part of the server ended".to_owned())
    }

    /// Answers the requests under way, commits everything they brought, and ends.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Self { stop_serving, mut serving, log, stop_consuming, consumer, _lock: lock, .. } = self;
        let _ = stop_serving.send(());
        if let Ok(ended) = timeout(GRACE, &mut serving).await {
            ended??;
        } else {
            tracing::warn!("some requests were still under way");
            serving.abort();
        }
        task::spawn_blocking(move || {
            if let Some(log) = log {
                // What is answered from now on is answered 503.
                log.close();
            }
            stop_consuming.store(true, Ordering::Release);
            let ended = consumer.join().unwrap_or_else(|_| bail!("the consumer's thread panicked"));
            drop(lock);
            ended
        })
        .await?
    }
}

fn sites_file(options: &Options) -> anyhow::Result<SitesFile> {
    if options.open && !options.listen.ip().is_loopback() {
        bail!(
            "--open lets anyone read and write, so it needs a loopback address; {} is none",
            options.listen.ip()
        );
    }
    SitesFile::new("--config", options.config.as_deref(), options.open)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Only its owner may read it: it holds who did what.
fn create_private(data: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data).with_context(|| format!("cannot create {}", data.display()))
}

/// What runs behind the socket, and what the socket needs of it.
struct Opened {
    consumer: JoinHandle<anyhow::Result<()>>,
    queries: Queries,
    log: Option<Arc<GroupCommit>>,
    /// Beside those that every server has.
    routes: Router,
}

#[cfg_attr(
    not(feature = "kafka"),
    expect(clippy::needless_pass_by_value, reason = "only the way to the brokers is taken out of them")
)]
fn open(options: Options, stop: Arc<AtomicBool>, failed: mpsc::Sender<String>) -> anyhow::Result<Opened> {
    let data = &options.data;
    let dictionary = Dictionary::open(&data.join("dictionary.log"))?;
    let store = Store::open(&data.join("headwater.duckdb"), &dictionary)?;
    let dir = data.join("log");
    match options.intake {
        Intake::Collector => {
            let log = log::open(&dir)?;
            let consumer = Runner::new(LogSource::new(dir, Arc::clone(&log)), store, dictionary)?;
            let queries = consumer.queries()?;
            let consumer = consume(consumer, stop, failed)?;
            Ok(Opened { consumer, queries, log: Some(log), routes: Router::new() })
        }
        #[cfg(feature = "kafka")]
        Intake::Kafka(kafka) => {
            if dir.is_dir() {
                tracing::warn!("the log in {} is not read while events come from Kafka", data.display());
            }
            let source = crate::kafka::KafkaSource::new(&kafka)?;
            let lag = source.lag();
            let metrics = move || async move { lag.metrics(crate::clock::unix_ms()) };
            let routes = Router::new()
                .route("/healthz", axum::routing::get(|| async { "ok" }))
                .route("/metrics", axum::routing::get(metrics));
            let consumer = Runner::new(source, store, dictionary)?;
            let queries = consumer.queries()?;
            Ok(Opened { consumer: consume(consumer, stop, failed)?, queries, log: None, routes })
        }
    }
}

fn consume<S: Source + Wait + Send + 'static>(
    mut consumer: Runner<S>,
    stop: Arc<AtomicBool>,
    failed: mpsc::Sender<String>,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let run = move || {
        // A panic must end the server: it would go on taking events that nobody commits.
        let ended = catch_unwind(AssertUnwindSafe(|| consumer.run(&stop)));
        let ended = ended.unwrap_or_else(|_| bail!("the consumer panicked"));
        match &ended {
            // A start without a write-ahead log to read back is quicker; it is no more than that.
            Ok(()) => consumer.checkpoint().unwrap_or_else(|error| tracing::warn!(%error, "no checkpoint")),
            Err(error) => tell(&failed, format!("{error:#}")),
        }
        ended
    };
    Ok(thread::Builder::new().name("hw-consumer".to_owned()).spawn(run)?)
}

/// The embedded log as the stage behind the collector.
struct LogForward {
    log: Arc<GroupCommit>,
    failed: mpsc::Sender<String>,
}

impl Forward for LogForward {
    /// A log has no place for a trace.
    async fn forward(&self, records: Vec<Vec<u8>>, _: Option<Trace>) -> Result<Forwarded, Unavailable> {
        let appended = match self.log.append(records) {
            Ok(receipt) => receipt.await,
            Err(error) => Err(error),
        };
        // This log cannot change while the process lives.
        let Err(error) = appended else { return Ok(Forwarded::all(0)) };
        if let AppendError::Failed(error) = &error {
            tell(&self.failed, error.to_string());
        }
        tracing::warn!(%error, "a request was not written to the log");
        Err(Unavailable {
            message: "the log does not take events now".to_owned(),
            retry_after_s: RETRY_AFTER_S,
        })
    }
}

/// The first failure ends the server; the others say the same.
fn tell(failed: &mpsc::Sender<String>, failure: String) {
    let _ = failed.try_send(failure);
}

//! One thread owns the flow, tells it what happens, and does what it says. Nothing else touches the flow, so nothing is
//! locked.
//!
//! Two channels lead here. The one for requests is bounded, and a request that finds it full is answered *busy*. The
//! one for reports (of the sink, of the spool, of senders that hung up) is not, because it must never block whom it
//! serves; what it holds is bounded by what the flow has given out: a report per record in flight, a word per sync, read
//! and request. What arrived is told in bulk ([`Reporter::arrived`]).

mod handle;

use std::{
    collections::HashMap,
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use headwater_bridge_flow::{Answer, Config, Effect, Flow, Input, SpoolPolicy};
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
    time::sleep_until,
};

use self::handle::Ask;
pub(crate) use self::handle::Refused;
pub use self::handle::{Asked, Handle};
use crate::{
    metrics::Metrics,
    report::{Reporter, Reports},
    sink::{Produce, Sink},
    spool::{Command, Spool},
};

/// Requests that wait for the thread. They are parsed already, and it takes each in microseconds.
const WAITING_REQUESTS: usize = 1024;

/// Inputs that are taken from a channel at once.
const AT_ONCE: usize = 256;

/// What the thread is made of.
pub struct Parts {
    /// For the flow.
    pub config: Config,
    /// Where records go.
    pub sink: Box<dyn Sink>,
    /// Where records wait, if the policy is not off.
    pub spool: Option<Spool>,
    /// What is shown.
    pub metrics: Arc<Metrics>,
    /// The channel of reports, from [`Reporter::channel`].
    pub reports: Reports,
    /// Its other end, for senders that hang up.
    pub reporter: Reporter,
}

/// Starts the thread. The receiver hears when it ended: after a stop, or because it failed.
pub fn start(parts: Parts) -> io::Result<(Handle, oneshot::Receiver<()>)> {
    let (asks, waiting) = mpsc::channel(WAITING_REQUESTS);
    let (ended, end) = oneshot::channel();
    let handle = Handle::new(asks, parts.reporter.clone(), Arc::clone(&parts.metrics));
    let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
    thread::Builder::new().name("hw-flow".to_owned()).spawn(move || {
        // Dropped when the thread ends, also by a panic.
        let _ended = ended;
        runtime.block_on(Host::new(parts, waiting).run());
    })?;
    Ok((handle, end))
}

struct Host {
    flow: Flow,
    sink: Box<dyn Sink>,
    spool: Option<Spool>,
    policy: SpoolPolicy,
    metrics: Arc<Metrics>,
    reports: Reports,
    waiting: mpsc::Receiver<Ask>,
    open: HashMap<u64, oneshot::Sender<Result<Answer, Refused>>>,
    /// Appends of this turn, for the spool in one piece.
    appends: Vec<(u32, u64, bytes::Bytes)>,
    began: Instant,
    is_stopped: bool,
}

impl Host {
    fn new(parts: Parts, waiting: mpsc::Receiver<Ask>) -> Self {
        let Parts { config, sink, spool, metrics, reports, reporter: _ } = parts;
        Self {
            flow: Flow::new(config),
            sink,
            spool,
            policy: config.spool,
            metrics,
            reports,
            waiting,
            open: HashMap::new(),
            appends: Vec::new(),
            began: Instant::now(),
            is_stopped: false,
        }
    }

    async fn run(mut self) {
        let (mut inputs, mut asks) = (Vec::with_capacity(AT_ONCE), Vec::with_capacity(AT_ONCE));
        self.obey();
        while !self.is_stopped {
            self.metrics.show(&self.flow.gauges(), self.policy);
            let wake = self.flow.poll_timeout().map(|at| self.began + Duration::from_millis(at));
            // Reports first: they free what requests wait for.
            tokio::select! {
                biased;
                () = self.reports.recv_many(&mut inputs, AT_ONCE) => {}
                count = self.waiting.recv_many(&mut asks, AT_ONCE) => if count == 0 {
                    // Nobody can ask any more; what is under way goes on.
                    inputs.extend(self.reports.recv().await);
                },
                () = sleep_until(wake.unwrap_or_else(Instant::now).into()), if wake.is_some() => {
                    inputs.push(Input::Timeout);
                }
            }
            for input in inputs.drain(..) {
                self.tell(input);
            }
            for Ask { request, answer } in asks.drain(..) {
                self.open.insert(request.request, answer);
                self.tell(Input::Request(request));
            }
            self.sink.flush();
        }
        self.metrics.stopping();
        for (_, answer) in self.open.drain() {
            let _ = answer.send(Err(Refused::Stopping));
        }
    }

    fn tell(&mut self, input: Input) {
        self.note(&input);
        self.flow.handle(self.now(), input);
        self.obey();
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&mut self, input: &Input) {
        match input {
            Input::Arrived(attempts) => self.metrics.arrived(attempts.len()),
            Input::Gone { request } => _ = self.open.remove(request),
            Input::Incarnation(_) => self.metrics.incarnation(),
            Input::Partitions(partitions) => self.metrics.partitions(*partitions),
            Input::Produced { result, .. } => self.metrics.produced(result),
            Input::ProducerBuilt => self.metrics.producer_built(),
            Input::Stop { .. } => self.metrics.stopping(),
            _ => {}
        }
    }

    fn obey(&mut self) {
        while let Some(effect) = self.flow.poll() {
            match effect {
                Effect::Append { partition, offset, body } => self.appends.push((partition, offset, body)),
                other => {
                    self.append();
                    self.do_one(other);
                }
            }
        }
        self.append();
    }

    fn append(&mut self) {
        if !self.appends.is_empty() {
            let appends = std::mem::take(&mut self.appends);
            self.spool(Command::Append(appends));
        }
    }

    fn do_one(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { request, answer } => {
                if let Some(waits) = self.open.remove(&request) {
                    self.metrics.answered(&answer);
                    // Who hung up in this moment needs none.
                    let _ = waits.send(Ok(answer));
                }
            }
            Effect::Append { .. } => unreachable!("collected before"),
            Effect::BuildProducer => self.sink.build(),
            Effect::OpenSpool => self.spool(Command::Open),
            Effect::Produce { attempt, to, key, body, trace } => {
                self.sink.produce(Produce { attempt, to, key, body, trace });
            }
            Effect::Read { partition, from, max_bytes } => {
                self.spool(Command::Read { partition, from, max_bytes });
            }
            Effect::Stopped => self.is_stopped = true,
            Effect::Sync { sync } => self.spool(Command::Sync(sync)),
            Effect::Trim { partition, upto } => self.spool(Command::Trim { partition, upto }),
        }
    }

    fn spool(&mut self, command: Command) {
        if let Some(spool) = &self.spool {
            spool.tell(command);
        }
    }
}

//! What the servers hold of the flow's thread.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use headwater_bridge_flow::{Answer, Input, Request};
use headwater_service::operations::Operated;
use tokio::sync::{mpsc, oneshot};

use crate::{metrics::Metrics, report::Reporter};

/// Asks the flow. Cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    asks: mpsc::Sender<Ask>,
    reporter: Reporter,
    metrics: Arc<Metrics>,
    next: AtomicU64,
}

/// A request on its way to the thread.
pub(super) struct Ask {
    pub(super) request: Request,
    pub(super) answer: oneshot::Sender<Result<Answer, Refused>>,
}

/// Why the flow was not asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    /// Too many wait to be asked about.
    Busy,
    /// The process is ending.
    Stopping,
}

impl Handle {
    pub(super) fn new(asks: mpsc::Sender<Ask>, reporter: Reporter, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner { asks, reporter, metrics, next: AtomicU64::new(0) }))
    }

    /// A number for a request, not given twice.
    pub(crate) fn number(&self) -> u64 {
        self.0.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Hands a request to the flow. When what this returns is dropped before its answer, the flow hears that the
    /// sender has gone.
    pub(crate) fn ask(&self, request: Request) -> Result<Asked, Refused> {
        let number = request.request;
        let (answer, waits) = oneshot::channel();
        match self.0.asks.try_send(Ask { request, answer }) {
            Ok(()) => Ok(Asked { number, waits: Some(waits), reporter: self.0.reporter.clone() }),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Refused::Stopping),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Refused::Busy),
        }
    }

    /// Refuses what is new and finishes what is there, for so long.
    pub fn stop(&self, within_ms: u32) {
        self.0.reporter.tell(Input::Stop { within_ms });
    }

    /// What is shown.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
}

impl Operated for Handle {
    fn metrics(&self) -> String {
        self.0.metrics.text()
    }

    async fn unready(&self) -> Option<String> {
        self.0.metrics.unready().map(str::to_owned)
    }
}

/// A request that the flow has.
pub struct Asked {
    number: u64,
    waits: Option<oneshot::Receiver<Result<Answer, Refused>>>,
    reporter: Reporter,
}

impl Asked {
    pub(crate) async fn answer(mut self) -> Result<Answer, Refused> {
        let Some(waits) = &mut self.waits else { return Err(Refused::Stopping) };
        let answer = waits.await;
        self.waits = None;
        answer.unwrap_or(Err(Refused::Stopping))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.waits.is_some() {
            self.reporter.tell(Input::Gone { request: self.number });
        }
    }
}

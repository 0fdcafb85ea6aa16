//! Carries one request through the verbs of the collector.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::body::Bytes;
use headwater_collector::{
    Credentials, Forwarding, Refusal, RefusalKind, Reply, SeenCache, Sites, Surroundings, Tally, Unavailable,
    decode, inflate,
};
use headwater_schema::Trace;
use headwater_service::budget::{Budget, Lease};
use tokio::{sync::Semaphore, task, time::timeout};

use crate::{Forward, Forwarded, limits};

/// The collector of a process: its sites, what it has seen, and the way to the stage behind. Cheap to clone;
/// clones are the same collector.
pub struct Collector<F>(Arc<Inner<F>>);

/// How a collector runs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What requests hold together, in bytes: [`limits::IN_FLIGHT_BYTES`] by default.
    pub in_flight_bytes: usize,
    /// Whether copies are removed here already, which saves the stage behind their traffic; on by default. It
    /// is of no use where that stage is in the same process, and hides from it how many copies there were.
    pub seen_cache: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { in_flight_bytes: limits::IN_FLIGHT_BYTES, seen_cache: true }
    }
}

struct Inner<F> {
    sites: Arc<Sites>,
    forward: F,
    seen: Option<Mutex<SeenCache>>,
    tally: Mutex<Tally>,
    budget: Budget,
    /// Large requests that are unpacked and read at once: no more than there are cores, because each may
    /// need many times the bytes that its body had.
    workshop: Semaphore,
}

/// What a request carries beside its body, owned: its sender may hang up.
#[derive(Default)]
pub(crate) struct Sender {
    pub(crate) authorization: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) trace: Option<Trace>,
}

impl<F> Clone for Collector<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: Forward> Collector<F> {
    /// A collector that has seen nothing yet.
    #[must_use]
    pub fn new(sites: Arc<Sites>, forward: F, options: Options) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Inner {
            sites,
            forward,
            seen: options.seen_cache.then(Mutex::default),
            tally: Mutex::default(),
            budget: Budget::new(options.in_flight_bytes),
            workshop: Semaphore::new(cores),
        }))
    }

    /// What became of all events since the start, of requests that were not refused as a whole.
    #[must_use]
    pub fn tally(&self) -> Tally {
        *lock(&self.0.tally)
    }

    pub(crate) fn sites(&self) -> &Sites {
        &self.0.sites
    }

    pub(crate) fn lease(&self) -> Lease {
        self.0.budget.lease()
    }

    /// Answers a request that was read. It runs to its end even if nobody waits for the answer any more, and
    /// a panic in it is an answer too.
    pub(crate) async fn answer(&self, body: Bytes, sender: Sender, lease: Lease) -> Reply {
        let collector = self.clone();
        let carried = task::spawn(async move { collector.carry(body, sender, lease).await });
        carried.await.unwrap_or_else(|error| Err(fault(&error))).unwrap_or_else(|refusal| refusal.reply())
    }

    async fn carry(self, body: Bytes, sender: Sender, mut lease: Lease) -> Result<Reply, Refusal> {
        let (received_at, bytes, trace) = (unix_ms(), body.len(), sender.trace.clone());
        let mut forwarding = if bytes > limits::INLINE_BYTES || body.starts_with(GZIP_MAGIC) {
            let _turn = self.0.workshop.acquire().await.expect("never closed");
            let collector = self.clone();
            let prepare = move || collector.prepare(&body, &sender, received_at);
            task::spawn_blocking(prepare).await.unwrap_or_else(|error| Err(fault(&error)))?
        } else {
            self.prepare(&body, &sender, received_at)?
        };
        let mut forwarded = self.forward(forwarding.take_records(), trace.clone(), &mut lease).await;
        if let Ok(answer) = &mut forwarded
            && !answer.rejected.is_empty()
        {
            let answer = std::mem::take(answer);
            forwarded = self.name(&mut forwarding, &answer, trace, &mut lease).await;
        }
        let incarnation = forwarded.as_ref().ok().and_then(|forwarded| forwarded.incarnation);
        let answered = forwarding.answered(forwarded.map(drop));
        if let (Some(mut seen), Some(incarnation)) = (self.seen(), incarnation) {
            seen.behind(incarnation);
            seen.mark(answered.marks());
        }
        *lock(&self.0.tally) += answered.tally();
        Ok(answered.reply())
    }

    /// The stage behind will never take some records: that is durable in the ledger before their sender hears of it.
    async fn name(
        &self,
        forwarding: &mut Forwarding,
        answer: &Forwarded,
        trace: Option<Trace>,
        lease: &mut Lease,
    ) -> Result<Forwarded, Unavailable> {
        let (rejected, why) = (answer.rejected.len(), &answer.rejected[0].1);
        tracing::warn!(rejected, why, "records that the stage behind will never take");
        let names = self.forward(forwarding.rejected(&answer.rejected)?, trace, lease).await?;
        if !names.rejected.is_empty() {
            return Err(unavailable("the stage behind does not take the name of a loss".to_owned()));
        }
        // If the storage was made anew in between, the events are in the old one.
        let incarnation = answer.incarnation.filter(|_| answer.incarnation == names.incarnation);
        Ok(Forwarded { incarnation, rejected: Vec::new() })
    }

    async fn forward(
        &self,
        records: Vec<Vec<u8>>,
        trace: Option<Trace>,
        lease: &mut Lease,
    ) -> Result<Forwarded, Unavailable> {
        if records.is_empty() {
            return Ok(Forwarded::default());
        }
        lease.grow(records.iter().map(Vec::len).sum()).map_err(|busy| unavailable(busy.to_string()))?;
        let answer = timeout(limits::FORWARD, self.0.forward.forward(records, trace)).await;
        answer.unwrap_or_else(|_| Err(unavailable("the stage behind does not answer".to_owned())))
    }

    fn prepare(&self, body: &[u8], sender: &Sender, received_at: i64) -> Result<Forwarding, Refusal> {
        let credentials =
            Credentials { authorization: sender.authorization.as_deref(), origin: sender.origin.as_deref() };
        let text = inflate(body)?;
        let admitted = decode(&text)?.authorise(&self.0.sites, &credentials)?.admit(received_at)?;
        let fresh = {
            let mut seen = self.seen();
            admitted.look_up(|stream, seq| seen.as_mut().is_some_and(|seen| seen.contains(stream, seq)))
        };
        Ok(fresh.enrich(Surroundings { ip: sender.ip, ..Surroundings::default() }).forward())
    }

    /// The seen cache. After a panic in the middle of a mark it may be anything, so it forgets.
    fn seen(&self) -> Option<MutexGuard<'_, SeenCache>> {
        let cache = self.0.seen.as_ref()?;
        Some(cache.lock().unwrap_or_else(|poisoned| {
            cache.clear_poison();
            let mut seen = poisoned.into_inner();
            seen.clear();
            seen
        }))
    }
}

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(message: String) -> Unavailable {
    Unavailable { message, retry_after_s: limits::RETRY_AFTER_S }
}

fn fault(error: &task::JoinError) -> Refusal {
    tracing::error!(%error, "a request was not carried to its end");
    let message = "a fault of the collector, which has logged it";
    Refusal { retry_after_s: Some(limits::RETRY_AFTER_S), ..Refusal::new(RefusalKind::Internal, message) }
}

/// This machine's clock. Before 1970 there is nothing to collect.
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

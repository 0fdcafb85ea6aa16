//! Carries one request through the verbs of the collector.

mod behind;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::{body::Bytes, http::HeaderMap};
use headwater_collector::{
    Credentials, Decoded, Forwarding, Program, Refusal, RefusalKind, Reply, SeenCache, Sites, Surroundings,
    Tally, Unavailable, decode, inflate, segment,
};
use headwater_schema::{Software, Trace};
use headwater_service::budget::{Budget, Lease};
use tokio::{sync::Semaphore, task};

use crate::{
    Forward, IpSalts, LiveSites, Outbox, Places, Proxies, Rates,
    inspector::{self, Ended, Inspector, Note},
    limiter::Limiter,
    limits,
    metrics::Metrics,
};

/// The collector of a process: its sites, what it has seen, and the way to the stage behind. Cheap to clone;
/// clones are the same collector.
pub struct Collector<F>(Arc<Inner<F>>);

/// How a collector runs.
pub struct Options {
    /// What requests hold together, in bytes: [`limits::IN_FLIGHT_BYTES`] by default.
    pub in_flight_bytes: usize,
    /// Whether copies are removed here already, which saves the stage behind their traffic; on by default. It
    /// is of no use where that stage is in the same process, and hides from it how many copies there were.
    pub seen_cache: bool,
    /// Which proxies are believed about the client's address; none by default.
    pub proxies: Proxies,
    /// What one sender may send; anything by default.
    pub rates: Rates,
    /// Where events wait of senders who may not come again, while the stage behind is away; nowhere by default.
    pub outbox: Option<Outbox>,
    /// Where senders are, by their address; nobody asks by default.
    pub places: Option<Arc<Places>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            in_flight_bytes: limits::IN_FLIGHT_BYTES,
            seen_cache: true,
            proxies: Proxies::default(),
            rates: Rates::default(),
            outbox: None,
            places: None,
        }
    }
}

struct Inner<F> {
    sites: LiveSites,
    salts: IpSalts,
    forward: F,
    seen: Option<Mutex<SeenCache>>,
    places: Option<Arc<Places>>,
    tally: Mutex<Tally>,
    metrics: Metrics,
    inspector: Inspector,
    limiter: Limiter,
    proxies: Proxies,
    outbox: Option<Outbox>,
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
    /// What was made of the headers that tell it.
    pub(crate) software: Arc<Software>,
    pub(crate) trace: Option<Trace>,
    /// It may not come again, whatever it is answered.
    pub(crate) is_pixel: bool,
    /// In which form of Segment's it is written, if in one.
    pub(crate) segment: Option<segment::Kind>,
}

/// What a request costs and where it came in, for those who look at it.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) path: &'static str,
    pub(crate) at: Instant,
}

impl<F> Clone for Collector<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: Forward> Collector<F> {
    /// A collector that has seen nothing yet.
    #[must_use]
    pub fn new(sites: impl Into<LiveSites>, forward: F, options: Options) -> Self {
        Self::with_salts(sites, IpSalts::default(), forward, options)
    }

    /// The same, with salts that outlive it.
    #[must_use]
    pub fn with_salts(sites: impl Into<LiveSites>, salts: IpSalts, forward: F, options: Options) -> Self {
        headwater_enrich::warm();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Inner {
            sites: sites.into(),
            salts,
            forward,
            seen: options.seen_cache.then(Mutex::default),
            places: options.places,
            tally: Mutex::default(),
            metrics: Metrics::new(),
            inspector: Inspector::new(),
            limiter: Limiter::new(options.rates),
            proxies: options.proxies,
            outbox: options.outbox,
            budget: Budget::new(options.in_flight_bytes),
            workshop: Semaphore::new(cores),
        }))
    }

    /// What became of all events since the start, of requests that were not refused as a whole.
    #[must_use]
    pub fn tally(&self) -> Tally {
        *lock(&self.0.tally)
    }

    pub(crate) fn sites(&self) -> Arc<Sites> {
        self.0.sites.now()
    }

    pub(crate) fn lease(&self) -> Lease {
        self.0.budget.lease()
    }

    /// Whose request it is, by the address of its peer.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.0.proxies.client(peer, headers)
    }

    /// Whether this sender may send now; asked before anything is read.
    pub(crate) fn may_send(&self, sender: &Sender) -> Result<(), Refusal> {
        self.0.limiter.request(sender.ip, sender.authorization.as_deref())
    }

    /// Answers a request that was not read.
    pub(crate) fn refuse(&self, refusal: &Refusal, arrival: Arrival) -> Reply {
        self.0.metrics.request(arrival.path, refusal.kind.status(), arrival.at.elapsed());
        refusal.reply()
    }

    /// Answers a request that was read. It runs to its end even if nobody waits for the answer any more, and
    /// a panic in it is an answer too.
    pub(crate) async fn answer(&self, body: Bytes, sender: Sender, lease: Lease, arrival: Arrival) -> Reply {
        let collector = self.clone();
        let carried = task::spawn(async move {
            let (received_at, bytes, mut note) = (unix_ms(), body.len(), Note::default());
            let answered = collector.carry(body, sender, lease, &mut note).await;
            let status = answered.as_ref().map_or_else(|refusal| refusal.kind.status(), |reply| reply.status);
            let took = arrival.at.elapsed();
            let metrics = &collector.0.metrics;
            metrics.request(arrival.path, status, took);
            metrics.body(bytes);
            let ended = Ended {
                received_at,
                took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                path: arrival.path,
                bytes,
                status,
                message: answered.as_ref().err().map(|refusal| refusal.message.clone()),
            };
            collector.0.inspector.keep(note, ended);
            answered
        });
        match carried.await {
            Ok(answered) => answered.unwrap_or_else(|refusal| refusal.reply()),
            Err(error) => self.refuse(&fault(&error), arrival),
        }
    }

    async fn carry(
        &self,
        body: Bytes,
        sender: Sender,
        mut lease: Lease,
        note: &mut Note,
    ) -> Result<Reply, Refusal> {
        let (received_at, bytes, trace) = (unix_ms(), body.len(), sender.trace.clone());
        let is_pixel = sender.is_pixel;
        let mut forwarding = if bytes > limits::INLINE_BYTES || body.starts_with(GZIP_MAGIC) {
            let _turn = self.0.workshop.acquire().await.expect("never closed");
            let collector = self.clone();
            let prepare = move || {
                let mut note = Note::default();
                let prepared = collector.prepare(&body, &sender, received_at, &mut note);
                (prepared, note)
            };
            let (prepared, noted) = task::spawn_blocking(prepare)
                .await
                .unwrap_or_else(|error| (Err(fault(&error)), Note::default()));
            *note = noted;
            prepared?
        } else {
            self.prepare(&body, &sender, received_at, note)?
        };
        let records = forwarding.take_records();
        let may_come_again = !(is_pixel || note.is_plain);
        let mut forwarded = match &self.0.outbox {
            Some(outbox) if !may_come_again => {
                self.forward_or_keep(outbox, records, trace.clone(), &mut lease).await
            }
            _ => self.forward(records, trace.clone(), &mut lease).await,
        };
        if let Ok(answer) = &mut forwarded
            && !answer.rejected.is_empty()
        {
            let answer = std::mem::take(answer);
            forwarding.note(&answer.rejected, &mut note.events);
            forwarded = self.name(&mut forwarding, &answer, trace, &mut lease).await;
        }
        let incarnation = forwarded.as_ref().ok().and_then(|forwarded| forwarded.incarnation);
        let message = forwarded.as_ref().err().map(|why| (why.message.clone(), why.retry_after_s));
        let answered = forwarding.answered(forwarded.map(drop));
        if let (Some(mut seen), Some(incarnation)) = (self.seen(), incarnation) {
            seen.behind(incarnation);
            seen.mark(answered.marks());
        }
        *lock(&self.0.tally) += answered.tally();
        self.0.metrics.events(answered.tally());
        match message {
            None => Ok(answered.reply()),
            Some((message, retry_after_s)) => Err(Refusal::unavailable(message, retry_after_s)),
        }
    }

    fn prepare(
        &self,
        body: &[u8],
        sender: &Sender,
        received_at: i64,
        note: &mut Note,
    ) -> Result<Forwarding, Refusal> {
        let text = inflate(body)?;
        let authorization = sender.authorization.as_deref();
        // Of sites that there are not, nothing is kept.
        let sites = self.sites();
        let known = |site: &str| sites.knows(site).then(|| site.to_owned());
        let Some(kind) = sender.segment else {
            let request =
                decode(&text).inspect_err(|_| note.site = inspector::site_in(&text).and_then(known))?;
            // Whoever speaks Segment's API has its library, which comes again.
            note.is_plain = request.is_plain();
            return self.pass(request, authorization, sender, received_at, note);
        };
        let calls = segment::read(kind, &text, authorization, received_at)?;
        self.pass(calls.decoded()?, calls.login().authorization(), sender, received_at, note)
    }

    fn pass(
        &self,
        request: Decoded<'_>,
        authorization: Option<&str>,
        sender: &Sender,
        received_at: i64,
        note: &mut Note,
    ) -> Result<Forwarding, Refusal> {
        let (credentials, sites) =
            (Credentials { authorization, origin: sender.origin.as_deref() }, self.sites());
        note.site = Some(request.site_id()).filter(|site| sites.knows(site)).map(str::to_owned);
        let authorised = request.authorise(&sites, &credentials)?;
        if let Some(key) = credentials.authorization {
            self.0.limiter.good_key(key);
        }
        let admitted = authorised.admit(received_at)?;
        self.0.limiter.claims(sender.ip, &admitted)?;
        note.total = Some(admitted.total());
        note.events = admitted.inspect(inspector::EVENTS);
        let fresh = {
            let mut seen = self.seen();
            admitted.look_up(|stream, seq| seen.as_mut().is_some_and(|seen| seen.contains(stream, seq)))
        };
        fresh.note(&mut note.events);
        let place = sender.ip.zip(self.0.places.as_ref()).map(|(ip, places)| places.of(ip));
        let surroundings = Surroundings {
            ip: sender.ip,
            ip_salt: sites.hashes_addresses().then(|| self.0.salts.of(received_at)),
            place: place.unwrap_or_default(),
            program: Program::Known(Arc::clone(&sender.software)),
            origin: sender.origin.as_deref(),
        };
        Ok(fresh.enrich(surroundings).forward())
    }

    /// The last requests of a site, as JSON.
    pub(crate) fn inspect(&self, site: &str) -> Vec<u8> {
        self.0.inspector.show(site)
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

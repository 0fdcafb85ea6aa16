//! A producer of librdkafka, and the thread that takes its reports.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use headwater_bridge_flow::{Failure, Input, To, Trace};
use headwater_schema::{TRACEPARENT, TRACESTATE};
use rdkafka::{
    ClientContext,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig},
};

use super::{super::Produce, settings::Settings};
use crate::report::Reporter;

/// How long the thread of reports waits before it looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(100);

/// While records are under way, reports are taken so often: woken for each, this thread and the flow's would spend more
/// on waking up than on reports, as there is one for every batch of every partition.
const TOGETHER: Duration = Duration::from_millis(1);

/// The header of a dead letter with the reason.
pub(crate) const HW_REASON: &str = "hw-reason";

/// The header of a dead letter that says whether only the beginning of its bytes is there.
pub(crate) const HW_CUT: &str = "hw-cut";

/// One of librdkafka's producers.
pub(super) struct Producer {
    inner: Arc<BaseProducer<Reports>>,
    shared: Arc<Shared>,
    topic: String,
    dead_letters: String,
    reporter: Reporter,
    /// For which librdkafka had no room: behind them comes all that follows.
    waiting: VecDeque<Produce>,
}

/// What librdkafka's callbacks see.
struct Reports {
    reporter: Reporter,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Another producer has its place: nobody wants to hear from it.
    is_retired: AtomicBool,
    /// It is broken, and the flow was told.
    is_broken: AtomicBool,
    /// A record timed out: those that queue behind it must not pass it.
    must_purge: AtomicBool,
    /// Calls of the callbacks.
    calls: AtomicU64,
}

impl Producer {
    pub(super) fn start(
        settings: &Settings,
        max_message_bytes: Option<u32>,
        reporter: Reporter,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let context = Reports { reporter: reporter.clone(), shared: Arc::clone(&shared) };
        let inner = Arc::new(settings.producer(max_message_bytes).create_with_context(context)?);
        poll(&inner, &shared)?;
        let Settings { topic, dead_letters, .. } = settings;
        let (topic, dead_letters) = (topic.clone(), dead_letters.clone());
        Ok(Self { inner, shared, topic, dead_letters, reporter, waiting: VecDeque::new() })
    }

    pub(super) fn send(&mut self, record: Produce) {
        self.send_waiting();
        if self.waiting.is_empty() {
            self.try_send(record);
        } else {
            self.waiting.push_back(record);
        }
    }

    /// Gives librdkafka what it had no room for. Its room is twice what the flow admits, so this is for what the spool
    /// adds to it.
    pub(super) fn send_waiting(&mut self) {
        while let Some(record) = self.waiting.pop_front() {
            if !self.try_send(record) {
                return;
            }
        }
    }

    /// Ends it, beside whoever calls: what it holds is thrown away.
    pub(super) fn retire(self) {
        self.shared.is_retired.store(true, Ordering::Release);
        let inner = self.inner;
        let drop = move || {
            inner.purge(PurgeConfig::default().queue().inflight());
            drop(inner);
        };
        if let Err(error) = thread::Builder::new().name("hw-kafka-end".to_owned()).spawn(drop) {
            tracing::warn!(%error, "a producer ends in the way");
        }
    }

    /// False if there was no room.
    fn try_send(&mut self, record: Produce) -> bool {
        let attempt = usize::try_from(record.attempt).expect("a counter");
        let mut headers = record.trace.as_ref().map(traced);
        let mut to = match &record.to {
            To::DeadLetters { reason, cut } => {
                let with_reason = headers
                    .take()
                    .unwrap_or_default()
                    .insert(Header { key: HW_REASON, value: Some(reason) })
                    .insert(Header { key: HW_CUT, value: cut.then_some("true").or(Some("false")) });
                BaseRecord::with_opaque_to(&self.dead_letters, attempt).headers(with_reason)
            }
            To::Events { partition } => {
                let partition = i32::try_from(*partition).unwrap_or(0);
                BaseRecord::with_opaque_to(&self.topic, attempt).partition(partition)
            }
        };
        if let Some(headers) = headers {
            to = to.headers(headers);
        }
        let sent = self.inner.send(to.key(&record.key[..]).payload(&record.body[..]));
        let Err((error, _)) = sent else { return true };
        if error.rdkafka_error_code() == Some(Code::QueueFull) {
            self.waiting.push_front(record);
            return false;
        }
        // At once, so that it is told in the order in which it happened.
        Reports { reporter: self.reporter.clone(), shared: Arc::clone(&self.shared) }
            .failed(record.attempt, &error);
        true
    }
}

fn traced(trace: &Trace) -> OwnedHeaders {
    let parent = Header { key: TRACEPARENT, value: Some(trace.parent()) };
    let headers = OwnedHeaders::new().insert(parent);
    match trace.state() {
        Some(state) => headers.insert(Header { key: TRACESTATE, value: Some(state) }),
        None => headers,
    }
}

/// Takes reports until the producer is retired.
fn poll(inner: &Arc<BaseProducer<Reports>>, shared: &Arc<Shared>) -> io::Result<()> {
    let (inner, shared) = (Arc::clone(inner), Arc::clone(shared));
    let run = move || {
        while !shared.is_retired.load(Ordering::Acquire) {
            if inner.in_flight_count() > 0 {
                thread::sleep(TOGETHER);
                poll_all(&inner, &shared);
            } else {
                inner.poll(LOOK);
            }
            if shared.must_purge.swap(false, Ordering::AcqRel) {
                inner.purge(PurgeConfig::default().queue());
            }
        }
    };
    thread::Builder::new().name("hw-kafka".to_owned()).spawn(run).map(drop)
}

/// Takes what is there.
fn poll_all(inner: &BaseProducer<Reports>, shared: &Shared) {
    let mut calls = None;
    while calls != Some(shared.calls.load(Ordering::Relaxed)) {
        calls = Some(shared.calls.load(Ordering::Relaxed));
        // One event at most, as it has no time for more.
        inner.poll(Duration::ZERO);
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        if self.shared.is_retired.load(Ordering::Acquire) {
            return;
        }
        match error.rdkafka_error_code() {
            Some(Code::AllBrokersDown) => {
                tracing::warn!(reason, "no broker answers");
                self.reporter.tell(Input::Broker(false));
            }
            Some(Code::Fatal) => self.broke(reason),
            _ => tracing::warn!(%error, reason, "librdkafka"),
        }
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, attempt: usize) {
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        if self.shared.is_retired.load(Ordering::Acquire) {
            return;
        }
        match result {
            Ok(_) => self.reporter.arrived(attempt as u64),
            Err((error, _)) => self.failed(attempt as u64, error),
        }
    }
}

impl Reports {
    fn failed(&self, attempt: u64, error: &KafkaError) {
        let code = error.rdkafka_error_code();
        if code.is_some_and(is_fatal) {
            self.broke(&error.to_string());
        }
        // The flow was told that it is broken; what is its consequence is no news.
        if self.shared.is_broken.load(Ordering::Acquire) {
            return;
        }
        let failure = if let Some(name) = code.and_then(refusal) {
            Failure::Refused(name.to_owned())
        } else {
            if code == Some(Code::MessageTimedOut) {
                self.shared.must_purge.store(true, Ordering::Release);
            }
            tracing::debug!(%error, "not delivered");
            Failure::Unsure
        };
        self.reporter.tell(Input::Produced { attempt, result: Err(failure) });
    }

    /// Told once, before the failures that follow from it.
    fn broke(&self, why: &str) {
        if !self.shared.is_broken.swap(true, Ordering::AcqRel) {
            tracing::warn!(why, "the producer is broken, and is built anew");
            self.reporter.tell(Input::Fatal);
        }
    }
}

/// After these an idempotent producer goes on no more.
fn is_fatal(code: Code) -> bool {
    matches!(
        code,
        Code::Fatal
            | Code::InvalidProducerEpoch
            | Code::OutOfOrderSequenceNumber
            | Code::ProducerFenced
            | Code::UnknownProducerId
    )
}

/// It will not have this record, whenever it is sent: the error by its name in Kafka.
fn refusal(code: Code) -> Option<&'static str> {
    match code {
        Code::InvalidMessageSize => Some("INVALID_MSG_SIZE"),
        Code::InvalidRecord => Some("INVALID_RECORD"),
        Code::InvalidTimestamp => Some("INVALID_TIMESTAMP"),
        Code::MessageBatchTooLarge => Some("RECORD_LIST_TOO_LARGE"),
        Code::MessageSizeTooLarge => Some("MSG_SIZE_TOO_LARGE"),
        _ => None,
    }
}

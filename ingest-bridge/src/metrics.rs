//! What is shown to those who run a bridge, in Prometheus' text format, and whether it is ready.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use headwater_bridge_flow::{Answer, Cause, Failure, Gauges, Outcome, SpoolPolicy};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Counters and gauges of a process.
pub struct Metrics {
    registry: Registry,
    requests: Family<Status, Counter>,
    seconds: Histogram,
    body_bytes: Counter,
    replays: Counter,
    records: Family<Became, Counter>,
    produced: Family<Report, Counter>,
    producers: Counter,
    shown: Shown,
    state: State,
}

/// What the flow's thread shows after each turn.
#[derive(Default)]
struct Shown {
    down: Gauge,
    held_bytes: Gauge,
    held_records: Gauge,
    hot_clients: Gauge,
    in_flight: Gauge,
    open_requests: Gauge,
    partitions: Gauge,
    spool_open: Gauge,
    spooled_bytes: Gauge,
    spooled_partitions: Gauge,
    topic_safe: Gauge,
}

#[derive(Default)]
struct State {
    is_able: AtomicBool,
    has_topic: AtomicBool,
    is_stopping: AtomicBool,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Status {
    status: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Became {
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Report {
    result: &'static str,
}

/// From a fast broker's answer to the time limit of a request.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("headwater_bridge"),
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
            body_bytes: Counter::default(),
            replays: Counter::default(),
            records: Family::default(),
            produced: Family::default(),
            producers: Counter::default(),
            shown: Shown::default(),
            state: State::default(),
        };
        let (registry, shown) = (&mut metrics.registry, &metrics.shown);
        registry.register("requests", "Requests by status", metrics.requests.clone());
        registry.register(
            "request_seconds",
            "From the last byte of a request to its answer",
            metrics.seconds.clone(),
        );
        registry.register("body_bytes", "Bytes of bodies as they came", metrics.body_bytes.clone());
        registry.register("replayed_signatures", "Requests refused as replays", metrics.replays.clone());
        registry.register("records", "Records by what their senders were told", metrics.records.clone());
        registry.register("produced", "Reports of the sink", metrics.produced.clone());
        registry.register("producers", "Producers that were built", metrics.producers.clone());
        let gauges: [(&str, &str, &Gauge); 11] = [
            ("down", "1 if records would not reach the broker now", &shown.down),
            ("held_bytes", "Bytes of records in memory", &shown.held_bytes),
            ("held_records", "Records in memory", &shown.held_records),
            ("hot_clients", "Clients that are spread over partitions", &shown.hot_clients),
            ("in_flight", "Records that the sink has", &shown.in_flight),
            ("open_requests", "Requests that are not answered", &shown.open_requests),
            ("partitions", "Partitions of the topic", &shown.partitions),
            ("spool_open", "1 if the spool can be written, or is off", &shown.spool_open),
            ("spooled_bytes", "Bytes of records in the spool", &shown.spooled_bytes),
            ("spooled_partitions", "Partitions whose records queue in the spool", &shown.spooled_partitions),
            ("topic_safe", "1 if the topic survives the loss of a broker", &shown.topic_safe),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        metrics
    }

    /// For Prometheus.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("text into memory");
        text
    }

    /// Why it should get no requests now, if so.
    #[must_use]
    pub fn unready(&self) -> Option<&'static str> {
        let State { is_able, has_topic, is_stopping } = &self.state;
        if is_stopping.load(Ordering::Relaxed) {
            Some("stopping")
        } else if !has_topic.load(Ordering::Relaxed) {
            Some("the topic is not known")
        } else if !is_able.load(Ordering::Relaxed) {
            Some("no broker, or no spool that can be written")
        } else {
            None
        }
    }

    pub(crate) fn request(&self, status: u16, took: Duration) {
        self.requests.get_or_create(&Status { status }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn body(&self, bytes: usize) {
        self.body_bytes.inc_by(bytes as u64);
    }

    pub(crate) fn replayed(&self) {
        self.replays.inc();
    }

    pub(crate) fn answered(&self, answer: &Answer) {
        // Most answers are all of one kind.
        let mut rest = &answer.outcomes[..];
        while let Some(first) = rest.first() {
            let became = became(first);
            let same = rest.iter().take_while(|outcome| self::became(outcome) == became).count();
            self.records.get_or_create(&became).inc_by(same as u64);
            rest = &rest[same..];
        }
    }

    /// As [`produced`](Self::produced) with `Ok`, so often.
    pub(crate) fn arrived(&self, count: usize) {
        self.produced.get_or_create(&Report { result: "ok" }).inc_by(count as u64);
    }

    pub(crate) fn produced(&self, result: &Result<(), Failure>) {
        let result = match result {
            Ok(()) => "ok",
            Err(Failure::Refused(_)) => "refused",
            Err(Failure::Unsure) => "unsure",
        };
        self.produced.get_or_create(&Report { result }).inc();
    }

    pub(crate) fn producer_built(&self) {
        self.producers.inc();
    }

    pub(crate) fn incarnation(&self) {
        self.state.has_topic.store(true, Ordering::Relaxed);
    }

    pub(crate) fn partitions(&self, partitions: u32) {
        self.shown.partitions.set(i64::from(partitions));
    }

    /// Whether the topic survives the loss of a broker.
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only brokers get lost"))]
    pub(crate) fn topic_safe(&self, is_safe: bool) {
        self.shown.topic_safe.set(i64::from(is_safe));
    }

    pub(crate) fn stopping(&self) {
        self.state.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn show(&self, gauges: &Gauges, policy: SpoolPolicy) {
        let Shown {
            down,
            held_bytes,
            held_records,
            hot_clients,
            in_flight,
            open_requests,
            spool_open,
            spooled_bytes,
            spooled_partitions,
            ..
        } = &self.shown;
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        down.set(i64::from(gauges.is_down));
        held_bytes.set(count(gauges.held_bytes));
        held_records.set(count(gauges.held_messages));
        hot_clients.set(count(gauges.hot_clients));
        in_flight.set(count(gauges.in_flight));
        open_requests.set(count(gauges.requests));
        spool_open.set(i64::from(gauges.is_spool_open));
        spooled_bytes.set(i64::try_from(gauges.spooled_bytes).unwrap_or(i64::MAX));
        spooled_partitions.set(count(gauges.spooled_lanes));
        let is_able = match policy {
            SpoolPolicy::Off => !gauges.is_down,
            SpoolPolicy::CannotRetry => gauges.is_spool_open && !gauges.is_down,
            SpoolPolicy::On => gauges.is_spool_open,
        };
        self.state.is_able.store(is_able, Ordering::Relaxed);
    }
}

fn became(outcome: &Outcome) -> Became {
    match outcome {
        Outcome::Accepted => Became { outcome: "accepted", reason: "" },
        Outcome::Rejected(_) => Became { outcome: "rejected", reason: "unreadable" },
        Outcome::Retry(cause) => Became { outcome: "retry", reason: word(*cause) },
    }
}

/// A cause in one word, for answers and metrics.
pub(crate) fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Broker => "broker",
        Cause::Busy => "busy",
        Cause::Late => "late",
        Cause::Recreated => "recreated",
        Cause::Spool => "spool",
        Cause::Stopping => "stopping",
    }
}

//! Counters of a collector, in Prometheus' text format.

use std::time::Duration;

use headwater_collector::Tally;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// From an answer out of memory to the time limit of the stage behind.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Counters and gauges of one collector.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Path, Histogram>,
    body_bytes: Counter,
    events: Family<Outcome, Counter>,
    pub(crate) shown: Shown,
}

/// What is set when it is asked for.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) seen_ranges: Gauge,
    pub(crate) outbox_bytes: Gauge,
    pub(crate) outbox_records: Gauge,
    pub(crate) outbox_kept: Counter,
    pub(crate) outbox_drained: Counter,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Request {
    path: &'static str,
    status: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Path {
    path: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Outcome {
    outcome: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("headwater_collector"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            body_bytes: Counter::default(),
            events: Family::default(),
            shown: Shown::default(),
        };
        let (registry, shown) = (&mut metrics.registry, &metrics.shown);
        registry.register(
            "requests",
            "Requests by what they were answered; a pixel's is not its image's",
            metrics.requests.clone(),
        );
        registry.register(
            "request_seconds",
            "From the head of a request to its answer",
            metrics.seconds.clone(),
        );
        registry.register("body_bytes", "Bytes of bodies as they came", metrics.body_bytes.clone());
        registry.register(
            "events",
            "Events by outcome, of requests that were not refused as a whole",
            metrics.events.clone(),
        );
        registry.register("seen_ranges", "Ranges that the seen cache holds", shown.seen_ranges.clone());
        registry.register_with_unit(
            "outbox",
            "Records that wait for the stage behind",
            Unit::Bytes,
            shown.outbox_bytes.clone(),
        );
        registry.register(
            "outbox_records",
            "Records that wait for the stage behind",
            shown.outbox_records.clone(),
        );
        registry.register(
            "outbox_kept",
            "Records that were written into the outbox",
            shown.outbox_kept.clone(),
        );
        registry.register(
            "outbox_drained",
            "Records of the outbox that the stage behind has",
            shown.outbox_drained.clone(),
        );
        // Present before the first of them.
        for outcome in ["accepted", "deferred", "duplicate", "filtered", "rejected"] {
            drop(metrics.events.get_or_create(&Outcome { outcome }));
        }
        metrics
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("text into memory");
        text
    }

    pub(crate) fn request(&self, path: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&Request { path, status }).inc();
        self.seconds.get_or_create(&Path { path }).observe(took.as_secs_f64());
    }

    pub(crate) fn body(&self, bytes: usize) {
        self.body_bytes.inc_by(bytes as u64);
    }

    pub(crate) fn events(&self, tally: Tally) {
        let Tally { accepted, deferred, duplicate, filtered, rejected } = tally;
        for (outcome, count) in [
            ("accepted", accepted),
            ("deferred", deferred),
            ("duplicate", duplicate),
            ("filtered", filtered),
            ("rejected", rejected),
        ] {
            if count > 0 {
                self.events.get_or_create(&Outcome { outcome }).inc_by(count);
            }
        }
    }
}

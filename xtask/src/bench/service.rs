//! The running service: requests per second, CPU per event, commits, freshness.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use headwater_rig::usage::cpu_seconds;

use super::load::{self, Outcome, Request};
use super::{Results, quantile};
use crate::http::Http;
use crate::server::Server;

/// Each measurement is taken this often, in turn with the others; the median counts.
const ROUNDS: usize = 3;
/// Requests of each connection and round.
const BARE: usize = 2_000;
const SINGLES: u64 = 1_500;
const BATCHES: u64 = 250;
/// The SDK's batch size.
const BATCH: u64 = 50;
/// A path that the server answers without log or store.
const BARE_PATH: &str = "/healthz";
/// Single events that are followed to /realtime.
const PROBES: usize = 200;

/// What one load did to one server.
struct Measured {
    outcome: Outcome,
    /// Server CPU from the first request to the last commit, per event.
    cpu_us_per_event: f64,
    committed_per_second: f64,
    longest_stall_ms: f64,
}

pub(super) fn measure(program: &Path, results: &mut Results) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(program, &folder.path().join("data"), 0)?;
    let (mut bare, mut single, mut batch) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let none = AtomicU64::new(0);
        bare.push(load::run(&server.api_url(), &load::gets(BARE_PATH, BARE), &none).context(BARE_PATH)?);
        for (size, each, measured) in [(1, SINGLES, &mut single), (BATCH, BATCHES, &mut batch)] {
            let site = format!("bench-{size}-{round}");
            measured.push(one(&server, &site, &load::batches(&site, size, each, now()))?);
        }
    }
    server.stop()?;

    let bare_rate = median(bare.iter().map(rate));
    results.add("connections, all keep-alive", load::CONNECTIONS, "");
    results.add(&format!("bare GET {BARE_PATH}, requests/s"), bare_rate, "");
    for (name, measured) in [("single events", &single), ("batches of 50", &batch)] {
        let of = |value: fn(&Measured) -> f64| median(measured.iter().map(value));
        let requests = of(|one| rate(&one.outcome));
        results.add(&format!("{name}, requests/s"), requests, "");
        results.add(&format!("{name}, requests/s against bare"), requests / bare_rate, "");
        results.add(&format!("{name}, events/s acknowledged"), of(|one| per_second(&one.outcome)), "");
        results.add(&format!("{name}, events/s committed"), of(|one| one.committed_per_second), "");
        results.add(
            &format!("{name}, server CPU per event, to the commit"),
            of(|one| one.cpu_us_per_event),
            "µs",
        );
        results.add(&format!("{name}, longest stall of commits"), of(|one| one.longest_stall_ms), "ms");
        for (label, share) in [("p50", 0.5), ("p99", 0.99)] {
            let value =
                median(measured.iter().map(|one| quantile(&mut one.outcome.latencies.clone(), share)));
            results.add(&format!("{name}, answer {label}"), value, "ms");
        }
        let refused: u64 = measured.iter().map(|one| one.outcome.refused).sum();
        results.add(&format!("{name}, refused (503) and sent again"), refused, "");
    }
    Ok(())
}

/// Sends a plan while a second thread watches what is committed, until all of it is.
fn one(server: &Server, site: &str, plan: &[Vec<Request>]) -> Result<Measured> {
    let acknowledged = AtomicU64::new(0);
    let sent = AtomicBool::new(false);
    let cpu = cpu_seconds(server.id()?)?;
    let begun = Instant::now();
    let (outcome, watched) = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&server.api(), site, &acknowledged, &sent));
        let outcome = load::run(&server.api_url(), plan, &acknowledged);
        sent.store(true, Ordering::SeqCst);
        (outcome, watcher.join())
    });
    let outcome = outcome?;
    let stall = watched.map_err(|_| anyhow::anyhow!("the watcher panicked"))??;
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 events")]
    let events = outcome.events as f64;
    Ok(Measured {
        cpu_us_per_event: (cpu_seconds(server.id()?)? - cpu) * 1e6 / events,
        committed_per_second: events / seconds,
        longest_stall_ms: stall.as_secs_f64() * 1000.0,
        outcome,
    })
}

/// Polls `/delivery` until all that was acknowledged is counted: the longest time without progress while something
/// waited. Polling has steps of 20 ms, so a stall is known to that.
fn watch(http: &Http, site: &str, acknowledged: &AtomicU64, sent: &AtomicBool) -> Result<Duration> {
    const PATIENCE: Duration = Duration::from_mins(2);
    let (mut last, mut since, mut longest) = (0, Instant::now(), Duration::ZERO);
    loop {
        let (all, waiting) = (sent.load(Ordering::SeqCst), acknowledged.load(Ordering::Relaxed));
        let counted = counted(http, site)?;
        if counted > last || waiting == last {
            // The first commit's wait counts from the first acknowledgement on, as every other's.
            longest = longest.max(if waiting == last { Duration::ZERO } else { since.elapsed() });
            (last, since) = (counted, Instant::now());
        }
        if all && counted >= waiting {
            return Ok(longest);
        }
        if since.elapsed() > PATIENCE {
            bail!("commits stopped at {counted} of {waiting}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// `total.counted` of `/delivery`.
pub(super) fn counted(http: &Http, site: &str) -> Result<u64> {
    let answer = http.json(&format!("/api/v1/analytics/{site}/delivery"))?;
    answer["total"]["counted"].as_u64().context("/delivery says no total.counted")
}

/// From sending one event to seeing its visitor in `/realtime`, on a quiet server. Each probe has a site of its own.
pub(super) fn freshness(program: &Path, results: &mut Results) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(program, &folder.path().join("data"), 0)?;
    let http = server.api();
    let mut waits = Vec::with_capacity(PROBES);
    for probe in 0..PROBES {
        let site = format!("probe-{probe}");
        let body = format!(
            r#"{{"site_id":"{site}","client_id":"c","session_id":"s","events":[{{"type":"pageview","url":"/","ts":{}}}]}}"#,
            now()
        );
        let begun = Instant::now();
        let answer = http.post("/collect", &body)?;
        anyhow::ensure!(answer.status == 204, "/collect answered {}: {}", answer.status, answer.body);
        while http.json(&format!("/api/v1/analytics/{site}/realtime"))?["active_users"].as_u64() != Some(1) {
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(30), "an event never reached /realtime");
            thread::sleep(Duration::from_millis(2));
        }
        waits.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    server.stop()?;
    results.add("request to /realtime, p50", quantile(&mut waits, 0.5), "ms");
    results.add("request to /realtime, p99", quantile(&mut waits, 0.99), "ms");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
fn rate(outcome: &Outcome) -> f64 {
    outcome.requests as f64 / outcome.seconds
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 events")]
fn per_second(outcome: &Outcome) -> f64 {
    outcome.events as f64 / outcome.seconds
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(&mut values.collect::<Vec<_>>(), 0.5)
}

/// Unix ms.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

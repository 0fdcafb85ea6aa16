//! The bridge beside librdkafka alone: the same records, the same broker, the same compression, in one run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headwater_rig::Service;
use headwater_rig::chain::{self, Plan, Programs, TOPIC};
use headwater_rig::kafka::{Cluster, Kafka};
use headwater_rig::usage::{cpu_seconds, resident_bytes};
use serde::Deserialize;

use super::load::{self, CONNECTIONS, Outcome, Request};
use super::{Results, quantile, service};
use crate::http::Http;
use crate::{process, programs, server};

/// Each measurement is taken this often, in turn with the others; the median counts.
const ROUNDS: usize = 3;
/// Of the topic, on both sides.
const PARTITIONS: u32 = 64;
/// Records of a request, with how many requests of a round each connection sends.
const BATCHES: [(usize, usize); 3] = [(1, 300), (10, 150), (100, 100)];
/// The size at which the bridge is compared.
const COMPARED: usize = 100;
/// How long requests come at half of the highest rate.
const PACED: Duration = Duration::from_secs(5);
/// As the bridge sets its own; see `ingest-bridge/src/sink/kafka/settings.rs`.
const LIKE_THE_BRIDGE: [&str; 8] = [
    "enable.idempotence=true",
    "acks=all",
    "max.in.flight.requests.per.connection=5",
    "compression.type=zstd",
    "compression.level=1",
    "linger.ms=10",
    "batch.size=524288",
    "batch.num.messages=10000",
];
const SITE: &str = "bench";

/// What is started.
pub(super) struct Parts {
    bench: PathBuf,
    chain: Programs,
    kafka: Kafka,
}

pub(super) fn build(root: &Path, kafka: Kafka) -> Result<Parts> {
    let selection = ["headwater-backend", "headwater-bench-bridge", "headwater-bridge", "headwater-native"];
    let features = format!("{},headwater-bench-bridge/kafka", server::KAFKA);
    let mut arguments = vec!["--release", "--bins", "--features", &features];
    arguments.extend(selection.iter().flat_map(|package| ["-p", package]));
    let mut built = programs::build(root, &arguments)?;
    let bench = built.remove("headwater-bench-bridge").context("cargo named no headwater-bench-bridge")?;
    Ok(Parts { bench, chain: server::chain(built)?, kafka })
}

/// What `headwater-bench-bridge raw` prints.
#[derive(Deserialize)]
struct Raw {
    events: f64,
    seconds: f64,
    cpu_seconds: f64,
}

/// One load on one server.
struct Measured {
    outcome: Outcome,
    cpu_seconds: f64,
}

pub(super) fn measure(parts: &Parts, events: u64, peer: Option<&str>, results: &mut Results) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("records.ndjson");
    process::capture(
        Command::new(&parts.bench)
            .args(["records", "--site", SITE, "--count", &events.to_string(), "--file"])
            .arg(&file),
    )?;
    let text = std::fs::read_to_string(&file)?;
    let lines: Vec<&str> = text.lines().collect();
    let plan = Plan { partitions: PARTITIONS, ..Plan::default() };
    let mut cluster = Cluster::start(parts.kafka.clone(), 1)?;
    let mut bridge = chain::bridge(&parts.chain, &cluster, plan, folder.path(), "bridge");
    chain::create_topics(&parts.chain, &cluster, plan)?;
    bridge.start()?;

    // Alone it is given all records at once, so its batches are as large as they may become; of the bridge's senders no
    // more than one request each is under way.
    let under_way = format!("queue.buffering.max.messages={}", CONNECTIONS * COMPARED);
    let (mut raw, mut raw_under_way) = (Vec::new(), Vec::new());
    let mut by_size: Vec<(usize, Vec<Measured>)> = BATCHES.map(|(size, _)| (size, Vec::new())).into();
    for _ in 0..ROUNDS {
        raw.push(produce(parts, &cluster, &file, None)?);
        raw_under_way.push(produce(parts, &cluster, &file, Some(&under_way))?);
        for ((size, each), (_, measured)) in BATCHES.into_iter().zip(&mut by_size) {
            measured.push(load_bridge(&bridge, &requests(&lines, size, each))?);
        }
    }
    let raw_per_cpu = median(raw.iter().map(|raw| raw.events / raw.cpu_seconds));
    results.add("record", text.len() / lines.len().max(1), "bytes");
    results.add("librdkafka alone, events/CPU s", raw_per_cpu, "");
    results.add("librdkafka alone, events/s", median(raw.iter().map(|raw| raw.events / raw.seconds)), "");
    let like_for_like = median(raw_under_way.iter().map(|raw| raw.events / raw.cpu_seconds));
    let name = format!("librdkafka alone, {} records under way, events/CPU s", CONNECTIONS * COMPARED);
    results.add(&name, like_for_like, "");
    let mut ratio = f64::NAN;
    for (size, measured) in &by_size {
        let name = format!("bridge, batches of {size}");
        let per_cpu = median(measured.iter().map(Measured::per_cpu));
        results.add(&format!("{name}, events/CPU s"), per_cpu, "");
        add_rates(results, &name, measured.iter().map(|one| &one.outcome));
        if *size == COMPARED {
            ratio = per_cpu / raw_per_cpu;
        }
    }
    half_load(&bridge, &lines, &by_size, results)?;
    results.add("bridge, memory", resident_bytes(id(&bridge)?)? >> 20, "MB");
    bridge.stop()?;
    consume(parts, &mut cluster, plan, &file, lines.len() as u64, folder.path(), results)?;
    if let Some(peer) = peer {
        for (size, each) in BATCHES {
            let outcome = load::run(peer, &to_strimzi(&requests_of(&lines, size, each)), &AtomicU64::new(0))?;
            add_rates(results, &format!("{peer}, batches of {size}"), std::iter::once(&outcome));
        }
    }
    results.last_line(format!("ratio_to_librdkafka={ratio:.2}"));
    Ok(())
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 events")]
    fn per_cpu(&self) -> f64 {
        self.outcome.events as f64 / self.cpu_seconds
    }
}

fn add_rates<'a>(results: &mut Results, name: &str, outcomes: impl Iterator<Item = &'a Outcome> + Clone) {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 events")]
    let rates = outcomes.clone().map(|outcome| outcome.events as f64 / outcome.seconds);
    results.add(&format!("{name}, events/s"), median(rates), "");
    for (label, share) in [("p50", 0.5), ("p99", 0.99)] {
        let times = outcomes.clone().map(|outcome| quantile(&mut outcome.latencies.clone(), share));
        results.add(&format!("{name}, answer {label}"), median(times), "ms");
    }
    results.add(&format!("{name}, refused (503)"), outcomes.map(|outcome| outcome.refused).sum::<u64>(), "");
}

fn produce(parts: &Parts, cluster: &Cluster, file: &Path, option: Option<&str>) -> Result<Raw> {
    let mut command = Command::new(&parts.bench);
    command.args(["raw", "--kafka", &cluster.bootstrap(), "--topic", TOPIC, "--file"]).arg(file);
    command.args(LIKE_THE_BRIDGE.into_iter().chain(option).flat_map(|option| ["--set", option]));
    serde_json::from_str(&process::capture(&mut command)?).context("what librdkafka alone printed")
}

fn load_bridge(bridge: &Service, plan: &[Vec<Request>]) -> Result<Measured> {
    let process = id(bridge)?;
    let before = cpu_seconds(process)?;
    let outcome = load::run(&bridge.url(), plan, &AtomicU64::new(0))?;
    Ok(Measured { outcome, cpu_seconds: cpu_seconds(process)? - before })
}

/// At half of the highest rate of the compared size, how long an answer takes.
fn half_load(
    bridge: &Service,
    lines: &[&str],
    measured: &[(usize, Vec<Measured>)],
    results: &mut Results,
) -> Result<()> {
    let compared = measured.iter().find(|(size, _)| *size == COMPARED).context("no such size")?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
    let highest = median(compared.1.iter().map(|one| one.outcome.requests as f64 / one.outcome.seconds));
    #[expect(clippy::cast_precision_loss, reason = "a few connections")]
    let interval = Duration::from_secs_f64(2.0 * CONNECTIONS as f64 / highest);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
    let each = (PACED.as_secs_f64() / interval.as_secs_f64()).ceil() as usize;
    let plan = requests(lines, COMPARED, each);
    let mut outcome = load::paced(&bridge.url(), &plan, interval, &AtomicU64::new(0))?;
    for (label, share) in [("p50", 0.5), ("p99", 0.99)] {
        let name = format!("bridge, batches of {COMPARED} at half load, answer {label}");
        results.add(&name, quantile(&mut outcome.latencies, share), "ms");
    }
    Ok(())
}

/// From a topic that is full to all of it committed.
fn consume(
    parts: &Parts,
    cluster: &mut Cluster,
    plan: Plan,
    file: &Path,
    events: u64,
    folder: &Path,
    results: &mut Results,
) -> Result<()> {
    cluster.delete_topic(TOPIC)?;
    chain::create_topics(&parts.chain, cluster, plan)?;
    produce(parts, cluster, file, None)?;
    let mut store = chain::store(&parts.chain, cluster, folder);
    let begun = Instant::now();
    store.start()?;
    let (http, id) = (Http::new(&store.url()), id(&store)?);
    loop {
        let counted = service::counted(&http, SITE)?;
        if counted == events {
            break;
        }
        if counted > events || begun.elapsed() > Duration::from_mins(5) {
            bail!("{counted} of {events} events are counted");
        }
        thread::sleep(Duration::from_millis(20));
    }
    let (cpu, seconds) = (cpu_seconds(id)?, begun.elapsed().as_secs_f64());
    store.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 events")]
    let events = events as f64;
    results.add("from broker to committed, events/CPU s", events / cpu, "");
    results.add("from broker to committed, events/s, start included", events / seconds, "");
    Ok(())
}

fn id(service: &Service) -> Result<u32> {
    service.id().context("it is not running")
}

/// The records in requests of `size`, from the first on and around, for every connection.
fn requests_of<'a>(lines: &[&'a str], size: usize, each: usize) -> Vec<Vec<Vec<&'a str>>> {
    let mut all = lines.iter().copied().cycle();
    (0..CONNECTIONS).map(|_| (0..each).map(|_| all.by_ref().take(size).collect()).collect()).collect()
}

fn requests(lines: &[&str], size: usize, each: usize) -> Vec<Vec<Request>> {
    let one = |records: &Vec<&str>| {
        let headers = "content-type: application/x-ndjson\r\n";
        Request::post("/v1/batches", headers, &records.join("\n"), records.len() as u64, true)
    };
    let all = requests_of(lines, size, each);
    all.iter().map(|connection| connection.iter().map(one).collect()).collect()
}

/// As Strimzi's bridge takes them: `POST /topics/NAME`, JSON values with their keys.
fn to_strimzi(all: &[Vec<Vec<&str>>]) -> Vec<Vec<Request>> {
    let one = |records: &Vec<&str>| {
        let list: Vec<String> = records
            .iter()
            .map(|record| {
                let client = record.split(r#""client_id":""#).nth(1).and_then(|rest| rest.split('"').next());
                format!(r#"{{"key":"{}","value":{record}}}"#, client.unwrap_or_default())
            })
            .collect();
        let headers = "content-type: application/vnd.kafka.json.v2+json\r\n";
        let body = format!(r#"{{"records":[{}]}}"#, list.join(","));
        Request::post(&format!("/topics/{TOPIC}"), headers, &body, records.len() as u64, false)
    };
    all.iter().map(|connection| connection.iter().map(one).collect()).collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(&mut values.collect::<Vec<_>>(), 0.5)
}

//! A long time without a broker: the bridge answers for it with its spool.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use headwater_rig::{Chain, chain::Plan, usage::resident_bytes};

use super::{Options, faults::until, say};
use crate::{
    api::{Api, Http},
    crowd::Crowd,
    verdict,
};

/// Events per second of all senders: a load that a debug build bears for long.
const RATE: u32 = 400;
/// Before and after the outage.
const MARGIN: Duration = Duration::from_secs(5);
/// What the allocator may take without a reason.
const SLACK_BYTES: u64 = 48 << 20;
/// The first samples of memory show a process that warms up.
const WARM: f64 = 0.25;

/// Whether the promise was kept.
pub(super) fn run(options: &Options, dir: &Path) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let outage = Duration::from_secs(options.outage);
    println!("no broker for {} s, with a spool", options.outage);
    let plan = Plan { has_spool: true, ..Plan::default() };
    let mut chain = Chain::start(options.kafka(), &options.programs(), dir, plan)?;
    let mut load = options.load(chain.collector.url(), "outage".to_owned());
    load.rate = (RATE / u32::from(load.senders)).max(1);
    load.events = u64::from(load.rate) * (outage + 2 * MARGIN).as_secs();
    let mut crowd = Crowd::start(load.clone(), dir)?;
    crowd.wait_until(MARGIN)?;
    chain.cluster.stop(0)?;

    let http = Http::new();
    let metrics = format!("{}/metrics", chain.bridge.other("metrics").context("the bridge's metrics")?);
    let bridge = chain.bridge.id().context("the bridge is not running")?;
    let (mut memory, mut spooled) = (Vec::new(), 0);
    let away = Instant::now();
    while away.elapsed() < outage {
        crowd.wait_until(MARGIN + away.elapsed() + outage / 60)?;
        memory.push((away.elapsed(), resident_bytes(bridge)?));
        spooled = gauge(&http.get(&metrics)?, "headwater_bridge_spooled_bytes")?;
    }
    chain.cluster.restart(0)?;
    let drained = Instant::now();
    until(
        "the spool is drained",
        || Ok(gauge(&http.get(&metrics)?, "headwater_bridge_spooled_bytes")? == 0),
    )?;
    let drained = drained.elapsed();

    let expected = crowd.finish()?;
    let verdict = verdict::settle(&Api::new(&chain.store.url(), "outage"), expected, load.drain)?;
    let warm = memory.iter().filter(|(at, _)| *at > outage.mul_f64(WARM)).map(|(_, bytes)| *bytes);
    let first = warm.clone().next().context("no sample of memory")?;
    let most = warm.max().unwrap_or(first);
    let seen = format!(
        "{} MB in the spool, drained {:.1} s after the broker was back, memory {} to {} MB; ",
        spooled >> 20,
        drained.as_secs_f64(),
        first >> 20,
        most >> 20
    );
    say("no broker", &seen, &verdict, begun.elapsed());
    ensure!(spooled > 0, "the spool did not grow");
    ensure!(most <= first + SLACK_BYTES, "the bridge's memory grows without a broker");
    chain.stop()?;
    Ok(verdict.breaches.is_empty())
}

fn gauge(metrics: &str, name: &str) -> anyhow::Result<u64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(line.with_context(|| format!("no {name}"))?.trim().parse()?)
}

//! What is taken away, and how it comes back.

use std::{
    path::Path,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use headwater_rig::{
    Chain, Service,
    balancer::Balancer,
    chain::{self, TOPIC},
    disk::SmallDisk,
    stop,
};

use super::Options;
use crate::api::Http;

/// How long something stays away: longer than a sender's request, shorter than its patience.
const AWAY: Duration = Duration::from_secs(3);
/// For a state that must come.
const LIMIT: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Fault {
    /// SIGTERM to the broker, which is away for a while.
    BrokerStopped,
    /// `kill -9` of the broker.
    BrokerKilled,
    /// `kill -9` of the bridge.
    BridgeKilled,
    /// SIGTERM to the bridge.
    BridgeTerminated,
    /// `kill -9` of the store that consumes.
    ConsumerKilled,
    /// `kill -9` of a collector with its bridge; its senders go to another one.
    OtherBridge,
    /// The topic is deleted and created anew after all of it was counted.
    TopicRecreated,
    /// The broker's disk is full for a while.
    DiskFull,
    /// Of three brokers one is killed, then a second.
    TwoOfThree,
}

/// What a fault needs beside the chain.
pub(crate) enum Ground {
    Nothing,
    /// A second way to the brokers, and what spreads senders over both.
    Balanced {
        balancer: Balancer,
        _way: Box<[Service; 2]>,
    },
    /// The disk of the broker.
    Disk(Rc<SmallDisk>),
}

impl Ground {
    pub(crate) fn endpoint(&self, chain: &Chain) -> String {
        match self {
            Self::Balanced { balancer, .. } => balancer.url(),
            Self::Disk(_) | Self::Nothing => chain.collector.url(),
        }
    }
}

impl Fault {
    /// In the order in which they are carried out.
    pub(crate) const ALL: [Self; 9] = [
        Self::BrokerStopped,
        Self::BrokerKilled,
        Self::BridgeKilled,
        Self::BridgeTerminated,
        Self::ConsumerKilled,
        Self::OtherBridge,
        Self::TopicRecreated,
        Self::DiskFull,
        Self::TwoOfThree,
    ];

    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// How many brokers it needs.
    pub(crate) fn brokers(self) -> usize {
        if self == Self::TwoOfThree { 3 } else { 1 }
    }

    /// `None` where it cannot be had.
    pub(crate) fn prepare(
        self,
        options: &Options,
        chain: &Chain,
        disk: Option<&Rc<SmallDisk>>,
        dir: &Path,
    ) -> anyhow::Result<Option<Ground>> {
        std::fs::create_dir_all(dir)?;
        if self == Self::DiskFull {
            return Ok(disk.map(|disk| Ground::Disk(Rc::clone(disk))));
        }
        if self != Self::OtherBridge {
            return Ok(Some(Ground::Nothing));
        }
        let programs = options.programs();
        let mut bridge = chain::bridge(&programs, &chain.cluster, chain.plan(), dir, "bridge");
        bridge.start()?;
        let mut collector = chain::collector(&programs, &bridge, dir, "collector");
        collector.start()?;
        let balancer = Balancer::start(&[&chain.collector.url(), &collector.url()])?;
        Ok(Some(Ground::Balanced { balancer, _way: Box::new([bridge, collector]) }))
    }

    /// Carries it out; afterwards all is as before. Returns what was seen, for the report.
    pub(crate) fn strike(self, chain: &mut Chain, ground: &Ground) -> anyhow::Result<String> {
        match self {
            Self::BridgeKilled => {
                chain.bridge.kill()?;
                thread::sleep(AWAY / 3);
                chain.bridge.start()?;
            }
            Self::BridgeTerminated => {
                chain.bridge.stop().context("SIGTERM under load")?;
                chain.bridge.start()?;
            }
            Self::BrokerKilled => {
                chain.cluster.kill(0)?;
                thread::sleep(AWAY);
                chain.cluster.restart(0)?;
            }
            Self::BrokerStopped => {
                chain.cluster.stop(0)?;
                thread::sleep(AWAY);
                chain.cluster.restart(0)?;
            }
            Self::ConsumerKilled => {
                chain.store.kill()?;
                thread::sleep(AWAY / 3);
                chain.store.start()?;
            }
            Self::DiskFull => match ground {
                Ground::Disk(disk) => return disk_full(chain, disk),
                _ => bail!("no disk to fill"),
            },
            Self::OtherBridge => {
                chain.bridge.kill()?;
                chain.collector.kill()?;
                thread::sleep(AWAY);
                chain.bridge.start()?;
                chain.collector.start()?;
            }
            Self::TopicRecreated => recreate(chain)?,
            Self::TwoOfThree => return two_of_three(chain),
        }
        Ok(String::new())
    }
}

/// What was acknowledged and never read would be gone, so all of it is counted before. Meanwhile senders keep theirs.
fn recreate(chain: &mut Chain) -> anyhow::Result<()> {
    chain.collector.stop()?;
    consumed(chain)?;
    chain.cluster.delete_topic(TOPIC)?;
    chain.create_topics()?;
    chain.collector.start()?;
    Ok(())
}

/// Waits until the store has committed all that is in the topic.
fn consumed(chain: &Chain) -> anyhow::Result<()> {
    let http = Http::new();
    let (mut quiet, mut last) = (Instant::now(), String::new());
    until("the store has read everything", || {
        let metrics = http.get(&format!("{}/metrics", chain.store.url()))?;
        let lag = |line: &&str| line.starts_with("headwater_kafka_lag_records{");
        let now: String = metrics.lines().filter(lag).collect::<Vec<_>>().join("\n");
        let is_read = !now.is_empty() && now.lines().all(|line| line.ends_with(" 0"));
        if !is_read || now != last {
            (quiet, last) = (Instant::now(), now);
        }
        // A lag is known as of the last fetch.
        Ok(is_read && quiet.elapsed() > Duration::from_secs(2))
    })
}

fn disk_full(chain: &mut Chain, disk: &SmallDisk) -> anyhow::Result<String> {
    let begun = Instant::now();
    disk.fill()?;
    // A broker that cannot write its only disk ends itself.
    let ended = until("the broker gives up", || Ok(!chain.cluster.is_running(0)?));
    let took = begun.elapsed();
    thread::sleep(AWAY / 3);
    disk.free()?;
    ended?;
    chain.cluster.restart(0)?;
    Ok(format!("the broker gave up after {:.1} s; ", took.as_secs_f64()))
}

/// With two of three nothing is refused for long; with one everything is, because two must have a record.
fn two_of_three(chain: &mut Chain) -> anyhow::Result<String> {
    let http = Http::new();
    let probe = format!("{}/collect", chain.collector.url());
    let status = |nth: &str| {
        let body = format!(
            r#"{{"site_id":"probe","client_id":"{nth}","session_id":"s","events":[{{"type":"pageview","url":"/","ts":1}}]}}"#
        );
        http.post(&probe, &body)
    };
    chain.cluster.kill(2)?;
    let begun = Instant::now();
    until("two brokers take events", || Ok(status("two")? < 300))?;
    let took = begun.elapsed();
    chain.cluster.kill(1)?;
    thread::sleep(AWAY);
    let refused = status("one")?;
    ensure!(refused == 503, "one broker of three: the answer is {refused}, not 503");
    chain.cluster.restart_all(&[1, 2])?;
    let begun = Instant::now();
    until("three brokers take events", || Ok(status("three")? < 300))?;
    let back = begun.elapsed();
    Ok(format!(
        "with two brokers events are taken after {:.1} s, with one the answer is 503, with three they are taken after \
         {:.1} s; ",
        took.as_secs_f64(),
        back.as_secs_f64()
    ))
}

pub(super) fn until(what: &str, mut is_so: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > LIMIT || stop::asked() {
            bail!("not within {LIMIT:?}: {what}");
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

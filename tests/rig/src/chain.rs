//! The whole way of an event on one machine: collector, bridge, brokers, store.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    Service,
    kafka::{Cluster, Kafka},
};

/// The topic of events.
pub const TOPIC: &str = "events";

/// The programs, built with their feature `kafka`.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `headwater-bridge`.
    pub bridge: PathBuf,
    /// `headwater-collector`.
    pub collector: PathBuf,
    /// `headwater`.
    pub headwater: PathBuf,
}

/// What is started.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many brokers; three or more keep three copies and acknowledge with two.
    pub brokers: usize,
    /// Of the topic.
    pub partitions: u32,
    /// Whether the bridge keeps records on disk while the brokers are away.
    pub has_spool: bool,
    /// Of the collector; 0: the system chooses.
    pub port: u16,
}

impl Default for Plan {
    fn default() -> Self {
        Self { brokers: 1, partitions: 8, has_spool: false, port: 0 }
    }
}

/// All of them, running. Dropping it kills them.
pub struct Chain {
    /// Where SDKs send to.
    pub collector: Service,
    /// What writes to Kafka.
    pub bridge: Service,
    /// What counts and answers.
    pub store: Service,
    /// The brokers.
    pub cluster: Cluster,
    plan: Plan,
    programs: Programs,
}

impl Chain {
    /// Starts all, with their data and logs in `dir`, and waits until they are ready.
    pub fn start(kafka: Kafka, programs: &Programs, dir: &Path, plan: Plan) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        Self::on(Cluster::start(kafka, plan.brokers)?, programs, dir, plan)
    }

    /// What was started.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// As [`start`](Self::start), on brokers that run.
    pub fn on(cluster: Cluster, programs: &Programs, dir: &Path, plan: Plan) -> Result<Self> {
        create_topics(programs, &cluster, plan)?;
        let mut bridge = bridge(programs, &cluster, plan, dir, "bridge");
        bridge.start()?;
        let mut collector = collector(programs, &bridge, dir, "collector").port(plan.port);
        collector.start()?;
        let mut store = store(programs, &cluster, dir);
        store.start()?;
        Ok(Self { collector, bridge, store, cluster, plan, programs: programs.clone() })
    }

    /// Creates the topics; those that are there stay.
    pub fn create_topics(&self) -> Result<()> {
        create_topics(&self.programs, &self.cluster, self.plan)
    }

    /// Fails if a program is no longer running.
    pub fn check(&mut self) -> Result<()> {
        self.collector.check()?;
        self.bridge.check()?;
        self.store.check()
    }

    /// Ends all in order: each finishes what it has before the one behind it goes.
    pub fn stop(&mut self) -> Result<()> {
        self.collector.stop()?;
        self.bridge.stop()?;
        self.store.stop()?;
        // Nobody needs what they hold any more, and the last of several would wait for the others.
        (0..self.plan.brokers).try_for_each(|node| self.cluster.kill(node))
    }
}

/// A bridge to these brokers, not started.
#[must_use]
pub fn bridge(programs: &Programs, cluster: &Cluster, plan: Plan, dir: &Path, name: &str) -> Service {
    let bridge = Service::new(&programs.bridge, dir.join(format!("{name}.log")))
        .args(["serve", "--open", "--metrics-listen", "127.0.0.1:0"])
        .args(["--topic", TOPIC, "--kafka", &cluster.bootstrap()]);
    if plan.has_spool {
        bridge.args(["--spool", "on", "--spool-dir"]).arg(dir.join(format!("{name}-spool")))
    } else {
        bridge
    }
}

/// The store behind these brokers, not started.
#[must_use]
pub fn store(programs: &Programs, cluster: &Cluster, dir: &Path) -> Service {
    Service::new(&programs.headwater, dir.join("store.log"))
        .args(["serve", "--open", "--no-collector", "--topic", TOPIC, "--kafka", &cluster.bootstrap()])
        .arg("--data")
        .arg(dir.join("store"))
}

/// A collector before this bridge, not started.
#[must_use]
pub fn collector(programs: &Programs, bridge: &Service, dir: &Path, name: &str) -> Service {
    Service::new(&programs.collector, dir.join(format!("{name}.log"))).args([
        "--open",
        "--bridge",
        &bridge.url(),
    ])
}

/// Creates the topics by the bridge; those that are there stay.
pub fn create_topics(programs: &Programs, cluster: &Cluster, plan: Plan) -> Result<()> {
    let copies = plan.brokers.min(3);
    let output = Command::new(&programs.bridge)
        .args(["topics", "apply", "--topic", TOPIC, "--kafka", &cluster.bootstrap()])
        .args(["--partitions", &plan.partitions.to_string(), "--replication", &copies.to_string()])
        .args(["--min-isr", &copies.saturating_sub(1).max(1).to_string()])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", programs.bridge.display()))?;
    if !output.status.success() {
        bail!("topics apply: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

//! A real Headwater as child processes: one program, or the whole way through Kafka.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use headwater_rig::chain::{Plan, Programs};
use headwater_rig::kafka::Kafka;
use headwater_rig::{Chain, Service};

use crate::http::Http;
use crate::programs;

/// Which optimisation `headwater` is built with.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Quick to build, with the debug assertions: the demo and the tests.
    Dev,
    /// What is measured.
    Release,
}

/// Builds `headwater` and returns its program; cargo's own progress is shown. `$HEADWATER_BIN` names one built before.
pub(crate) fn build(root: &Path, profile: Profile) -> Result<PathBuf> {
    if let Some(built) = std::env::var_os("HEADWATER_BIN") {
        let built = PathBuf::from(built);
        println!("  $HEADWATER_BIN: {}", built.display());
        return Ok(built);
    }
    match profile {
        Profile::Dev => programs::build(root, &["-p", "headwater-backend", "--bin", "headwater"])?
            .remove("headwater")
            .context("cargo named no program headwater"),
        Profile::Release => programs::release(root, "headwater-backend", "headwater"),
    }
}

/// Builds the programs of the way through Kafka. The first time librdkafka is compiled, too.
pub(crate) fn build_chain(root: &Path) -> Result<Programs> {
    let selection = ["-p", "headwater-backend", "-p", "headwater-bridge", "-p", "headwater-native"];
    chain(programs::build(root, &[&selection[..], &["--bins", "--features", KAFKA]].concat())?)
}

/// The programs of the way through Kafka among those that were built.
pub(crate) fn chain(mut built: BTreeMap<String, PathBuf>) -> Result<Programs> {
    let mut take = |name: &str| built.remove(name).with_context(|| format!("cargo named no program {name}"));
    Ok(Programs {
        bridge: take("headwater-bridge")?,
        collector: take("headwater-collector")?,
        headwater: take("headwater")?,
    })
}

/// What compiles librdkafka.
pub(crate) const KAFKA: &str = "headwater-backend/kafka,headwater-bridge/kafka";

/// A running Headwater; dropping it kills it, [`Server::stop`] lets it drain.
pub(crate) struct Server(Parts);

enum Parts {
    /// Everything in one program.
    One(Service),
    /// Collector, bridge, brokers, store.
    Chain(Box<Chain>),
}

impl Server {
    /// Starts `headwater serve --open` on loopback and waits until it is ready. Port 0 lets the system choose.
    pub(crate) fn start(program: &Path, data: &Path, port: u16) -> Result<Self> {
        std::fs::create_dir_all(data)?;
        let mut service = Service::new(program, fresh_log(&data.with_extension("log"))?)
            .args(["serve", "--open", "--data"])
            .arg(data)
            .port(port);
        service.start()?;
        Ok(Self(Parts::One(service)))
    }

    /// Starts a broker and all programs before and behind it; `port` is the collector's.
    pub(crate) fn through_kafka(kafka: Kafka, programs: &Programs, data: &Path, port: u16) -> Result<Self> {
        let plan = Plan { port, ..Plan::default() };
        Ok(Self(Parts::Chain(Box::new(Chain::start(kafka, programs, data, plan)?))))
    }

    /// Where SDKs send to.
    pub(crate) fn collector_url(&self) -> String {
        match &self.0 {
            Parts::One(service) => service.url(),
            Parts::Chain(chain) => chain.collector.url(),
        }
    }

    /// Where API and dashboard are.
    pub(crate) fn api_url(&self) -> String {
        match &self.0 {
            Parts::One(service) => service.url(),
            Parts::Chain(chain) => chain.store.url(),
        }
    }

    pub(crate) fn collector(&self) -> Http {
        Http::new(&self.collector_url())
    }

    pub(crate) fn api(&self) -> Http {
        Http::new(&self.api_url())
    }

    /// The process, if it is one.
    pub(crate) fn id(&self) -> Result<u32> {
        match &self.0 {
            Parts::One(service) => service.id().context("headwater is not running"),
            Parts::Chain(_) => bail!("Headwater runs in several processes"),
        }
    }

    /// Fails, with the end of its log, if a program is no longer running.
    pub(crate) fn check(&mut self) -> Result<()> {
        match &mut self.0 {
            Parts::One(service) => service.check(),
            Parts::Chain(chain) => chain.check(),
        }
    }

    /// `kill -9` of the program that answers.
    pub(crate) fn kill(mut self) -> Result<()> {
        match &mut self.0 {
            Parts::One(service) => service.kill(),
            Parts::Chain(chain) => chain.store.kill(),
        }
    }

    /// SIGTERM; everything drains and must exit with 0.
    pub(crate) fn stop(mut self) -> Result<()> {
        match &mut self.0 {
            Parts::One(service) => service.stop(),
            Parts::Chain(chain) => chain.stop(),
        }
    }
}

/// The path of a log that begins with this start.
fn fresh_log(log: &Path) -> Result<PathBuf> {
    match std::fs::remove_file(log) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| log.display().to_string())
        }
        _ => Ok(log.to_owned()),
    }
}

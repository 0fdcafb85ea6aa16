//! A broker, and a schema registry, for tests by hand.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use headwater_rig::kafka::Cluster;
use headwater_rig::stop;

use crate::{registry, setup};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also start a real schema registry
    #[arg(long)]
    registry: bool,
}

/// Runs them until Ctrl-C.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    stop::listen()?;
    let mut cluster = Cluster::start(setup::for_kafka()?, 1)?;
    println!("HEADWATER_KAFKA={}", cluster.bootstrap());
    let registry = arguments.registry.then(|| registry::Server::start(&setup::for_registry()?));
    let mut registry = registry.transpose()?;
    if let Some(registry) = &registry {
        println!("HEADWATER_REGISTRY={}", registry.url());
    }
    while !stop::asked() {
        thread::sleep(Duration::from_millis(100));
    }
    if let Some(registry) = &mut registry {
        registry.stop()?;
    }
    cluster.stop(0)
}

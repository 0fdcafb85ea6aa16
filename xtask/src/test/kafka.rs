//! What needs a real broker.

use std::process::Command;

use anyhow::{Context, Result};
use headwater_rig::chain::Programs;
use headwater_rig::kafka::{Cluster, Kafka};

use super::{Amount, Run, compared};
use crate::replay::Order;
use crate::server::{self, KAFKA, Server};
use crate::steps::Count;
use crate::{process, programs, registry, setup};

/// The selection of all other builds, so that only what Kafka is a feature of is compiled again.
const SELECTION: [&str; 5] = ["--workspace", "--features", KAFKA, "--test", "kafka"];

impl Run<'_> {
    /// Bridge and consumer on a broker, every part of the way taken away under load, the clickstream.
    pub(super) fn kafka(&mut self, amount: &Amount) {
        let root = self.root;
        let mut programs = self.programs.clone();
        let ready = self.steps.must("set up Kafka, build with librdkafka", || {
            let kafka = setup::for_kafka()?;
            programs.extend(programs::build_for_tests(root, &SELECTION)?);
            Ok((kafka, server::chain(programs.clone())?))
        });
        let Ok((kafka, chain)) = ready else { return };
        self.on_a_broker(&kafka, &chain);
        if let Some(chaos) = programs.get("headwater-chaos") {
            let (rounds, outage) = (amount.kafka_rounds, amount.outage_s);
            let mut command = Command::new(chaos);
            command.arg("kafka").arg("--java").arg(&kafka.java).arg("--jars").arg(&kafka.jars);
            command.arg("--bridge").arg(&chain.bridge).arg("--collector").arg(&chain.collector);
            command.arg("--headwater").arg(&chain.headwater).current_dir(root);
            command.args(["--rounds", &rounds.to_string(), "--outage", &outage.to_string()]);
            self.command(&format!("faults on the way through Kafka, {rounds} rounds"), &mut command);
        }
        self.steps.check("clickstream through Kafka", || replay(root, kafka, &chain));
    }

    fn on_a_broker(&mut self, kafka: &Kafka, chain: &Programs) {
        let started = self.steps.must("a Kafka broker and a schema registry", || {
            let cluster = Cluster::start(kafka.clone(), 1)?;
            Ok((cluster, registry::Server::start(&setup::for_registry()?)?))
        });
        let Ok((mut cluster, mut registry)) = started else { return };
        let mut tests = process::cargo(self.root);
        tests.arg("test").args(SELECTION);
        tests.env("HEADWATER_KAFKA", cluster.bootstrap()).env("HEADWATER_REGISTRY", registry.url());
        self.command("bridge and consumer on Kafka", &mut tests);
        self.page_to_number(&cluster.bootstrap(), chain);
        self.steps.check("stop both", || {
            registry.stop()?;
            cluster.stop(0).map(|()| Count::ONE)
        });
    }
}

fn replay(root: &std::path::Path, kafka: Kafka, chain: &Programs) -> Result<Count> {
    let folder = tempfile::tempdir().context("a temporary directory")?;
    let mut server = Server::through_kafka(kafka, chain, folder.path(), 0)?;
    let compared = compared(root, &mut server, Order::default())?;
    server.stop()?;
    Ok(compared)
}

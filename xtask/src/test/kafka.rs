//! What needs a real broker.

use std::process::Command;

use anyhow::{Context, Result};
use headwater_rig::chain::Programs;
use headwater_rig::kafka::{Cluster, Kafka};

use super::{Amount, Run, compared};
use crate::replay::Order;
use crate::server::{self, KAFKA, Server};
use crate::steps::Count;
use crate::{process, programs, setup};

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
        self.on_a_broker(&kafka);
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

    fn on_a_broker(&mut self, kafka: &Kafka) {
        if let Ok(mut cluster) = self.steps.must("a Kafka broker", || Cluster::start(kafka.clone(), 1)) {
            let mut tests = process::cargo(self.root);
            tests.arg("test").args(SELECTION).env("HEADWATER_KAFKA", cluster.bootstrap());
            self.command("bridge and consumer on Kafka", &mut tests);
            self.steps.check("stop Kafka", || cluster.stop(0).map(|()| Count::ONE));
        }
    }
}

fn replay(root: &std::path::Path, kafka: Kafka, chain: &Programs) -> Result<Count> {
    let folder = tempfile::tempdir().context("a temporary directory")?;
    let mut server = Server::through_kafka(kafka, chain, folder.path(), 0)?;
    let compared = compared(root, &mut server, Order::default())?;
    server.stop()?;
    Ok(compared)
}

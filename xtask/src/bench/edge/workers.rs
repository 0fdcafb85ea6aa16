//! The workers in their runtimes, beside a collector in plain JavaScript: `tests/edge/bench/workers.mjs`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Results;
use crate::edge::Contract;
use crate::steps::Steps;
use crate::{process, programs, setup};

pub(super) fn measure(root: &Path, steps: &mut Steps, results: &mut Results) -> Result<()> {
    let contract = steps.must("build the workers, and a bridge --release", || {
        setup::for_edge(root)?;
        let selection = ["-p", "headwater-bridge", "-p", "headwater-native", "--bins", "--release"];
        Contract::build(root, &programs::build(root, &selection)?, false)
    })?;
    steps.must("the workers in their runtimes", || load(root, &contract, results))
}

fn load(root: &Path, contract: &Contract, results: &mut Results) -> Result<()> {
    let mut command = Command::new("node");
    command.arg("bench/workers.mjs").current_dir(root.join("tests/edge"));
    command.envs(contract.environment(root));
    let said = process::capture(&mut command)?;
    let line = said.lines().last().context("the measurement said nothing")?;
    for (name, (value, unit)) in serde_json::from_str::<BTreeMap<String, (Value, String)>>(line)? {
        results.add(&name, value, &unit);
    }
    Ok(())
}

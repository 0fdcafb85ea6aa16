//! The checks of `test` with large numbers.

use std::path::Path;

use anyhow::Result;
use headwater_rig::stop;

use crate::replay::Order;
use crate::test::{Amount, Part, Run};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `kill -9` of a loaded server
    #[arg(long, default_value_t = 30)]
    rounds: u32,
    /// Runs of the scenarios that are Chromium's alone, each with its own seed
    #[arg(long, default_value_t = 5)]
    browser_seeds: u64,
    /// Cases of each property test
    #[arg(long, default_value_t = 20_000)]
    cases: u32,
    /// Random orders of the public clickstream, each also with every batch twice
    #[arg(long, default_value_t = 10)]
    orders: u64,
    /// Each fault on the way through Kafka
    #[arg(long, default_value_t = 30)]
    kafka_rounds: u64,
    /// Seconds that a bridge with a spool is without a broker
    #[arg(long, default_value_t = 600)]
    outage_s: u64,
    /// Seeds of the simulator
    #[arg(long, default_value_t = 1_000_000)]
    seeds: u64,
    /// Only this part; may be given several times
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    stop::listen()?;
    let shuffles = 1..=arguments.orders;
    let amount = Amount {
        crashes: arguments.rounds,
        browser_seeds: arguments.browser_seeds,
        brief: false,
        all_hosts: true,
        cases: Some(arguments.cases),
        orders: shuffles
            .flat_map(|seed| [false, true].map(|twice| Order { twice, shuffled: Some(seed), again: false }))
            .collect(),
        seeds: arguments.seeds,
        kafka_rounds: arguments.kafka_rounds,
        outage_s: arguments.outage_s,
    };
    let mut run = Run::new(root);
    // Large numbers do not change what the source says of itself.
    let all = || Part::ALL.into_iter().filter(|part| *part != Part::Source).collect();
    let parts: Vec<Part> = if arguments.only.is_empty() { all() } else { arguments.only.clone() };
    run.carry_out(&parts, &amount);
    run.end()
}

//! Kills real processes at seeded moments and compares what the server counts with what its senders were told
//! is accepted.
//!
//! `headwater-chaos crash --server target/debug/headwater --rounds 3 --seed 1` runs `headwater serve` and a few
//! senders, kills either with SIGKILL under load, restarts them, lets everything drain, and fails if a number
//! differs by one. The seed decides what is killed when; the machine decides what that hits. `headwater-chaos kafka` does
//! the same to brokers, bridges and the store behind them.
#![expect(clippy::print_stdout, reason = "a command line program")]

mod api;
mod crash;
mod crowd;
mod kafka;
mod plan;
mod sender;
mod tally;
mod verdict;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use headwater_rig::stop;

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Kills `headwater serve` and its senders, and compares the totals.
    Crash(crash::Options),
    /// Takes parts of the way through Kafka away, one after the other, and compares the totals.
    Kafka(kafka::Options),
    /// Tracks events and writes down each after it was accepted (started by `crash`).
    #[command(hide = true)]
    Sender(sender::Options),
}

fn main() -> anyhow::Result<ExitCode> {
    let command = Arguments::parse().command;
    if !matches!(command, Command::Sender(_)) {
        stop::listen()?;
    }
    let sound = match command {
        Command::Crash(options) => crash::run(&options)?,
        Command::Kafka(options) => kafka::run(&options)?,
        Command::Sender(options) => sender::run(&options)?,
    };
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

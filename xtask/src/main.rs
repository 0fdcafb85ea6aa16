//! `cargo xtask`: everything a developer runs, from a fresh clone to a measured number.
//!
//! Each module does one thing: [`setup`] brings tools, [`demo`] shows the product, [`replay`] sends a public
//! clickstream and checks every total, [`test`], [`sim`] and [`soak`] prove the promise, [`bench`] measures it,
//! [`coverage`] says what no test reaches. Nothing here is linked into the product, and nothing here depends on a server
//! crate: a change there never rebuilds this program.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program talks to its terminal"
)]

mod bench;
mod checks;
mod coverage;
mod demo;
mod edge;
mod http;
mod kafka;
mod outdated;
mod process;
mod programs;
mod registry;
mod replay;
mod server;
mod setup;
mod sim;
mod soak;
mod static_files;
mod steps;
mod test;
mod wasm;
mod web;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Everything a developer of Headwater runs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure: calls of the core and its bytes; bundle, track(), requests, commits, restart, freshness
    Bench(bench::Arguments),
    /// Run the core's tests and list the lines of the core that none of them reaches
    Coverage,
    /// Start Headwater and an example shop; with --replay check every number against a public clickstream
    Demo(demo::Arguments),
    /// Build the workers for Cloudflare and Fastly; test every host of the collector by one contract
    Edge(edge::Arguments),
    /// Install what building and testing needs into the user's cache directory
    Setup(setup::Arguments),
    /// Start a real Kafka broker on loopback, print its address, and stop it at Ctrl-C
    Kafka(kafka::Arguments),
    /// Run the simulator; its own `--help` lists what it takes
    #[command(disable_help_flag = true)]
    Sim(sim::Arguments),
    /// The checks of `test` with large numbers: more crashes, more seeds, more orders
    Soak(soak::Arguments),
    /// Format, lints, types, unit, simulator, browser, crash and replay tests; `--quick` is the edit loop
    Test(test::Arguments),
    /// Build the npm package @headwater/web into sdk-web/dist
    Web,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let root = repository();
    let result = match arguments.command {
        Command::Bench(arguments) => bench::run(&root, &arguments),
        Command::Coverage => coverage::run(&root),
        Command::Demo(arguments) => demo::run(&root, &arguments),
        Command::Edge(arguments) => edge::run(&root, &arguments),
        Command::Kafka(arguments) => kafka::run(&arguments),
        Command::Setup(arguments) => setup::run(&root, &arguments),
        Command::Sim(arguments) => sim::run(&root, &arguments),
        Command::Soak(arguments) => soak::run(&root, &arguments),
        Command::Test(arguments) => test::run(&root, &arguments),
        Command::Web => setup::for_web(&root).and_then(|()| web::build(&root)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The checkout this program belongs to: cargo names it at run time, so a moved checkout still works.
fn repository() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or(manifest.clone(), Path::to_path_buf)
}

//! `cargo xtask`: everything a developer runs, from a fresh clone to a measured number.
//!
//! Each module does one thing: [`setup`] brings tools, [`demo`] shows the product, [`replay`] sends a public
//! clickstream and checks every total, [`test`] and [`soak`] prove the promise, [`bench`] measures it. Nothing here is
//! linked into the product, and nothing here depends on a server crate: a change there never rebuilds this program.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program talks to its terminal"
)]

mod bench;
mod checks;
mod demo;
mod http;
mod outdated;
mod process;
mod replay;
mod server;
mod setup;
mod soak;
mod static_files;
mod steps;
mod stop;
mod test;
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
    /// Measure: bundle bytes, track(), requests per second, commits, restart, freshness
    Bench(bench::Arguments),
    /// Start Headwater and an example shop; with --replay check every number against a public clickstream
    Demo(demo::Arguments),
    /// Install what building and testing needs into the user's cache directory
    Setup(setup::Arguments),
    /// The checks of `test` with large numbers: more crashes, more seeds, more orders
    Soak(soak::Arguments),
    /// Format, lints, types, unit, browser, crash and replay tests; `--quick` is the edit loop
    Test(test::Arguments),
    /// Build the npm package @headwater/web into sdk-web/dist
    Web,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let root = repository();
    let result = match arguments.command {
        Command::Bench(arguments) => bench::run(&root, &arguments),
        Command::Demo(arguments) => demo::run(&root, &arguments),
        Command::Setup(arguments) => setup::run(&root, &arguments),
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

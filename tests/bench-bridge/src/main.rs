//! `headwater-bench-bridge records` writes enriched events as NDJSON; `raw` produces such a file with librdkafka alone, set
//! as the bridge sets it, and says what that took. `cargo xtask bench bridge` runs both.

#[cfg(feature = "kafka")]
mod raw;
mod records;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes enriched events, each of a stream of its client's, as a collector forwards them
    Records {
        /// Where to
        #[arg(long)]
        file: PathBuf,
        /// How many
        #[arg(long)]
        count: u32,
        /// How many clients take turns
        #[arg(long, default_value_t = 1_000)]
        clients: u32,
        /// Of which site
        #[arg(long, default_value = "bench")]
        site: String,
    },
    /// Produces every line of a file and prints {"events", "seconds", "cpu_seconds"} as JSON
    #[cfg(feature = "kafka")]
    Raw(raw::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Records { file, count, clients, site } => {
            records::write(&file, count, clients.max(1), &site)
        }
        #[cfg(feature = "kafka")]
        Command::Raw(arguments) => raw::run(&arguments),
    }
}

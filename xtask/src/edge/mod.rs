//! The collector at the edge: its workers built, and one contract run against every host.

mod cloudflare;
mod contract;
mod fastly;

use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};

pub(crate) use self::contract::Contract;
use crate::{process, programs, setup};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Build the Cloudflare worker into edge-worker/cloudflare/dist
    Cloudflare,
    /// Build the Fastly program into edge-worker/fastly/bin
    Fastly,
    /// Run the contract on every host: the native server, workerd, and Viceroy where it was built
    Test {
        /// Build Viceroy if it is not there (some 17 CPU minutes, once)
        #[arg(long)]
        fastly: bool,
    },
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    match arguments.what {
        What::Cloudflare => {
            setup::for_web(root)?;
            cloudflare::build(root).map(|size| println!("{size}"))
        }
        What::Fastly => {
            setup::for_fastly(root)?;
            fastly::build(root).map(|size| println!("{size}"))
        }
        What::Test { fastly } => {
            setup::for_edge(root)?;
            let built =
                programs::build(root, &["-p", "headwater-bridge", "-p", "headwater-native", "--bins"])?;
            let contract = Contract::build(root, &built, fastly)?;
            process::run(&mut contract.command(root))?;
            println!("\n{}: all passed", contract.sum(root)?);
            Ok(())
        }
    }
}

/// Builds the Cloudflare worker.
pub(crate) fn worker(root: &Path) -> Result<()> {
    cloudflare::build(root).map(drop)
}

/// Bytes of these together, each as gzip packs it best.
fn gzipped(files: &[&Path]) -> Result<usize> {
    let mut sum = 0;
    for file in files {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&std::fs::read(file)?)?;
        sum += encoder.finish()?.len();
    }
    Ok(sum)
}

//! A sender: tracks events at a steady pace and says which were accepted.

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;
use clap::Args;
use headwater_client::{Client, Error};
use serde_json::json;

use crate::tally::{self, Tally};

#[derive(Args)]
pub(crate) struct Options {
    #[arg(long)]
    pub(crate) endpoint: String,
    #[arg(long)]
    pub(crate) site: String,
    /// The journal directory, the same for all lives of a sender.
    #[arg(long)]
    pub(crate) journal: PathBuf,
    /// Where tallies are written.
    #[arg(long)]
    pub(crate) tallies: PathBuf,
    #[arg(long)]
    pub(crate) sender: usize,
    #[arg(long)]
    pub(crate) life: usize,
    /// How many events to track.
    #[arg(long)]
    pub(crate) events: u64,
    /// How many events to track per second.
    #[arg(long)]
    pub(crate) rate: u32,
    /// How long everything may take to be settled after the last event, in seconds.
    #[arg(long)]
    pub(crate) drain: u64,
}

/// Events are tracked in bursts of this many, as a busy server would.
const BURST: u64 = 8;

pub(crate) fn run(options: &Options) -> anyhow::Result<bool> {
    // RUST_LOG=headwater_client=debug shows what the client does.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let client = Client::builder(&options.endpoint, &options.site)
        .journal(&options.journal)
        .flush_every(Duration::from_millis(50))
        .drain(Duration::ZERO)
        .build()?;
    let mut tally = Tally::create(&tally::path(&options.tallies, options.sender, options.life))?;
    let name = tally::event_name(options.sender, options.life);
    let started = Instant::now();
    for n in 0..options.events {
        client.track(&name, &json!({ "n": n }))?;
        tally.accepted()?;
        if n % BURST == BURST - 1 {
            let due = Duration::from_secs(n) / options.rate;
            thread::sleep(due.saturating_sub(started.elapsed()));
        }
    }
    drain(&client, Duration::from_secs(options.drain))?;
    client.close()?;
    Ok(true)
}

/// Asks again and again, so that the back-off from a dead server does not decide how long it takes.
fn drain(client: &Client, limit: Duration) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        match client.flush(Duration::from_millis(500)) {
            Ok(()) => return Ok(()),
            Err(Error::Unsent(_)) if started.elapsed() < limit => {}
            Err(error) => bail!("not drained after {limit:?}: {error}"),
        }
    }
}

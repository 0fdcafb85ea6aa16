//! Rounds of kill -9.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use headwater_rig::Service;

use crate::{
    api::Api,
    crowd::{Crowd, Load},
    plan::{Plan, Victim},
    verdict::{self, Verdict},
};

#[derive(Args)]
pub(crate) struct Options {
    /// The program `headwater`.
    #[arg(long)]
    server: PathBuf,
    /// How many rounds, each with an empty data directory.
    #[arg(long, default_value_t = 3)]
    rounds: u64,
    /// Round n runs with seed + n, so a failing round is repeated by its own seed and `--rounds 1`.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many sender processes.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    senders: u16,
    /// How many events each sender tracks in a round.
    #[arg(long, default_value_t = 3_000)]
    events: u64,
    /// How many events each sender tracks per second.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// How long what is left may take to be delivered and counted after the last kill, in seconds.
    #[arg(long, default_value_t = 60)]
    drain: u64,
}

const SITE: &str = "chaos";

/// Runs all rounds; whether every one was sound.
pub(crate) fn run(options: &Options) -> anyhow::Result<bool> {
    println!("seed {}, {} rounds, {} senders", options.seed, options.rounds, options.senders);
    for round in 0..options.rounds {
        let seed = options.seed.wrapping_add(round);
        let dir = tempfile::Builder::new().prefix("headwater-chaos-").tempdir()?;
        let outcome = self::round(options, seed, dir.path());
        let breaches = match outcome {
            Ok(report) => {
                println!("round {}: {}", round + 1, report.line());
                report.verdict.breaches
            }
            Err(error) => vec![format!("{error:#}")],
        };
        if !breaches.is_empty() {
            println!("round {} FAILED, seed {seed}; its files are in {}", round + 1, dir.keep().display());
            for breach in breaches {
                println!("  {breach}");
            }
            return Ok(false);
        }
    }
    Ok(true)
}

struct Report {
    seed: u64,
    verdict: Verdict,
    /// From the start of the program to its line "listening on".
    restarts: Vec<Duration>,
    sender_kills: usize,
    took: Duration,
}

fn round(options: &Options, seed: u64, dir: &Path) -> anyhow::Result<Report> {
    let begun = Instant::now();
    let mut server = Service::new(&options.server, dir.join("server.log"))
        .args(["serve", "--open", "--data"])
        .arg(dir.join("data"));
    server.start()?;
    let load = Load {
        endpoint: server.url(),
        site: SITE.into(),
        senders: options.senders,
        events: options.events,
        rate: options.rate,
        drain: Duration::from_secs(options.drain),
    };
    let plan = Plan::new(seed, usize::from(options.senders), load.lasts());
    let mut crowd = Crowd::start(load.clone(), dir)?;
    let mut restarts = Vec::new();
    for kill in &plan.kills {
        crowd.wait_until(kill.at)?;
        match kill.victim {
            Victim::Server => {
                server.kill()?;
                restarts.push(server.start()?);
            }
            Victim::Sender(number) => crowd.kill(number)?,
        }
    }
    let expected = crowd.finish()?;
    let verdict = verdict::settle(&Api::new(&server.url(), SITE), expected, load.drain)?;
    server.kill()?;
    Ok(Report { seed, verdict, restarts, sender_kills: crowd.kills(), took: begun.elapsed() })
}

impl Report {
    fn line(&self) -> String {
        let Verdict { counted, expected, breaches } = &self.verdict;
        let slowest = self.restarts.iter().max().copied().unwrap_or_default();
        let mean =
            self.restarts.iter().sum::<Duration>() / u32::try_from(self.restarts.len().max(1)).unwrap_or(1);
        format!(
            "seed {}, {} events told, {} counted, {} copies removed, known {} = counted + lost, in flight {}, \
             unexplained {}; server killed {} times, ready again after {:.2} s (slowest {:.2} s), senders killed \
             {} times; {:.1} s: {}",
            self.seed,
            expected.told(),
            counted.events,
            counted.delivery.copies,
            counted.delivery.known,
            counted.delivery.in_flight,
            counted.delivery.unexplained,
            self.restarts.len(),
            mean.as_secs_f64(),
            slowest.as_secs_f64(),
            self.sender_kills,
            self.took.as_secs_f64(),
            if breaches.is_empty() { "ok" } else { "BREACH" },
        )
    }
}

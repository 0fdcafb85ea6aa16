//! Rounds of kill -9.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use crate::{
    api::Api,
    plan::{Plan, Victim},
    process::{Load, Sender, Server},
    tally,
    verdict::{Counted, Expected, Life},
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
        let outcome = Round::new(options, seed, dir.path()).run();
        let breaches = match outcome {
            Ok(report) => {
                println!("round {}: {}", round + 1, report.line());
                report.breaches
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

struct Round<'a> {
    options: &'a Options,
    seed: u64,
    dir: &'a Path,
    server: Server,
    senders: Vec<Sender>,
}

struct Report {
    seed: u64,
    expected: Expected,
    counted: Counted,
    breaches: Vec<String>,
    /// From the start of the program to its line "listening on".
    restarts: Vec<Duration>,
    sender_kills: usize,
    took: Duration,
}

impl<'a> Round<'a> {
    fn new(options: &'a Options, seed: u64, dir: &'a Path) -> Self {
        let senders = (0..usize::from(options.senders)).map(|number| Sender::new(number, dir)).collect();
        Self { options, seed, dir, server: Server::new(&options.server, dir), senders }
    }

    fn run(mut self) -> anyhow::Result<Report> {
        let begun = Instant::now();
        let options = self.options;
        self.server.start()?;
        let load = Load {
            endpoint: self.server.url(),
            site: SITE.into(),
            rate: options.rate,
            drain: Duration::from_secs(options.drain),
        };
        let started = Instant::now();
        for sender in &mut self.senders {
            sender.start(&load, options.events)?;
        }
        let lasts = Duration::from_secs(options.events) / options.rate;
        let restarts = self.kill(&Plan::new(self.seed, self.senders.len(), lasts), started, &load)?;
        let deadline = Instant::now() + lasts + load.drain;
        for sender in &mut self.senders {
            // Beyond its own limit, which says more.
            sender.finish(deadline + Duration::from_secs(10))?;
        }
        let expected = self.expected()?;
        let (counted, breaches) = self.settle(&expected, load.drain)?;
        self.server.kill()?;
        let sender_kills = self.senders.iter().map(|sender| sender.killed.len()).sum();
        let took = begun.elapsed();
        Ok(Report { seed: self.seed, expected, counted, breaches, restarts, sender_kills, took })
    }

    /// Carries out the plan; returns how long the server took to be ready after each kill.
    fn kill(&mut self, plan: &Plan, started: Instant, load: &Load) -> anyhow::Result<Vec<Duration>> {
        let mut restarts = Vec::new();
        for kill in &plan.kills {
            thread::sleep(kill.at.saturating_sub(started.elapsed()));
            match kill.victim {
                Victim::Server => {
                    self.server.kill()?;
                    restarts.push(self.server.start()?);
                }
                Victim::Sender(number) => {
                    let sender = &mut self.senders[number];
                    sender.kill()?;
                    let done: u64 = (0..sender.life)
                        .map(|life| tally::count(&tally::path(self.dir, number, life)))
                        .sum::<Result<_, _>>()?;
                    sender.start(load, self.options.events.saturating_sub(done))?;
                }
            }
        }
        Ok(restarts)
    }

    fn expected(&self) -> anyhow::Result<Expected> {
        let mut lives = std::collections::BTreeMap::new();
        for sender in &self.senders {
            for life in 0..=sender.life {
                let told = tally::count(&tally::path(self.dir, sender.number, life))?;
                let killed = sender.killed.contains(&life);
                lives.insert(tally::event_name(sender.number, life), Life { told, killed });
            }
        }
        Ok(Expected { lives })
    }

    /// Asks until the numbers are right, because the store follows the log by a moment; what is still wrong at
    /// the end is wrong.
    fn settle(&self, expected: &Expected, limit: Duration) -> anyhow::Result<(Counted, Vec<String>)> {
        let api = Api::new(&self.server.url(), SITE);
        let deadline = Instant::now() + limit;
        loop {
            let counted =
                Counted { events: api.events()?, by_name: api.events_by_name()?, delivery: api.delivery()? };
            let breaches = expected.compare(&counted);
            if breaches.is_empty() || Instant::now() >= deadline {
                return Ok((counted, breaches));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Report {
    fn line(&self) -> String {
        let Self { counted, expected, .. } = self;
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
            if self.breaches.is_empty() { "ok" } else { "BREACH" },
        )
    }
}

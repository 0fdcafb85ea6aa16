//! The way through Kafka: every part is taken away under load, and comes back.

mod faults;
mod outage;

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Args;
use fastrand::Rng;
use headwater_rig::{
    Chain,
    chain::{Plan, Programs},
    disk::SmallDisk,
    kafka::{Cluster, Kafka},
};

use self::faults::Fault;
use crate::{
    api::Api,
    crowd::{Crowd, Load},
    verdict::{self, Verdict},
};

#[derive(Args)]
pub(crate) struct Options {
    /// Java's program.
    #[arg(long)]
    java: PathBuf,
    /// The folder of Kafka's jars.
    #[arg(long)]
    jars: PathBuf,
    /// The program `headwater-bridge`, built with Kafka.
    #[arg(long)]
    bridge: PathBuf,
    /// The program `headwater-collector`.
    #[arg(long)]
    collector: PathBuf,
    /// The program `headwater`, built with Kafka.
    #[arg(long)]
    headwater: PathBuf,
    /// Which faults; all without it.
    #[arg(long = "fault", value_enum)]
    faults: Vec<Fault>,
    /// How often each fault, every time at another moment.
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// Round n runs with seed + n.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many sender processes.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    senders: u16,
    /// How many events each sender tracks per fault.
    #[arg(long, default_value_t = 1_500)]
    events: u64,
    /// How many events each sender tracks per second.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// How long what is left may take to be delivered and counted after the last event, in seconds.
    #[arg(long, default_value_t = 120)]
    drain: u64,
    /// Seconds of the outage with a spool; 0: none.
    #[arg(long, default_value_t = 60)]
    outage: u64,
}

impl Options {
    fn kafka(&self) -> Kafka {
        Kafka { java: self.java.clone(), jars: self.jars.clone() }
    }

    fn programs(&self) -> Programs {
        Programs {
            bridge: self.bridge.clone(),
            collector: self.collector.clone(),
            headwater: self.headwater.clone(),
        }
    }

    fn load(&self, endpoint: String, site: String) -> Load {
        let drain = Duration::from_secs(self.drain);
        Load { endpoint, site, senders: self.senders, events: self.events, rate: self.rate, drain }
    }
}

/// Of the one broker's disk: what all rounds leave there, and room to be taken away.
const DISK_MB: u32 = 1024;

/// Carries out everything; whether every promise was kept.
pub(crate) fn run(options: &Options) -> anyhow::Result<bool> {
    let dir = tempfile::Builder::new().prefix("headwater-chaos-").tempdir()?;
    let outcome = all(options, dir.path());
    if !matches!(outcome, Ok(true)) {
        println!("the files are in {}", dir.keep().display());
    }
    outcome
}

fn all(options: &Options, dir: &Path) -> anyhow::Result<bool> {
    let mut is_sound = true;
    for (name, plan) in
        [("one broker", Plan::default()), ("three brokers", Plan { brokers: 3, ..Plan::default() })]
    {
        let faults: Vec<_> =
            options.wanted().into_iter().filter(|fault| fault.brokers() == plan.brokers).collect();
        if faults.is_empty() {
            continue;
        }
        let dir = dir.join(name.replace(' ', "-"));
        println!("{name}");
        let disk = match plan.brokers {
            1 => SmallDisk::mount(&dir.join("disk"), DISK_MB)?.map(Rc::new),
            _ => None,
        };
        let data = disk.as_ref().map_or_else(|| dir.join("disk"), |disk| disk.folder().to_owned());
        let cluster = Cluster::start_in(options.kafka(), plan.brokers, &data)?;
        let mut chain = Chain::on(cluster, &options.programs(), &dir, plan)?;
        for round in 0..options.rounds {
            for fault in &faults {
                is_sound &= one(options, &mut chain, disk.as_ref(), *fault, round, &dir)?;
            }
        }
        chain.stop()?;
    }
    if options.outage > 0 && options.faults.is_empty() {
        is_sound &= outage::run(options, &dir.join("outage"))?;
    }
    Ok(is_sound)
}

impl Options {
    fn wanted(&self) -> Vec<Fault> {
        if self.faults.is_empty() { Fault::ALL.into() } else { self.faults.clone() }
    }
}

/// One fault under a load of its own site.
fn one(
    options: &Options,
    chain: &mut Chain,
    disk: Option<&Rc<SmallDisk>>,
    fault: Fault,
    round: u64,
    dir: &Path,
) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let seed = options.seed.wrapping_add(round);
    let site = format!("{}-{round}", fault.name());
    let dir = dir.join(&site);
    let Some(ground) = fault.prepare(options, chain, disk, &dir)? else {
        println!("{}: not tried, because this machine lets nobody mount a small disk", fault.name());
        return Ok(true);
    };
    let load = options.load(ground.endpoint(chain), site.clone());
    let mut crowd = Crowd::start(load.clone(), &dir)?;
    let mut random = Rng::with_seed(seed ^ (fault as u64) << 32);
    crowd.wait_until(load.lasts().mul_f64(0.1 + 0.5 * random.f64()))?;
    let told = fault.strike(chain, &ground)?;
    let expected = crowd.finish()?;
    let verdict = verdict::settle(&Api::new(&chain.store.url(), &site), expected, load.drain)?;
    say(&format!("{}, seed {seed}", fault.name()), &told, &verdict, begun.elapsed());
    Ok(verdict.breaches.is_empty())
}

fn say(what: &str, seen: &str, verdict: &Verdict, took: Duration) {
    let Verdict { expected, counted, breaches } = verdict;
    let delivery = &counted.delivery;
    println!(
        "{what}: {seen}{} events told, {} counted, {} copies removed, known {} = counted + lost, in flight {}, \
         unexplained {}; {:.1} s: {}",
        expected.told(),
        counted.events,
        delivery.copies,
        delivery.known,
        delivery.in_flight,
        delivery.unexplained,
        took.as_secs_f64(),
        if breaches.is_empty() { "ok" } else { "BREACH" },
    );
    for breach in breaches {
        println!("  {breach}");
    }
}

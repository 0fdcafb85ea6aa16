//! `sim`: runs seeds, replays one, shrinks what fails.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use headwater_sim::{Breach, Outcome, Schedule, run, run_traced, shrink};

/// Tries to break the promise: every accepted event is counted exactly once, or named with its reason.
///
/// Joins the real core, collector, bridge and consumer by a seeded clock, network, disk and broker. The last line of
/// stdout is `seeds=N breaches=B seeds_per_second=R`; the exit code is 1 if there was a breach.
#[derive(Debug, Parser)]
#[command(name = "sim", version)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, value_name = "N", default_value_t = 20_000, conflicts_with = "seed")]
    seeds: u64,

    /// The first of them.
    #[arg(long, value_name = "S", default_value_t = 0, conflicts_with = "seed")]
    from: u64,

    /// Threads; by default one per core.
    #[arg(long, value_name = "J")]
    jobs: Option<usize>,

    /// Replays one seed; if it fails, shrinks it and shows the fewest steps and what happened in them.
    #[arg(long, value_name = "X")]
    seed: Option<u64>,

    /// Shows what happened in the replayed seed as a sequence diagram, failed or not, before it is shrunk.
    #[arg(long, requires = "seed")]
    trace: bool,

    /// Plants a slip, to see how it is found.
    #[cfg(feature = "planted")]
    #[arg(long, value_name = "BUG", value_parser = bug)]
    plant: Option<headwater_core::planted::Bug>,
}

/// Failing seeds that are printed; more say nothing new.
const SHOWN: usize = 20;

/// How often a long run says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Seeds that a thread takes at once.
const CHUNK: u64 = 128;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let breaches = match arguments.seed {
        Some(seed) => replay(seed, &arguments),
        None => search(&arguments),
    };
    match breaches {
        Ok(0) => ExitCode::SUCCESS,
        // Nobody reads any more: `sim | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

fn search(arguments: &Arguments) -> io::Result<u64> {
    let jobs =
        arguments.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)).max(1);
    let (from, end) = (arguments.from, arguments.from.saturating_add(arguments.seeds));
    let next = AtomicU64::new(from);
    let finished = AtomicU64::new(0);
    let breaches: Mutex<Vec<(u64, Breach)>> = Mutex::default();
    let started = Instant::now();
    // Nothing is sent: the threads hold it as long as they work.
    let (working, over) = mpsc::channel::<()>();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let working = working.clone();
            let (next, finished, breaches) = (&next, &finished, &breaches);
            scope.spawn(move || {
                plant(arguments);
                work(next, end, finished, breaches);
                drop(working);
            });
        }
        drop(working);
        // Every few seconds, so that short runs say nothing.
        while over.recv_timeout(PROGRESS) == Err(RecvTimeoutError::Timeout) {
            // Progress is nobody's result.
            _ = writeln!(io::stderr(), "{} of {} seeds", finished.load(Ordering::Relaxed), end - from);
        }
    });
    let seconds = started.elapsed().as_secs_f64();

    let mut breaches = breaches.into_inner().unwrap_or_else(PoisonError::into_inner);
    breaches.sort_by_key(|(seed, _)| *seed);
    let mut out = io::stdout().lock();
    for (seed, breach) in breaches.iter().take(SHOWN) {
        writeln!(out, "{breach}\n  replay: cargo run --release -p headwater-sim -- --seed {seed} --trace")?;
    }
    if breaches.len() > SHOWN {
        writeln!(out, "and {} more", breaches.len() - SHOWN)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = arguments.seeds as f64 / seconds.max(1e-9);
    writeln!(out, "seeds={} breaches={} seeds_per_second={rate:.0}", arguments.seeds, breaches.len())?;
    Ok(breaches.len() as u64)
}

/// Runs seeds below `end` until there are none.
fn work(next: &AtomicU64, end: u64, finished: &AtomicU64, breaches: &Mutex<Vec<(u64, Breach)>>) {
    loop {
        let first = next.fetch_add(CHUNK, Ordering::Relaxed);
        if first >= end {
            return;
        }
        for seed in first..end.min(first.saturating_add(CHUNK)) {
            if let Outcome::Breach(breach) = run(&Schedule::of_seed(seed)) {
                breaches.lock().unwrap_or_else(PoisonError::into_inner).push((seed, breach));
            }
        }
        finished.fetch_add(CHUNK.min(end - first), Ordering::Relaxed);
    }
}

fn replay(seed: u64, arguments: &Arguments) -> io::Result<u64> {
    plant(arguments);
    let mut out = io::stdout().lock();
    let started = Instant::now();
    let schedule = Schedule::of_seed(seed);
    if arguments.trace {
        writeln!(out, "seed {seed}: {schedule}\n{}", run_traced(&schedule).1)?;
    }
    let outcome = run(&schedule);
    let rate = 1.0 / started.elapsed().as_secs_f64().max(1e-9);
    let breaches = match outcome {
        Outcome::Fine => 0,
        Outcome::Breach(breach) => {
            writeln!(out, "seed {seed}: {breach}\n")?;
            let smallest = shrink(&schedule);
            let (outcome, trace) = run_traced(&smallest);
            writeln!(out, "the fewest of its {} steps: {smallest}\n{trace}", schedule.steps.len())?;
            if let Outcome::Breach(breach) = outcome {
                writeln!(out, "{breach}")?;
            }
            1
        }
    };
    writeln!(out, "seeds=1 breaches={breaches} seeds_per_second={rate:.0}")?;
    Ok(breaches)
}

#[cfg(feature = "planted")]
fn plant(arguments: &Arguments) {
    headwater_core::planted::plant(arguments.plant);
}

#[cfg(not(feature = "planted"))]
fn plant(_: &Arguments) {}

#[cfg(feature = "planted")]
fn bug(name: &str) -> Result<headwater_core::planted::Bug, String> {
    use headwater_core::planted::Bug;
    Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name).ok_or_else(|| {
        let names: Vec<_> = Bug::ALL.iter().map(|bug| format!("{bug:?}")).collect();
        format!("one of {}", names.join(", "))
    })
}

//! The real parts in a seeded world, and an oracle that knows what was promised: *every accepted event is counted
//! exactly once, or named in the loss ledger with its reason, once its device has reached us again.*
//!
//! ```text
//! Schedule ── steps ──> World: devices (headwater-test-shell: the real core on a disk that fails)
//! (of a seed)              │   network (fates that steps arm)
//!                          │   edges (the real collector, its seen cache)
//!                          │   log │ bridge (its real decisions) ── topic
//!                          │   consumer (the real counting and commits) ── store
//!                          └──> Oracle: every fact while it happens, every event at the end ──> Outcome
//! ```
//!
//! Nothing here waits, opens a file or starts a thread; time is a number. A run follows from its [`Schedule`] alone, so
//! a failing seed is the bug report: `sim --seed X` replays it, shrinks it ([`shrink`]) and draws what happened
//! ([`run_traced`]).
//!
//! ```
//! use headwater_sim::{Outcome, Schedule, run};
//!
//! for seed in 0..20 {
//!     assert_eq!(run(&Schedule::of_seed(seed)), Outcome::Fine, "seed {seed}");
//! }
//! ```
//!
//! # What the oracle knows
//!
//! *Accepted* is what a shell says after its journal write returned; *taken* is what a disk says that the platform took
//! back; *durable* is what log, topic, spool and store hold; *deleted* is what an operator did to those. From this it
//! judges, at once: nothing is forgotten that is neither durable behind the edges nor named; every name and every claim
//! of a request is so; nothing is evicted below the limits; at most four requests are in flight. And at the end, when the
//! faults have stopped and everybody who comes back came back: each event is counted once with what it was accepted with,
//! or lost by a reason that did happen, or was taken; the accounts are a plain fold of the rows, now and a month later;
//! memory equals the fold of what was committed; with the copies that the edges removed the totals are the same.
//!
//! # Where does it go?
//!
//! A new fault: an [`Act`](schedule::Act), drawn in `schedule/draw`, done in `world/acts`. A new promise: a
//! [`Kind`] and a check in `oracle`. A new slip that must be found: `headwater_core::planted`, its place, and its line in
//! `tests/planted.rs`.

pub mod behind;
mod breach;
mod names;
mod oracle;
pub mod schedule;
mod shrink;
mod trace;
mod world;

use std::{cell::RefCell, panic, sync::Once};

pub use breach::{Breach, Kind};
pub use schedule::Schedule;
pub use shrink::{shrink, shrink_by};

/// How a run ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// A promise was broken.
    Breach(Breach),
    /// None was.
    Fine,
}

/// Runs a schedule.
#[must_use]
pub fn run(schedule: &Schedule) -> Outcome {
    play(schedule, false).0
}

/// Runs a schedule and draws what happens as a sequence diagram.
#[must_use]
pub fn run_traced(schedule: &Schedule) -> (Outcome, String) {
    play(schedule, true)
}

thread_local! {
    /// What the panic of a run said, and where; `None` outside of runs.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn play(schedule: &Schedule, is_traced: bool) -> (Outcome, String) {
    keep_panics();
    PANIC.set(Some(String::new()));
    let played = panic::catch_unwind(|| world::play(schedule, is_traced));
    let said = PANIC.take().unwrap_or_default();
    match played {
        Ok((None, trace)) => (Outcome::Fine, trace.unwrap_or_default()),
        Ok((Some(breach), trace)) => (Outcome::Breach(breach), trace.unwrap_or_default()),
        Err(_) => {
            let breach = Breach { kind: Kind::Panic, step: None, at_ms: 0, sentence: said.clone() };
            (Outcome::Breach(breach), said)
        }
    }
}

/// Panics of runs are verdicts, not noise; all others are told as before.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_run = PANIC.with_borrow_mut(|said| {
                let is_run = said.is_some();
                if let Some(said) = said {
                    *said = info.to_string();
                }
                is_run
            });
            if !is_run {
                before(info);
            }
        }));
    });
}

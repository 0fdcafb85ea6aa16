//! From a schedule that breaks a promise to the smallest one found that breaks it in the same way.

use headwater_core::client::Decision;

use crate::{
    Outcome, run,
    schedule::{Act, Call, Ending, Platform, Schedule, Setup, Topology},
};

/// Runs that are spent on one shrink; the rest is left as it is.
const RUNS: u32 = 6_000;

/// Fewest steps and simplest world with a breach of the same kind. A schedule without a breach is returned as it is.
#[must_use]
pub fn shrink(schedule: &Schedule) -> Schedule {
    let Outcome::Breach(breach) = run(schedule) else { return schedule.clone() };
    shrink_by(
        schedule,
        |candidate| matches!(run(candidate), Outcome::Breach(found) if found.kind == breach.kind),
    )
}

/// Fewest steps and simplest world for which `fails` still holds, as it does for `schedule`.
pub fn shrink_by(schedule: &Schedule, fails: impl FnMut(&Schedule) -> bool) -> Schedule {
    let mut shrinker = Shrinker { fails, best: schedule.clone(), runs: 0 };
    loop {
        let before = shrinker.best.clone();
        shrinker.remove_steps();
        shrinker.simplify_world();
        shrinker.simplify_steps();
        if shrinker.best == before || shrinker.runs >= RUNS {
            return shrinker.best;
        }
    }
}

struct Shrinker<F> {
    fails: F,
    best: Schedule,
    runs: u32,
}

impl<F: FnMut(&Schedule) -> bool> Shrinker<F> {
    /// Takes `candidate` if it fails alike.
    fn take(&mut self, candidate: Schedule) -> bool {
        if self.runs >= RUNS || candidate == self.best {
            return false;
        }
        self.runs += 1;
        let fails = (self.fails)(&candidate);
        if fails {
            self.best = candidate;
        }
        fails
    }

    /// Halves, quarters, … down to single steps.
    fn remove_steps(&mut self) {
        let mut size = self.best.steps.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < self.best.steps.len() {
                let mut candidate = self.best.clone();
                let to = (from + size).min(candidate.steps.len());
                candidate.steps.drain(from..to);
                if !self.take(candidate) {
                    from += size;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn simplify_world(&mut self) {
        let simpler: [fn(&mut Setup); 16] = [
            |setup| setup.stores = true,
            |setup| setup.topology = Topology::Embedded,
            |setup| {
                if let Topology::Bridged { edges, .. } = &mut setup.topology {
                    *edges = 1;
                }
            },
            |setup| {
                if let Topology::Bridged { partitions, .. } = &mut setup.topology {
                    *partitions = 1;
                }
            },
            |setup| {
                if let Topology::Bridged { spool, .. } = &mut setup.topology {
                    *spool = false;
                }
            },
            |setup| setup.platform = Platform::Web,
            |setup| setup.locks = true,
            |setup| setup.seen_ranges = 0,
            |setup| setup.seen_ranges = 1_000,
            |setup| setup.latency_ms = 20,
            |setup| setup.capacity = 5_000_000,
            |setup| setup.queue_events = 0,
            |setup| setup.queue_bytes = 0,
            |setup| setup.consent = Decision::Granted,
            |setup| setup.waits_for_consent = false,
            |setup| setup.ending = Ending::Kill,
        ];
        for simplify in simpler {
            let mut candidate = self.best.clone();
            simplify(&mut candidate.setup);
            self.take(candidate);
        }
    }

    fn simplify_steps(&mut self) {
        for at in 0..self.best.steps.len() {
            for act in simpler(self.best.steps[at].act) {
                let mut candidate = self.best.clone();
                candidate.steps[at].act = act;
                self.take(candidate);
            }
        }
    }
}

/// Simpler forms of an act, the simplest last.
fn simpler(act: Act) -> Vec<Act> {
    match act {
        Act::Adopt { page, .. } => vec![Act::Adopt { page, lag: 0 }],
        Act::Arm { hop, fate, .. } => vec![Act::Arm { hop, fate, count: 1 }],
        Act::Call { page, call, count } => vec![
            Act::Call { page, call, count: count.div_ceil(2) },
            Act::Call { page, call, count: 1 },
            Act::Call { page, call: Call::Track, count: 1 },
        ],
        Act::CommitFails { done, .. } => vec![Act::CommitFails { done, count: 1 }],
        Act::KillAt { device, percent, .. } => vec![Act::KillAt { device, writes: 1, percent }],
        Act::Open { page, ignores, .. } => vec![Act::Open { page, lag: 0, ignores }],
        Act::Wait { ms } => [ms / 2, 60_000, 10_000, 1_000]
            .into_iter()
            .filter(|&m| m < ms)
            .map(|ms| Act::Wait { ms })
            .collect(),
        _ => Vec::new(),
    }
}

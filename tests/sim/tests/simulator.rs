//! What the simulator itself promises.

use headwater_sim::{
    Outcome, Schedule, run, run_traced,
    schedule::{Act, Call, Ending, Hop, Page, Platform, Step, Topology},
    shrink, shrink_by,
};

/// Few enough for the edit loop; `HEADWATER_SEEDS=1000000` for more.
const SEEDS: u64 = 300;

#[test]
fn the_promise_holds() {
    let seeds = std::env::var("HEADWATER_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(SEEDS);
    for seed in 0..seeds {
        let outcome = run(&Schedule::of_seed(seed));
        assert_eq!(outcome, Outcome::Fine, "cargo run --release -p headwater-sim -- --seed {seed} --trace");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..60 {
        let schedule = Schedule::of_seed(seed);
        assert_eq!(schedule, Schedule::of_seed(seed));
        assert_eq!(run_traced(&schedule), run_traced(&schedule), "seed {seed}");
    }
}

#[test]
fn a_step_that_is_removed_leaves_the_others_as_they_were() {
    // A page of a device on which there is none: nothing happens.
    let nobody = Page { device: 2, slot: 3 };
    let idle = Step { seed: 7, act: Act::Flush { page: nobody } };
    let mut compared = 0;
    for seed in 0..60 {
        let schedule = Schedule::of_seed(seed);
        let is_about = |page: Page| page.device == nobody.device;
        let has_third_device = schedule.steps.iter().any(|step| match step.act {
            Act::Copy { device } => device == 1,
            Act::Open { page, .. } => is_about(page),
            _ => false,
        });
        if has_third_device {
            continue;
        }
        let mut longer = schedule.clone();
        longer.steps.insert(schedule.steps.len() / 2, idle.clone());
        assert_eq!(messages(&schedule), messages(&longer), "seed {seed}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

/// What happened, without the headings, which number the steps.
fn messages(schedule: &Schedule) -> Vec<String> {
    let (_, trace) = run_traced(schedule);
    trace.lines().filter(|line| !line.starts_with("──")).map(str::to_owned).collect()
}

#[test]
fn a_diagram_is_at_most_140_columns_wide_and_shows_every_party() {
    let mut seen = [false; 7];
    for seed in 0..200 {
        let (_, trace) = run_traced(&Schedule::of_seed(seed));
        assert!(trace.lines().all(|line| line.chars().count() <= 140), "seed {seed}");
        for line in trace.lines() {
            for (lane, seen) in seen.iter_mut().enumerate() {
                *seen |= line.chars().nth(16 + 9 * lane).is_some_and(|cell| "├┤●".contains(cell));
            }
        }
    }
    assert!(seen[..6].iter().all(|seen| *seen), "{seen:?}");
}

#[test]
fn the_shrinker_keeps_what_fails_and_nothing_else() {
    let is_cause =
        |step: &Step| matches!(step.act, Act::Call { call: Call::Purchase, count, .. } if count >= 2);
    let is_effect = |step: &Step| matches!(step.act, Act::Arm { hop: Hop::Client, .. });
    let fails = |schedule: &Schedule| {
        let cause = schedule.steps.iter().position(is_cause);
        cause.is_some_and(|at| schedule.steps[at..].iter().any(is_effect))
    };
    let failing =
        (0..10_000).map(Schedule::of_seed).find(|schedule| schedule.steps.len() > 20 && fails(schedule));
    let smallest = shrink_by(&failing.expect("one of ten thousand"), fails);
    assert!(fails(&smallest));
    assert_eq!(smallest.steps.len(), 2, "{smallest}");
    assert!(matches!(smallest.steps[0].act, Act::Call { count: 2 | 3, .. }), "{smallest}");
    assert_eq!((smallest.setup.topology, smallest.setup.platform), (Topology::Embedded, Platform::Web));
    assert_eq!((smallest.setup.ending, smallest.setup.locks), (Ending::Kill, true));
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let schedule = Schedule::of_seed(1);
    assert_eq!(run(&schedule), Outcome::Fine);
    assert_eq!(shrink(&schedule), schedule);
}

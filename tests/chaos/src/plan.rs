//! What happens in a round, and when: the seed decides, nothing else.

use std::time::Duration;

use fastrand::Rng;

/// Kills of one round, in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Plan {
    pub(crate) kills: Vec<Kill>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Kill {
    /// Counted from the start of the load.
    pub(crate) at: Duration,
    pub(crate) victim: Victim,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Victim {
    Sender(usize),
    Server,
}

impl Plan {
    /// Two to five kills of the server and one or two of senders, while the load lasts.
    pub(crate) fn new(seed: u64, senders: usize, load: Duration) -> Self {
        let mut random = Rng::with_seed(seed);
        let moment = |random: &mut Rng| load.mul_f64(random.f64() * 0.9);
        let mut kills = Vec::new();
        for _ in 0..random.usize(2..=5) {
            kills.push(Kill { at: moment(&mut random), victim: Victim::Server });
        }
        for _ in 0..random.usize(1..=2) {
            let victim = Victim::Sender(random.usize(..senders));
            kills.push(Kill { at: moment(&mut random), victim });
        }
        kills.sort_by_key(|kill| kill.at);
        Self { kills }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Duration = Duration::from_secs(4);

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(Plan::new(7, 4, LOAD), Plan::new(7, 4, LOAD));
        assert_ne!(Plan::new(7, 4, LOAD), Plan::new(8, 4, LOAD));
    }

    #[test]
    fn every_plan_kills_both_kinds_while_the_load_lasts() {
        for seed in 0..200 {
            let plan = Plan::new(seed, 3, LOAD);
            let servers = plan.kills.iter().filter(|kill| kill.victim == Victim::Server).count();
            assert!((2..=5).contains(&servers) && plan.kills.len() > servers, "seed {seed}");
            assert!(plan.kills.iter().all(|kill| kill.at < LOAD), "seed {seed}");
            assert!(plan.kills.is_sorted_by_key(|kill| kill.at), "seed {seed}");
        }
    }
}

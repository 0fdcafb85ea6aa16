//! What must be true when everything has drained.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;
use headwater_rig::stop;

use crate::api::{Api, Total};

/// Both sides, and where they differ.
pub(crate) struct Verdict {
    pub(crate) expected: Expected,
    pub(crate) counted: Counted,
    pub(crate) breaches: Vec<String>,
}

/// Asks until the numbers are right, because the store follows by a moment; what is still wrong at the end is wrong.
pub(crate) fn settle(api: &Api, expected: Expected, limit: Duration) -> anyhow::Result<Verdict> {
    let deadline = Instant::now() + limit;
    loop {
        let counted =
            Counted { events: api.events()?, by_name: api.events_by_name()?, delivery: api.delivery()? };
        let breaches = expected.compare(&counted);
        if breaches.is_empty() || Instant::now() >= deadline {
            return Ok(Verdict { expected, counted, breaches });
        }
        if stop::asked() {
            bail!("interrupted");
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// What the senders know.
#[derive(Debug)]
pub(crate) struct Expected {
    /// By event name.
    pub(crate) lives: BTreeMap<String, Life>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// Events it was told are accepted.
    pub(crate) told: u64,
    /// It was killed: one more event may have been accepted without its being told, since a sender tracks one
    /// event after the other.
    pub(crate) killed: bool,
}

/// What the server says.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) events: u64,
    pub(crate) by_name: BTreeMap<String, u64>,
    pub(crate) delivery: Total,
}

impl Expected {
    pub(crate) fn told(&self) -> u64 {
        self.lives.values().map(|life| life.told).sum()
    }

    /// Everything that differs from the promise; nothing if it was kept.
    pub(crate) fn compare(&self, counted: &Counted) -> Vec<String> {
        let mut breaches = Vec::new();
        for (name, life) in &self.lives {
            let count = counted.by_name.get(name).copied().unwrap_or(0);
            let most = life.told + u64::from(life.killed);
            if !(life.told..=most).contains(&count) {
                breaches.push(format!("{name}: {count} counted, {} to {most} accepted", life.told));
            }
        }
        for name in counted.by_name.keys().filter(|name| !self.lives.contains_key(*name)) {
            breaches.push(format!("{name:?}: counted, but sent by nobody"));
        }
        let sum: u64 = counted.by_name.values().sum();
        let delivery = &counted.delivery;
        let lost: u64 = delivery.lost.values().sum();
        let mut equal = |what: &str, left: u64, right: u64| {
            if left != right {
                breaches.push(format!("{what}: {left} != {right}"));
            }
        };
        equal("events in all = events by name", counted.events, sum);
        equal("events in all = counted in the ledger", counted.events, delivery.counted);
        equal("known = counted + lost", delivery.known, delivery.counted + lost);
        equal("in flight = 0", delivery.in_flight, 0);
        equal("unexplained = 0", delivery.unexplained, 0);
        if lost > 0 {
            breaches.push(format!("a kill loses nothing, but named lost are {:?}", delivery.lost));
        }
        breaches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        let lives = [("a", Life { told: 10, killed: true }), ("b", Life { told: 5, killed: false })];
        Expected { lives: lives.map(|(name, life)| (name.to_owned(), life)).into() }
    }

    fn counted(a: u64, b: u64) -> Counted {
        let delivery = Total { known: a + b, counted: a + b, copies: 3, ..Total::default() };
        Counted { events: a + b, by_name: [("a".to_owned(), a), ("b".to_owned(), b)].into(), delivery }
    }

    #[test]
    fn what_was_told_must_be_counted_and_one_more_after_a_kill_may() {
        assert_eq!(expected().compare(&counted(10, 5)), Vec::<String>::new());
        assert_eq!(expected().compare(&counted(11, 5)), Vec::<String>::new());
        assert_eq!(expected().compare(&counted(9, 5)).len(), 1);
        assert_eq!(expected().compare(&counted(12, 5)).len(), 1);
        assert_eq!(expected().compare(&counted(10, 4)).len(), 1);
        assert_eq!(expected().compare(&counted(10, 6)).len(), 1);
    }

    #[test]
    fn a_ledger_that_does_not_add_up_is_a_breach() {
        let mut wrong = counted(10, 5);
        wrong.delivery.in_flight = 1;
        wrong.delivery.known += 1;
        assert_eq!(expected().compare(&wrong).len(), 2);
        let mut wrong = counted(10, 5);
        wrong.delivery.lost.insert("vanished".into(), 2);
        wrong.delivery.known += 2;
        assert_eq!(expected().compare(&wrong).len(), 1);
        let mut wrong = counted(10, 5);
        wrong.by_name.insert("nobody's".into(), 1);
        assert_eq!(expected().compare(&wrong).len(), 2);
    }
}

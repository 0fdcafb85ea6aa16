//! Whatever fails, in whatever order: each line one outcome, no yes before it is durable, nothing accepted is lost,
//! order kept, memory given back.

use std::collections::BTreeMap;

use headwater_bridge_flow::{Config, Input, Limits, Record, SpoolPolicy};

use crate::host::{Host, seq_of};

#[test]
fn whatever_fails_nothing_accepted_is_lost_or_overtaken() {
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let (first, seeds) = match number("HEADWATER_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("HEADWATER_SEEDS").unwrap_or(300)),
    };
    for seed in first..first + seeds {
        let told = std::panic::catch_unwind(|| one(seed));
        assert!(told.is_ok(), "to see it again: HEADWATER_SEED={seed}");
    }
}

/// A check that finds nothing may check nothing: each of these slips must be found.
#[cfg(feature = "planted")]
#[test]
fn each_planted_slip_is_found() {
    use headwater_core::planted::{Bug, plant};
    for bug in [
        Bug::AnswerBeforeBroker,
        Bug::DeadLetterUnnamed,
        Bug::RebuildForgetsInFlight,
        Bug::SpoolAckBeforeSync,
        Bug::SpoolTrimBeforeAck,
    ] {
        plant(Some(bug));
        let found = (0..100).find(|seed| std::panic::catch_unwind(|| one(*seed)).is_err());
        plant(None);
        assert!(found.is_some(), "{bug:?} was not found");
    }
}

fn one(seed: u64) {
    let mut host = Host::new(seed, config(seed));
    host.run(0);
    host.tell(Input::Incarnation(1));
    for _ in 0..host.rng.u32(20..120) {
        match host.rng.u8(0..40) {
            0 => host.is_broker_up = !host.is_broker_up,
            1 => {
                let word = host.rng.bool();
                host.tell(Input::Broker(word));
            }
            2 => host.break_producer(),
            3 if host.rng.bool() => host.crash(),
            4 => {
                let incarnation = u128::from(host.rng.u8(0..3));
                host.tell(Input::Incarnation(incarnation));
            }
            5 => host.hang_up(),
            6..=9 => {
                let ms = host.rng.u64(0..4000);
                host.run(ms);
            }
            10..=20 => {
                let ms = host.rng.u64(0..50);
                host.run(ms);
            }
            _ => host.request(),
        }
    }
    host.calm = true;
    host.is_broker_up = true;
    host.tell(Input::Broker(true));
    host.run(120_000);

    assert!(host.open.is_empty(), "not answered: {:?}", host.open.keys());
    assert!(host.is_spool_empty(), "the spool was not drained");
    let gauges = host.flow.gauges();
    assert_eq!((gauges.held_bytes, gauges.held_messages, gauges.in_flight, gauges.requests), (0, 0, 0, 0));
    assert_eq!((gauges.spooled_bytes, gauges.spooled_lanes), (0, 0));
    host.assert_kept();
    assert_in_order(&host);
}

fn config(seed: u64) -> Config {
    let policies = [SpoolPolicy::CannotRetry, SpoolPolicy::Off, SpoolPolicy::On, SpoolPolicy::On];
    let mut limits =
        Limits { answer_within_ms: 2000, backoff_ms: (50, 1000), read_bytes: 1600, ..Limits::default() };
    match seed / 4 % 4 {
        0 => limits.max_messages = 20,
        1 => limits.spool_bytes = 4000,
        2 => limits.spool_age_ms = 3000,
        _ => limits.cut_letter_bytes = 100,
    }
    let spool = policies[usize::try_from(seed % 4).expect("small")];
    Config { limits, partitions: crate::rig::PARTITIONS, spool }
}

/// The first arrivals of what was accepted of a client are in the order in which it was sent to the bridge.
fn assert_in_order(host: &Host) {
    for bodies in host.topic.values() {
        let mut last: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        let mut seen = std::collections::BTreeSet::new();
        for body in bodies {
            let seq = seq_of(body);
            if !host.accepted.contains(&seq) || !seen.insert(seq) {
                continue;
            }
            let client = Record::parse(body.clone()).expect("a record").key.to_vec();
            let before = last.insert(client, seq);
            assert!(before < Some(seq), "{seq} was overtaken by {before:?}");
        }
    }
}

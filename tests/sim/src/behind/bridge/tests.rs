//! A bridge among faults.

use std::collections::BTreeSet;

use headwater_schema::{Ledger, Record as Full};

use super::*;
use crate::behind::broker::Fault;

struct World {
    broker: Broker,
    bridge: Bridge,
    now: u64,
    replies: Vec<(u64, Reply)>,
}

impl World {
    fn new(partitions: u32, spool: bool) -> Self {
        let mut broker = Broker::new(partitions);
        let bridge = Bridge::new(0, &mut broker, spool);
        let mut world = Self { broker, bridge, now: 0, replies: Vec::new() };
        world.run(100);
        world
    }

    fn request(&mut self, token: u64, records: Vec<Vec<u8>>) {
        self.bridge.request(self.now, &mut self.broker, token, records);
        self.listen();
    }

    fn run(&mut self, ms: u64) {
        let until = self.now + ms;
        while let Some(at) = self.bridge.next_at().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.bridge.advance(self.now, &mut self.broker);
            self.listen();
        }
        self.now = until;
    }

    fn crash(&mut self, seed: u64) {
        self.bridge.crash(self.now, &mut self.broker, seed);
    }

    fn listen(&mut self) {
        while let Some(reply) = self.bridge.poll() {
            self.replies.push((self.now, reply));
        }
    }

    fn take_replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.replies).into_iter().map(|(_, reply)| reply).collect()
    }

    fn topic(&self) -> Vec<Vec<u8>> {
        self.broker.records().map(|(_, _, record)| record.to_vec()).collect()
    }
}

fn event(client: u32, seq: u32) -> Vec<u8> {
    format!(
        r#"{{"event_id":"018e3a1c-0000-7000-8000-00000000000e","stream":"018e3a1c-0000-4000-8000-{client:012}","seq":{seq},"site_id":"s","client_id":"{client}","event_type":"pageview","timestamp":1,"ts":1,"sent_at":1,"received_at":1,"schema_version":1}}"#
    )
    .into_bytes()
}

#[test]
fn a_reply_follows_the_broker() {
    let mut world = World::new(3, false);
    world.request(7, vec![event(1, 0), event(2, 0)]);
    assert_eq!(world.replies, []);
    world.run(1_000);
    assert_eq!(world.replies, [(104, (7, Ok(1)))]);
    assert_eq!(world.topic().len(), 2);
    assert_eq!(world.bridge.next_at(), None, "nothing to wake up for");
}

#[test]
fn a_lost_acknowledgement_makes_a_copy_and_no_loss() {
    for spool in [false, true] {
        let mut world = World::new(1, spool);
        world.broker.arm(Fault::AckLost, 1);
        world.request(7, vec![event(1, 0)]);
        world.run(10_000);
        let replies = world.take_replies();
        assert_eq!(replies, [(7, if spool { Ok(1) } else { Err(5) })]);
        assert_eq!(world.topic(), vec![event(1, 0); if spool { 2 } else { 1 }]);
    }
}

#[test]
fn while_the_broker_is_away_edges_are_told_to_wait() {
    let mut world = World::new(1, false);
    world.broker.set_up(false);
    world.request(1, vec![event(1, 0)]);
    world.run(100);
    world.request(2, vec![event(1, 1)]);
    assert_eq!(world.take_replies(), [(2, Err(5))], "it is known by now");
    world.run(10_000);
    assert_eq!(world.take_replies(), [(1, Err(5))]);
    world.broker.set_up(true);
    world.request(3, vec![event(1, 0), event(1, 1)]);
    world.run(1_000);
    assert_eq!(world.take_replies(), [(3, Ok(1))]);
}

#[test]
fn a_spool_takes_what_the_broker_does_not_and_gives_it_back_in_order() {
    let mut world = World::new(1, true);
    world.broker.set_up(false);
    for n in 0..20 {
        world.request(u64::from(n), vec![event(1, n)]);
        world.run(10);
    }
    world.run(60_000);
    assert_eq!(world.take_replies().len(), 20);
    assert_eq!((world.topic().len(), world.bridge.spooled().count()), (0, 20));
    world.crash(3);
    world.run(60_000);
    assert_eq!(world.bridge.spooled().count(), 20, "an fsync holds");
    world.broker.set_up(true);
    world.run(60_000);
    assert_eq!(world.topic(), (0..20).map(|n| event(1, n)).collect::<Vec<_>>());
    assert_eq!(world.bridge.spooled().count(), 0);
}

#[test]
fn a_broken_producer_is_built_anew_and_loses_nothing() {
    for done in [false, true] {
        let mut world = World::new(1, false);
        world.broker.arm(Fault::Fatal { done }, 1);
        world.request(1, vec![event(1, 0), event(1, 1)]);
        world.run(1_000);
        assert_eq!(world.take_replies(), [(1, Ok(1))]);
        let first = if done { vec![event(1, 0)] } else { vec![] };
        assert_eq!(world.topic(), [first, vec![event(1, 0), event(1, 1)]].concat());
    }
}

#[test]
fn a_record_that_is_too_large_is_kept_and_named() {
    let mut world = World::new(1, true);
    world.broker.arm(Fault::Refused, 1);
    world.request(1, vec![event(1, 5), event(1, 6)]);
    world.run(1_000);
    assert_eq!(world.take_replies(), [(1, Ok(1))]);
    assert_eq!(world.broker.letters()[0].body, event(1, 5));
    let [sound, name] = &world.topic()[..] else { panic!("two records") };
    assert_eq!(*sound, event(1, 6));
    let Ok(Full::Ledger(Ledger { lost, .. })) = Full::from_slice(name) else { panic!("a name") };
    assert_eq!((lost[0].from, lost[0].to, lost[0].reason.as_str()), (5, 6, "dead_letter"));
}

#[test]
fn a_bridge_that_stood_still_does_not_say_yes_to_what_it_cannot_know() {
    let mut world = World::new(1, false);
    world.request(1, vec![event(1, 0)]);
    world.bridge.pause(world.now + 180_000);
    world.request(2, vec![event(1, 1)]);
    world.run(179_000);
    assert_eq!(world.replies, []);
    world.run(60_000);
    assert_eq!(world.take_replies(), [(1, Err(1)), (2, Ok(1))]);
    assert_eq!(world.topic(), [event(1, 0), event(1, 1)], "it had arrived all the same");
}

#[test]
fn a_crash_answers_nobody_and_keeps_what_is_fsynced() {
    for seed in 0..20 {
        let mut world = World::new(1, true);
        world.request(1, vec![event(1, 0)]);
        world.crash(seed);
        world.run(10_000);
        assert_eq!(world.take_replies(), []);
        assert!(world.topic().len() <= 1);
        world.request(2, vec![event(1, 0)]);
        world.run(1_000);
        assert_eq!(world.take_replies(), [(2, Ok(1))]);
    }
}

#[test]
fn a_topic_that_is_created_anew_is_another_incarnation_and_its_yes_another_yes() {
    let mut world = World::new(1, false);
    world.broker.arm(Fault::LateAck { ms: 1_000 }, 1);
    world.request(1, vec![event(1, 0)]);
    world.run(500);
    world.broker.recreate(0, true);
    world.broker.add_partitions(1);
    world.run(1_000);
    world.request(2, vec![event(1, 0)]);
    world.run(1_000);
    assert_eq!(world.take_replies(), [(1, Err(1)), (2, Ok(2))]);
}

/// Seeded trouble, then calm: what was told to be safe is safe, and every request that no crash took has one reply.
fn trouble(seed: u64) -> (Vec<Reply>, usize) {
    let mut rng = Rng::with_seed(seed);
    let mut world = World::new(rng.u32(1..4), rng.bool());
    let mut sent: Vec<(u32, u32)> = Vec::new();
    let mut open = BTreeSet::new();
    let mut safe = BTreeSet::new();
    let mut replies = Vec::new();
    for step in 0..rng.u32(10..60) {
        match rng.u8(0..24) {
            0 => world.broker.set_up(rng.bool()),
            1 => world.bridge.pause(world.now + rng.u64(0..200_000)),
            2 => {
                world.crash(rng.u64(..));
                open.clear();
            }
            3 => world.broker.add_partitions(1),
            4..=8 => {
                let ms = rng.u64(0..2_000);
                let done = rng.bool();
                let faults = [
                    Fault::AckLost,
                    Fault::Fatal { done },
                    Fault::Late { ms },
                    Fault::LateAck { ms },
                    Fault::Lost,
                    Fault::Refused,
                ];
                world.broker.arm(faults[rng.usize(0..6)], rng.u8(1..4));
            }
            9..=11 => world.run(rng.u64(0..8_000)),
            12..=15 => world.run(rng.u64(0..20)),
            _ => {
                sent.push((rng.u32(0..5), step));
                let token = sent.len() as u64 - 1;
                open.insert(token);
                let (client, seq) = sent[sent.len() - 1];
                world.request(token, vec![event(client, seq)]);
            }
        }
        for (token, reply) in world.take_replies() {
            assert!(open.remove(&token), "{token} was answered twice");
            replies.push((token, reply));
        }
    }
    world.broker.heal();
    world.run(400_000);
    for (token, reply) in world.take_replies() {
        assert!(open.remove(&token), "{token} was answered twice");
        replies.push((token, reply));
    }
    assert!(open.is_empty(), "not answered: {open:?}");
    safe.extend(replies.iter().filter(|(_, reply)| reply.is_ok()).map(|(token, _)| *token));
    let mut there = BTreeSet::new();
    for record in world.topic() {
        match Full::from_slice(&record).expect("a record") {
            Full::Event(event) => {
                there.insert((event.client_id, event.seq.expect("a seq")));
            }
            Full::Ledger(ledger) => {
                let client = ledger.client_id.expect("a client");
                there.extend(ledger.lost.iter().map(|lost| (client.clone(), lost.from)));
            }
        }
    }
    for token in safe {
        let (client, seq) = sent[usize::try_from(token).expect("small")];
        assert!(there.contains(&(client.to_string(), seq)), "{client}/{seq} was accepted and is nowhere");
    }
    assert_eq!(world.bridge.spooled().count(), 0, "drained");
    assert_eq!((world.bridge.gauges().held_messages, world.bridge.next_at()), (0, None));
    (replies, world.topic().len())
}

#[test]
fn after_any_trouble_what_was_accepted_is_there() {
    for seed in 0..1_000 {
        let told = std::panic::catch_unwind(|| trouble(seed));
        assert!(told.is_ok(), "seed {seed}");
    }
}

#[test]
fn a_seed_always_tells_the_same_story() {
    for seed in 0..20 {
        assert_eq!(trouble(seed), trouble(seed), "seed {seed}");
    }
}

#[cfg(feature = "planted")]
#[test]
fn planted_slips_are_found() {
    use headwater_core::planted::{Bug, plant};
    for bug in [
        Bug::AnswerBeforeBroker,
        Bug::DeadLetterUnnamed,
        Bug::RebuildForgetsInFlight,
        Bug::SpoolAckBeforeSync,
        Bug::SpoolTrimBeforeAck,
    ] {
        plant(Some(bug));
        let found = (0..3_000).find(|seed| std::panic::catch_unwind(|| trouble(*seed)).is_err());
        plant(None);
        assert!(found.is_some(), "{bug:?} was not found");
    }
}

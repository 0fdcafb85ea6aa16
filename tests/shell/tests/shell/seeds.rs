//! Whatever dies, fails or is read too late: what was accepted is counted once or named, as long as the platform takes
//! nothing back.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::catch_unwind,
};

use fastrand::Rng;
use headwater_core::{
    client::{Decision, Outcome, Purpose, Transport},
    reason::Reason,
};
use headwater_test_shell::{Call, Fact, Happening, Kind, Sent, Shell};
use serde_json::Value;
use uuid::Uuid;

use crate::device::{Device, batch};

/// Seeds in the edit loop; `HEADWATER_SEEDS=100000` for a soak, `HEADWATER_SEED=7` for one again.
const SEEDS: u64 = 300;

#[test]
fn every_accepted_event_is_counted_once_or_named_whatever_fails() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seeds = match number("HEADWATER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HEADWATER_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        assert!(catch_unwind(|| World::new(seed).run()).is_ok(), "run again with HEADWATER_SEED={seed}");
    }
}

struct World {
    rng: Rng,
    device: Device,
    shells: Vec<Shell>,
    /// Answers on their way: the shell, its life, and what it is told.
    answers: Vec<(usize, u32, Happening)>,
    lives: Vec<u32>,
    accepted: BTreeMap<(Uuid, u32), Vec<u8>>,
    in_memory: BTreeSet<Uuid>,
    /// Events that a shell named for a reason of its own.
    given_up: BTreeSet<(Uuid, u32)>,
    counted: BTreeMap<(Uuid, u32), Value>,
    named: BTreeMap<(Uuid, u32), String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut device = Device::new(if rng.bool() { Kind::Phone } else { Kind::Web });
        device.seed = seed;
        device.setup.limits.queue_bytes = if rng.bool() { 800 } else { 16_384 };
        device.setup.segment_entries = rng.u32(1..6);
        Self {
            rng,
            device,
            shells: Vec::new(),
            answers: Vec::new(),
            lives: Vec::new(),
            accepted: BTreeMap::new(),
            in_memory: BTreeSet::new(),
            given_up: BTreeSet::new(),
            counted: BTreeMap::new(),
            named: BTreeMap::new(),
        }
    }

    fn run(mut self) {
        for _ in 0..self.rng.u32(10..80) {
            let living: Vec<usize> = (0..self.shells.len())
                .filter(|at| !self.shells[*at].is_dead() && !self.shells[*at].has_left())
                .collect();
            let Some(&at) = self.rng.choice(&living) else {
                self.open();
                continue;
            };
            self.step(at, living.len());
        }
        // Nothing fails any more.
        self.device.disk.spare();
        self.device.disk.fill(false);
        for shell in &mut self.shells {
            if !shell.is_dead() {
                shell.kill();
            }
        }
        self.answers.clear();
        self.open();
        let last = self.shells.len() - 1;
        for _ in 0..200 {
            let (mut shell, free) = (self.shells.pop().expect("it was opened"), self.device.disk.streams());
            let (view, now) = (self.device.disk.view(0), self.device.at());
            shell.adopt(&mut self.device.disk, &view, now, &free);
            self.device.wait(&mut shell, 400_000);
            self.shells.push(shell);
            self.collect(last, true);
            self.answer(usize::MAX);
        }
        self.check();
    }

    fn step(&mut self, at: usize, living: usize) {
        let tell = match self.rng.u32(0..24) {
            0..8 => return self.call(at),
            8 => Happening::Hidden,
            9 => Happening::Visible,
            10 => Happening::Flush,
            11 => Happening::Online(self.rng.bool()),
            12 => Happening::Terminating,
            13 => {
                self.device.disk.kill_at(self.rng.u32(1..12), self.rng.u32(0..=100));
                return;
            }
            14 if living < 3 => return self.open(),
            15 => {
                let on = self.rng.bool();
                return self.device.disk.fill(on);
            }
            16 => {
                let count = self.rng.usize(1..4);
                return self.answer(count);
            }
            17 => {
                let asleep = (0..self.shells.len()).find(|at| self.shells[*at].has_left());
                let Some(at) = asleep else { return };
                self.lives[at] += 1;
                return self.tell(at, Happening::Restored);
            }
            _ => {
                let ms = [100, 1_000, 100_000][self.rng.usize(0..3)];
                let mut shell = self.shells.swap_remove(at);
                self.device.wait(&mut shell, ms);
                self.shells.push(shell);
                let last = self.shells.len() - 1;
                self.shells.swap(at, last);
                return self.collect(at, false);
            }
        };
        self.tell(at, tell);
    }

    fn open(&mut self) {
        let mut shell = self.device.open();
        // Without locks, and late: some that live are taken for dead.
        let (view, now) = (self.device.disk.view(self.rng.usize(0..6)), self.device.at());
        let owned: Vec<Uuid> =
            self.shells.iter().filter(|s| !s.is_dead()).flat_map(Shell::own_streams).collect();
        let wrong = self.rng.u8(..) < 40;
        let free: Vec<Uuid> = view.streams().into_iter().filter(|id| wrong || !owned.contains(id)).collect();
        shell.adopt(&mut self.device.disk, &view, now, &free);
        self.shells.push(shell);
        self.lives.push(0);
        self.collect(self.shells.len() - 1, false);
    }

    fn call(&mut self, at: usize) {
        let calls: Vec<Call> = (0..self.rng.u32(1..5))
            .map(|_| match self.rng.u32(0..20) {
                0 => Call::Identify("ann".into(), vec![]),
                1 => Call::Reset,
                2 => Call::revenue("order", 4200, "EUR"),
                3 if self.rng.bool() => Call::Consent(Purpose(0), Decision::Denied),
                4..6 => Call::Consent(Purpose(0), Decision::Granted),
                _ => Call::track("video_play"),
            })
            .collect();
        self.device.now += self.rng.u64(0..1_000);
        let now = self.device.at();
        self.shells[at].calls(&mut self.device.disk, now, &calls);
        self.collect(at, false);
    }

    fn tell(&mut self, at: usize, what: Happening) {
        let now = self.device.at();
        self.shells[at].tell(&mut self.device.disk, now, what);
        self.collect(at, false);
    }

    /// Takes what a shell did; requests go through a network that loses some, unless it is calm.
    fn collect(&mut self, at: usize, calm: bool) {
        for fact in self.shells[at].take_facts() {
            match fact {
                Fact::Accepted { stream, seq, body } => {
                    let before = self.accepted.insert((stream, seq), body.to_vec());
                    assert!(before.is_none(), "two events are called {seq} of {stream}");
                }
                Fact::Named { stream, from, to, reason: Reason::Consent | Reason::QueueFull, .. } => {
                    self.given_up.extend((from..to).map(|seq| (stream, seq)));
                }
                Fact::Opened { stream, stored: false, .. } => {
                    self.in_memory.insert(stream);
                }
                _ => {}
            }
        }
        for shared in self.shells[at].take_shared() {
            for other in (0..self.shells.len()).filter(|other| *other != at) {
                let now = self.device.at();
                self.shells[other].tell(&mut self.device.disk, now, Happening::Shared(shared));
                self.collect(other, calm);
            }
        }
        for sent in self.shells[at].take_sends() {
            let fate = if calm { 0 } else { self.rng.u32(0..6) };
            if fate < 4 {
                self.receive(&sent);
            }
            let ack = Some(u32::try_from(sent.seqs.len()).expect("few"));
            let answer = |status, ack| Outcome::Answer { status, ack, retry_after: None, time: None };
            let outcome = match fate {
                0..3 => answer(204, ack),
                5 => answer(503, Some(0)),
                _ => Outcome::NoAnswer,
            };
            if sent.transport != Transport::Beacon {
                let told = Happening::Answered { request: sent.request, outcome };
                self.answers.push((at, self.lives[at], told));
            }
        }
    }

    fn answer(&mut self, count: usize) {
        for _ in 0..count.min(self.answers.len()) {
            let (at, life, told) = self.answers.remove(0);
            if self.lives[at] == life {
                let now = self.device.at();
                self.shells[at].tell(&mut self.device.disk, now, told);
                self.collect(at, count == usize::MAX);
            }
        }
    }

    fn receive(&mut self, sent: &Sent) {
        let batch = batch(sent);
        for event in batch["events"].as_array().expect("events") {
            let name = (sent.stream, u32::try_from(event["seq"].as_u64().expect("a seq")).expect("u32"));
            let mut event = event.clone();
            event.as_object_mut().expect("an object").remove("session_id");
            event["client_id"] = batch["client_id"].clone();
            event["user_id"] = batch["user_id"].clone();
            let known = self.counted.entry(name).or_insert_with(|| event.clone());
            assert_eq!(*known, event, "two events are called {name:?}");
        }
        for loss in batch["lost"].as_array().into_iter().flatten() {
            let number = |at: usize| u32::try_from(loss[at].as_u64().expect("a seq")).expect("u32");
            for seq in number(0)..number(1) {
                let reason = loss[2].as_str().expect("a reason").to_owned();
                self.named.entry((sent.stream, seq)).or_insert(reason);
            }
        }
    }

    fn check(&self) {
        for name in self.accepted.keys() {
            if self.in_memory.contains(&name.0) || self.counted.contains_key(name) {
                continue;
            }
            // A reader that came too late for the name still names the event, as vanished.
            let reason = self.named.get(name);
            assert!(
                self.given_up.contains(name) && reason.is_some(),
                "{name:?} was accepted and is lost: {reason:?}"
            );
        }
        let left: Vec<_> = self.device.disk.contents().into_iter().collect();
        let own = self.shells.last().expect("it was opened").own_streams();
        assert!(left.iter().all(|(id, _)| own.contains(id)), "something is left: {left:?}");
    }
}

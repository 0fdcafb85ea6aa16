//! A host in memory whose broker, disk and process fail by the rules that the flow relies on. It checks each yes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use fastrand::Rng;
use headwater_bridge_flow::{
    Config, Effect, Failure, Flow, Found, Input, Outcome, Record, Request, To, partition,
};
use headwater_schema::{Ledger, Record as Full};

/// Longer records are never taken.
pub(crate) const MAX_RECORD: usize = 400;
/// Longer dead letters neither.
const MAX_LETTER: usize = 600;

pub(crate) struct Host {
    pub(crate) flow: Flow,
    pub(crate) rng: Rng,
    pub(crate) now: u64,
    pub(crate) config: Config,
    /// From now on nothing fails.
    pub(crate) calm: bool,
    pub(crate) is_broker_up: bool,
    /// What the producer has, per partition in order, with the time at which the broker decides.
    producer: BTreeMap<u32, VecDeque<(u64, Sent)>>,
    inbox: VecDeque<Input>,
    /// Bodies per partition, as they arrived.
    pub(crate) topic: BTreeMap<u32, Vec<Bytes>>,
    arrived: BTreeSet<Bytes>,
    named: BTreeSet<u32>,
    letters: BTreeSet<Bytes>,
    spool: BTreeMap<u32, Disk>,
    syncing: Option<(u64, u64)>,
    /// Requests that were not answered yet.
    pub(crate) open: BTreeMap<u64, Vec<(u32, Bytes)>>,
    /// Seqs that were accepted.
    pub(crate) accepted: BTreeSet<u32>,
    next: u32,
}

struct Sent {
    attempt: u64,
    to: To,
    body: Bytes,
}

#[derive(Default)]
struct Disk {
    first: u64,
    records: Vec<Bytes>,
    durable: usize,
    /// What the sync under way will make durable.
    syncing: usize,
}

impl Host {
    pub(crate) fn new(seed: u64, config: Config) -> Self {
        Self {
            flow: Flow::new(config),
            rng: Rng::with_seed(seed),
            now: 0,
            config,
            calm: false,
            is_broker_up: true,
            producer: BTreeMap::new(),
            inbox: VecDeque::new(),
            topic: BTreeMap::new(),
            arrived: BTreeSet::new(),
            named: BTreeSet::new(),
            letters: BTreeSet::new(),
            spool: BTreeMap::new(),
            syncing: None,
            open: BTreeMap::new(),
            accepted: BTreeSet::new(),
            next: 0,
        }
    }

    /// A request with events of some clients; each event has a seq of its own, ascending over all.
    pub(crate) fn request(&mut self) {
        let number = u64::from(self.next);
        let mut lines = Vec::new();
        for _ in 0..self.rng.u32(1..5) {
            let client = u32::from(self.rng.u8(0..6));
            let pad = if self.rng.u8(0..12) == 0 { self.rng.usize(0..500) } else { 0 };
            lines.push((self.next, crate::rig::padded(&client.to_string(), self.next, pad)));
            self.next += 1;
        }
        let records = lines.iter().map(|(_, line)| Record::parse(line.clone())).collect();
        self.open.insert(number, lines);
        let can_retry = self.rng.bool();
        self.tell(Input::Request(Request {
            request: number,
            sender: number % 3,
            can_retry,
            records,
            trace: None,
        }));
    }

    /// The sender of some request goes away.
    pub(crate) fn hang_up(&mut self) {
        let Some((request, _)) = self.open.pop_first() else { return };
        self.tell(Input::Gone { request });
    }

    /// The process dies and another one starts.
    pub(crate) fn crash(&mut self) {
        self.tear_producer();
        self.flow = Flow::new(self.config);
        self.inbox.clear();
        self.syncing = None;
        self.open.clear();
        for disk in self.spool.values_mut() {
            let kept = self.rng.usize(disk.durable..=disk.records.len());
            disk.records.truncate(kept);
            disk.durable = kept;
        }
        self.drain();
    }

    /// The producer breaks.
    pub(crate) fn break_producer(&mut self) {
        self.tell(Input::Fatal);
    }

    pub(crate) fn tell(&mut self, input: Input) {
        self.flow.handle(self.now, input);
        self.drain();
    }

    /// Lets `ms` pass.
    pub(crate) fn run(&mut self, ms: u64) {
        let until = self.now + ms;
        loop {
            while let Some(input) = self.inbox.pop_front() {
                self.tell(input);
            }
            let broker = self.producer.values().filter_map(|sent| sent.front()).map(|(at, _)| *at).min();
            let sync = self.syncing.map(|(at, _)| at);
            let flow = self.flow.poll_timeout();
            let Some(at) = [broker, sync, flow].into_iter().flatten().min().filter(|at| *at <= until) else {
                break;
            };
            self.now = self.now.max(at);
            if sync == Some(at) {
                self.end_sync();
            } else if broker == Some(at) {
                self.decide(at);
            } else {
                self.tell(Input::Timeout);
            }
        }
        self.now = until;
    }

    pub(crate) fn is_spool_empty(&self) -> bool {
        self.spool.values().all(|disk| disk.first == disk.records.len() as u64)
    }

    /// Whether everything that was accepted is where it can never get lost again.
    pub(crate) fn assert_kept(&self) {
        let arrived: BTreeSet<u32> = self.arrived.iter().map(seq_of).collect();
        for seq in &self.accepted {
            assert!(arrived.contains(seq) || self.named.contains(seq), "{seq} was accepted and is nowhere");
        }
    }

    fn chance(&mut self, one_in: u32) -> bool {
        !self.calm && self.rng.u32(0..one_in) == 0
    }

    fn drain(&mut self) {
        while let Some(effect) = self.flow.poll() {
            self.obey(effect);
        }
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { request, answer } => self.answered(request, &answer.outcomes),
            Effect::Append { partition, offset, body } => {
                let disk = self.spool.entry(partition).or_default();
                assert_eq!(disk.records.len() as u64, offset, "the next offset");
                disk.records.push(body);
            }
            Effect::BuildProducer => {
                self.tear_producer();
                let fails = self.chance(3);
                self.inbox.push_back(if fails { Input::ProducerFailed } else { Input::ProducerBuilt });
            }
            Effect::OpenSpool => self.open_spool(),
            Effect::Produce { attempt, to, key, body, .. } => {
                let partition = match to {
                    To::DeadLetters { .. } => u32::MAX,
                    To::Events { partition } => {
                        assert_eq!(
                            partition,
                            partition::partition(partition::hash(&key), self.config.partitions)
                        );
                        partition
                    }
                };
                let at = self.now + self.rng.u64(1..30);
                let queue = self.producer.entry(partition).or_default();
                let at = queue.back().map_or(at, |(last, _)| at.max(*last));
                queue.push_back((at, Sent { attempt, to, body }));
            }
            Effect::Read { partition, from, max_bytes } => {
                let disk = &self.spool[&partition];
                assert!(
                    from >= disk.first && from < disk.durable as u64,
                    "reads what is durable and not trimmed"
                );
                let from_index = usize::try_from(from).expect("small");
                let some = max_bytes.div_ceil(400).max(1);
                let records = disk.records[from_index..disk.durable].iter().take(some).cloned();
                let records = records.map(Record::parse).collect();
                self.inbox.push_back(Input::SpoolRead { partition, from, records });
            }
            Effect::Stopped => panic!("nobody asked"),
            Effect::Sync { sync } => {
                assert_eq!(self.syncing, None, "one at a time");
                self.spool.values_mut().for_each(|disk| disk.syncing = disk.records.len());
                self.syncing = Some((self.now + self.rng.u64(1..20), sync));
            }
            Effect::Trim { partition, upto } => {
                let disk = self.spool.get_mut(&partition).expect("a lane");
                let index = usize::try_from(upto).expect("small");
                let first = usize::try_from(disk.first).expect("small");
                disk.first = upto;
                let gone = disk.records[first..index].to_vec();
                for body in gone {
                    assert!(self.is_with_broker(&body), "trimmed before the broker had it");
                }
            }
        }
    }

    fn answered(&mut self, request: u64, outcomes: &[Outcome]) {
        let Some(lines) = self.open.remove(&request) else { panic!("{request} was answered twice") };
        assert_eq!(lines.len(), outcomes.len());
        for ((seq, body), outcome) in lines.iter().zip(outcomes) {
            match outcome {
                Outcome::Accepted => {
                    assert!(self.is_with_broker(body) || self.is_on_disk(body), "{seq} is not durable");
                    self.accepted.insert(*seq);
                }
                Outcome::Rejected(why) => panic!("{seq} is sound: {why}"),
                Outcome::Retry(_) => {}
            }
        }
    }

    fn is_with_broker(&self, body: &Bytes) -> bool {
        self.arrived.contains(body)
            || self.named.contains(&seq_of(body)) && (body.len() > MAX_LETTER || self.letters.contains(body))
    }

    fn is_on_disk(&self, body: &Bytes) -> bool {
        self.spool.values().any(|disk| disk.records[..disk.durable].contains(body))
    }

    /// The broker decides about the records that are due at `at`.
    fn decide(&mut self, at: u64) {
        let partitions: Vec<u32> = self.producer.keys().copied().collect();
        for partition in partitions {
            let Some(queue) = self.producer.get_mut(&partition) else { continue };
            let Some((_, sent)) = queue.pop_front_if(|(due, _)| *due <= at) else { continue };
            let limit = if partition == u32::MAX { MAX_LETTER } else { MAX_RECORD };
            let result = if sent.body.len() > limit {
                Err(Failure::Refused("MSG_SIZE_TOO_LARGE".to_owned()))
            } else if !self.is_broker_up || self.chance(20) {
                // An idempotent producer lets none behind it pass.
                let behind = self.producer.get_mut(&partition).map(std::mem::take).unwrap_or_default();
                for (_, sent) in behind {
                    self.inbox
                        .push_back(Input::Produced { attempt: sent.attempt, result: Err(Failure::Unsure) });
                }
                self.tell(Input::Produced { attempt: sent.attempt, result: Err(Failure::Unsure) });
                continue;
            } else {
                self.arrive(partition, &sent);
                if self.chance(20) { Err(Failure::Unsure) } else { Ok(()) }
            };
            self.tell(match result {
                Ok(()) => Input::Arrived(vec![sent.attempt]),
                result => Input::Produced { attempt: sent.attempt, result },
            });
        }
    }

    fn arrive(&mut self, partition: u32, sent: &Sent) {
        match &sent.to {
            To::DeadLetters { .. } => {
                self.letters.insert(sent.body.clone());
            }
            To::Events { .. } => match Full::from_slice(&sent.body).expect("a record") {
                Full::Ledger(Ledger { lost, .. }) => {
                    self.named.extend(lost.iter().flat_map(|lost| lost.from..lost.to));
                }
                Full::Event(_) => {
                    self.arrived.insert(sent.body.clone());
                    self.topic.entry(partition).or_default().push(sent.body.clone());
                }
            },
        }
    }

    /// The producer is thrown away: of what it has, the broker may have got the first records of each partition, and
    /// it may or may not have said so.
    fn tear_producer(&mut self) {
        for (partition, queue) in std::mem::take(&mut self.producer) {
            let arrives = if self.is_broker_up { self.rng.usize(0..=queue.len()) } else { 0 };
            for (_, sent) in queue.iter().take(arrives).filter(|(_, sent)| sent.body.len() <= MAX_RECORD) {
                self.arrive(partition, sent);
                if self.rng.bool() {
                    match self.inbox.back_mut() {
                        Some(Input::Arrived(attempts)) => attempts.push(sent.attempt),
                        _ => self.inbox.push_back(Input::Arrived(vec![sent.attempt])),
                    }
                }
            }
        }
    }

    fn end_sync(&mut self) {
        let Some((_, sync)) = self.syncing.take() else { return };
        if self.chance(15) {
            self.tell(Input::SpoolFailed);
            return;
        }
        self.spool.values_mut().for_each(|disk| disk.durable = disk.syncing);
        self.tell(Input::Synced { sync });
    }

    fn open_spool(&mut self) {
        self.syncing = None;
        if self.chance(4) {
            self.inbox.push_back(Input::SpoolFailed);
            return;
        }
        let mut found = Vec::new();
        for (partition, disk) in &mut self.spool {
            let kept = self.rng.usize(disk.durable..=disk.records.len());
            disk.records.truncate(kept);
            disk.durable = kept;
            let first = usize::try_from(disk.first).expect("small");
            let bytes = disk.records[first..].iter().map(|body| body.len() as u64).sum();
            found.push(Found {
                partition: *partition,
                first: disk.first,
                end: kept as u64,
                bytes,
                age_ms: 0,
            });
        }
        self.inbox.push_back(Input::SpoolOpened(found));
    }
}

pub(crate) fn seq_of(body: &Bytes) -> u32 {
    let record = Record::parse(body.clone()).expect("a record");
    record.seq.expect("an event of a stream")
}

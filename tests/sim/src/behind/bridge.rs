//! A bridge process: its real decisions over the broker, with a producer and a disk of the world.

mod disk;
mod producer;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use fastrand::Rng;
use headwater_bridge_flow::{
    Config, Effect, Flow, Gauges, Input, Limits, Outcome, Record, Request, SpoolPolicy,
};

use self::{disk::Disk, producer::Producer};
use crate::behind::broker::Broker;

/// A reply: the request's token, and the topic's incarnation or the seconds to wait before another try.
pub type Reply = (u64, Result<u128, u32>);

/// Milliseconds to build a producer.
const BUILD_MS: u64 = 30;

/// The least time in milliseconds between two looks at the topic: partitions and incarnation are known that late.
const LOOK_MS: u64 = 300;

/// A bridge. Times are milliseconds of the world's clock, and never go back.
#[derive(Debug)]
pub struct Bridge {
    config: Config,
    flow: Flow,
    producer: Producer,
    disk: Disk,
    /// When the producer that is being built is ready.
    built_at: Option<u64>,
    inbox: VecDeque<Input>,
    /// The world's tokens of the flow's numbers.
    tokens: BTreeMap<u64, u64>,
    next: u64,
    replies: VecDeque<Reply>,
    paused_until: u64,
    look_at: u64,
    known: Option<(u32, u128)>,
}

impl Bridge {
    /// Starts a bridge, with a spool or without.
    #[must_use]
    pub fn new(now: u64, broker: &mut Broker, spool: bool) -> Self {
        // Time limits as in the program, sizes as of a world in which little is much.
        let limits = Limits {
            answer_within_ms: u32::try_from(2 * producer::GIVE_UP_MS).expect("seconds"),
            backoff_ms: (100, 5_000),
            max_bytes: 4 << 20,
            max_messages: 2_000,
            read_bytes: 16 << 10,
            spool_bytes: 1 << 20,
            ..Limits::default()
        };
        Self::with(now, broker, limits, if spool { SpoolPolicy::On } else { SpoolPolicy::Off })
    }

    /// Starts a bridge with these limits.
    #[must_use]
    pub fn with(now: u64, broker: &mut Broker, limits: Limits, spool: SpoolPolicy) -> Self {
        let config = Config { limits, partitions: broker.partitions(), spool };
        Self::start(now, broker, config, Disk::default())
    }

    /// A request of an edge arrives; its reply has `token`. Records are lines of NDJSON as the collector writes them.
    pub fn request(&mut self, now: u64, broker: &mut Broker, token: u64, records: Vec<Vec<u8>>) {
        let number = self.next;
        self.next += 1;
        self.tokens.insert(number, token);
        let records = records.into_iter().map(|line| Record::parse(Bytes::from(line))).collect();
        self.inbox.push_back(Input::Request(Request {
            request: number,
            sender: 0,
            can_retry: true,
            trace: None,
            records,
        }));
        self.advance(now, broker);
    }

    /// Does all that is due by `now`. Take the [`replies`](Self::poll) afterwards.
    pub fn advance(&mut self, now: u64, broker: &mut Broker) {
        if now < self.paused_until {
            return;
        }
        self.look(now, broker);
        loop {
            self.obey_all(now, broker);
            if self.inbox.is_empty() {
                self.gather(now, broker);
            }
            let Some(input) = self.inbox.pop_front() else { break };
            self.flow.handle(now, input);
        }
    }

    /// When something will be due. Nobody needs to look earlier, except with a request.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        let next = [self.producer.next_at(), self.disk.next_at(), self.built_at, self.flow.poll_timeout()];
        let next = next.into_iter().flatten().min();
        let next = if self.inbox.is_empty() { next } else { Some(0) };
        next.map(|at| at.max(self.paused_until))
    }

    /// The next reply.
    pub fn poll(&mut self) -> Option<Reply> {
        self.replies.pop_front()
    }

    /// The process stands still until then: nothing is decided, time limits pass.
    pub fn pause(&mut self, until: u64) {
        self.paused_until = self.paused_until.max(until);
    }

    /// The process dies and is started again. Nobody gets an answer any more; of what the producer and the disk had not
    /// finished, `seed` says how much is there.
    pub fn crash(&mut self, now: u64, broker: &mut Broker, seed: u64) {
        let mut rng = Rng::with_seed(seed);
        self.producer.tear(broker, |sent| rng.usize(0..=sent));
        self.disk.crash(|unsynced| rng.usize(0..=unsynced));
        let disk = std::mem::take(&mut self.disk);
        let (replies, next) = (std::mem::take(&mut self.replies), self.next);
        *self = Self { next, replies, ..Self::start(now, broker, self.config, disk) };
    }

    /// What waits on disk and is durable, also what the broker may have by now.
    pub fn spooled(&self) -> impl Iterator<Item = &[u8]> {
        self.disk.records()
    }

    /// How full it is.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        self.flow.gauges()
    }

    fn start(now: u64, broker: &mut Broker, config: Config, disk: Disk) -> Self {
        let mut bridge = Self {
            config,
            flow: Flow::new(config),
            producer: Producer::default(),
            disk,
            built_at: None,
            inbox: VecDeque::new(),
            tokens: BTreeMap::new(),
            next: 0,
            replies: VecDeque::new(),
            paused_until: 0,
            look_at: 0,
            known: None,
        };
        bridge.advance(now, broker);
        bridge
    }

    /// What happened by `now`, for the flow.
    fn gather(&mut self, now: u64, broker: &mut Broker) {
        if self.built_at.take_if(|at| *at <= now).is_some() {
            self.inbox.push_back(Input::ProducerBuilt);
        } else if self.producer.next_at().is_some_and(|at| at <= now) {
            self.producer.advance(now, broker, &mut self.inbox);
        } else if let Some(sync) = self.disk.synced(now) {
            self.inbox.push_back(Input::Synced { sync });
        } else if self.flow.poll_timeout().is_some_and(|at| at <= now) {
            self.inbox.push_back(Input::Timeout);
        }
    }

    /// Looks at the topic now and then.
    fn look(&mut self, now: u64, broker: &Broker) {
        if now < self.look_at || !broker.is_up() {
            return;
        }
        self.look_at = now + LOOK_MS;
        let is = (broker.partitions(), broker.incarnation());
        let was = self.known.replace(is);
        if was.map(|was| was.0) != Some(is.0) {
            self.flow.handle(now, Input::Partitions(is.0));
        }
        if was.map(|was| was.1) != Some(is.1) {
            self.flow.handle(now, Input::Incarnation(is.1));
        }
    }

    fn obey_all(&mut self, now: u64, broker: &mut Broker) {
        while let Some(effect) = self.flow.poll() {
            self.obey(now, broker, effect);
        }
    }

    fn obey(&mut self, now: u64, broker: &mut Broker, effect: Effect) {
        match effect {
            Effect::Answer { request, answer } => {
                let Some(token) = self.tokens.remove(&request) else { return };
                let is_bad = |outcome: &Outcome| matches!(outcome, Outcome::Rejected(_));
                assert!(
                    !answer.outcomes.iter().any(is_bad),
                    "the collector writes records: {:?}",
                    answer.outcomes
                );
                let reply = answer.retry_after_s.map_or(Ok(answer.incarnation.unwrap_or(0)), Err);
                self.replies.push_back((token, reply));
            }
            Effect::Append { partition, offset, body } => self.disk.append(now, partition, offset, body),
            Effect::BuildProducer => {
                self.producer.tear(broker, |_| 0);
                self.built_at = Some(now + BUILD_MS);
            }
            Effect::OpenSpool => self.inbox.push_back(Input::SpoolOpened(self.disk.found(now))),
            Effect::Produce { attempt, to, body, .. } => self.producer.send(now, broker, attempt, to, body),
            Effect::Read { partition, from, max_bytes } => {
                let records = self.disk.read(partition, from, max_bytes);
                let records = records.into_iter().map(Record::parse).collect();
                self.inbox.push_back(Input::SpoolRead { partition, from, records });
            }
            Effect::Stopped => {}
            Effect::Sync { sync } => self.disk.sync(now, sync),
            Effect::Trim { partition, upto } => self.disk.trim(partition, upto),
        }
    }
}

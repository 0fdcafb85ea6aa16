//! The loop: every input moves records between the books, for the reasons that the other modules know.

mod producing;
mod spooling;

use std::collections::VecDeque;

use headwater_core::planted;

use crate::{
    effect::{Answer, Cause, Effect, Outcome},
    flights::{Flights, Held, Origin, Waiter},
    health::Health,
    hot::Hot,
    input::{Input, Request},
    limits::{Limits, SpoolPolicy},
    partition::Partitioner,
    pressure::{Load, Pressure},
    record::Record,
    request::Requests,
    spool::Spool,
};

/// What a flow is made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// Sizes and intervals.
    pub limits: Limits,
    /// Number of partitions of the topic, at least 1, until [`Input::Partitions`] says otherwise.
    pub partitions: u32,
    /// Whose records may wait on disk.
    pub spool: SpoolPolicy,
}

/// The decisions of one bridge process; see the [crate] page for how it is driven.
#[derive(Debug)]
pub struct Flow {
    limits: Limits,
    now: u64,
    phase: Phase,
    incarnation: Option<u128>,
    flights: Flights,
    health: Health,
    out: VecDeque<Effect>,
    partitioner: Partitioner,
    pressure: Pressure,
    requests: Requests,
    spool: Spool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Ended,
    Running,
    Stopping { at: u64 },
}

/// How full a flow is, for metrics.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Gauges {
    /// Records that the producer has, dead letters and their names among them.
    pub in_flight: usize,
    /// Clients whose records are spread over partitions.
    pub hot_clients: usize,
    /// Bytes of records in memory that senders wait for (or waited for).
    pub held_bytes: usize,
    /// Number of these records.
    pub held_messages: usize,
    /// Whether records would not reach the broker now.
    pub is_down: bool,
    /// Whether the spool can be written, or is not wanted.
    pub is_spool_open: bool,
    /// Requests that are not answered.
    pub requests: usize,
    /// Bytes of bodies in the spool.
    pub spooled_bytes: u64,
    /// Partitions whose live records queue in the spool.
    pub spooled_lanes: usize,
}

impl Flow {
    /// A flow that waits for its producer and, if there is to be one, its spool: [`poll`](Self::poll) says so.
    #[must_use]
    pub fn new(Config { limits, partitions, spool }: Config) -> Self {
        let mut out = VecDeque::from([Effect::BuildProducer]);
        if spool != SpoolPolicy::Off {
            out.push_back(Effect::OpenSpool);
        }
        Self {
            limits,
            now: 0,
            phase: Phase::Running,
            incarnation: None,
            flights: Flights::default(),
            health: Health::new(limits.backoff_ms, limits.probe_ms),
            out,
            partitioner: Partitioner::new(partitions, Hot::new(limits.hot_per_s, limits.hot_window_ms)),
            pressure: Pressure::new(limits.max_bytes, limits.max_messages),
            requests: Requests::default(),
            spool: Spool::new(spool, limits),
        }
    }

    /// Takes in what happened at `now_ms`, milliseconds on any clock that never goes back. Drain [`poll`](Self::poll)
    /// afterwards.
    pub fn handle(&mut self, now_ms: u64, input: Input) {
        if self.phase == Phase::Ended {
            return;
        }
        self.now = self.now.max(now_ms);
        match input {
            Input::Arrived(attempts) => attempts.into_iter().for_each(|attempt| self.arrived(attempt)),
            Input::Broker(true) => self.heard(),
            Input::Broker(false) => self.broker_went_away(),
            Input::Fatal => self.fatal(),
            Input::Gone { request } => self.requests.gone(request),
            Input::Incarnation(id) => self.incarnate(id),
            Input::Partitions(partitions) => self.partitioner.grow(partitions),
            Input::Produced { attempt, result } => self.produced(attempt, result),
            Input::ProducerBuilt => self.built(),
            Input::ProducerFailed => self.not_built(),
            Input::Request(request) => self.request(request),
            Input::SpoolFailed => self.spool_failed(),
            Input::SpoolOpened(found) => self.spool.opened(self.now, &found),
            Input::SpoolRead { partition, from, records } => self.spool_read(partition, from, records),
            Input::Stop { within_ms } => {
                if self.phase == Phase::Running {
                    self.phase = Phase::Stopping { at: self.now + u64::from(within_ms) };
                }
            }
            Input::Synced { sync } => self.synced(sync),
            Input::Timeout => {}
        }
        self.do_what_is_due();
    }

    /// The next thing to do, or `None` until the next [`handle`](Self::handle).
    #[must_use]
    pub fn poll(&mut self) -> Option<Effect> {
        self.out.pop_front()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Timeout`], on the clock of `now_ms`, unless something happens
    /// before. Ask again after every drain.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        let stop = match self.phase {
            Phase::Ended => return None,
            Phase::Running => None,
            Phase::Stopping { at } => Some(at),
        };
        let times =
            [self.health.again_at(), self.requests.next_deadline(), self.spool.next(self.drains()), stop];
        times.into_iter().flatten().min()
    }

    /// How full it is.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let held = self.pressure.all();
        Gauges {
            in_flight: self.flights.len(),
            hot_clients: self.partitioner.hot_clients(),
            held_bytes: held.bytes,
            held_messages: held.messages,
            is_down: self.health.is_down() || !self.health.has_producer(),
            is_spool_open: self.spool.is_open(),
            requests: self.requests.len(),
            spooled_bytes: self.spool.bytes(),
            spooled_lanes: self.spool.lanes(),
        }
    }

    fn request(&mut self, Request { request, sender, can_retry, records, trace }: Request) {
        if self.requests.is_open(request) {
            return;
        }
        let good = records.iter().flatten();
        let load = Load { bytes: good.clone().map(Record::len).sum(), messages: good.count() };
        let may_spool = self.spool.takes(can_retry);
        let refusal = self.refusal(sender, load, may_spool).map(Outcome::Retry);
        let outcomes = records.iter().map(|waiter| match waiter {
            Ok(_) => refusal.clone(),
            Err(unreadable) => Some(Outcome::Rejected(unreadable.message.clone())),
        });
        let deadline = self.now + u64::from(self.limits.answer_within_ms);
        self.requests.open(request, outcomes.collect(), self.incarnation, deadline);
        if let Some(answer) = self.requests.finish(request) {
            self.out.push_back(Effect::Answer { request, answer });
            return;
        }
        self.pressure.take(sender, load);
        for (index, record) in records.into_iter().enumerate() {
            let Ok(record) = record else { continue };
            let lane = self.partitioner.of(self.now, &record.key, record.seq);
            let waiter = Waiter { request, index, sender, bytes: record.len(), may_spool };
            let (origin, trace) = (Origin::Request(waiter), trace.clone());
            self.admit(Held { record, trace, origin, lane, refusals: 0 }, waiter);
        }
    }

    /// Why nothing of a request is admitted, if so.
    fn refusal(&mut self, sender: u64, load: Load, may_spool: bool) -> Option<Cause> {
        if self.phase != Phase::Running {
            Some(Cause::Stopping)
        } else if !self.spool.is_known() {
            Some(Cause::Spool)
        } else if !self.pressure.admits(sender, load) {
            Some(Cause::Busy)
        } else if !may_spool && self.health.refuses(self.now) {
            Some(Cause::Broker)
        } else {
            None
        }
    }

    fn admit(&mut self, held: Held, waiter: Waiter) {
        if self.spool.holds(held.lane) {
            self.append(held, waiter);
        } else if waiter.may_spool && self.spool.is_open() && self.health.is_down() {
            // Nothing that came before it may still be on its way when it takes its place.
            self.divert(held.lane);
            self.append(held, waiter);
        } else {
            self.produce(held);
            if planted!(AnswerBeforeBroker) {
                self.tell(waiter, Outcome::Accepted);
            }
        }
    }

    /// A record of a request is out of memory, and its sender is told.
    fn settle(&mut self, waiter: Waiter, outcome: Outcome) {
        self.pressure.release(waiter.sender, waiter.bytes);
        self.tell(waiter, outcome);
    }

    fn tell(&mut self, waiter: Waiter, outcome: Outcome) {
        if let Some(answer) = self.requests.settle(waiter.request, waiter.index, outcome) {
            self.out.push_back(Effect::Answer { request: waiter.request, answer });
        }
    }

    fn incarnate(&mut self, id: u128) {
        if self.incarnation.replace(id) != Some(id) {
            self.requests.recreated();
        }
    }

    /// Whether lanes of the spool are drained at all.
    fn drains(&self) -> bool {
        self.phase == Phase::Running && self.health.has_producer()
    }

    fn do_what_is_due(&mut self) {
        let late = self.requests.expire(self.now);
        self.answer(late);
        if self.health.again_at().is_some_and(|at| at <= self.now) {
            self.health.rebuild();
            self.out.push_back(Effect::BuildProducer);
        }
        if self.spool.reopens(self.now) {
            self.out.push_back(Effect::OpenSpool);
        }
        if self.drains() {
            self.out.extend(self.spool.reads(self.now));
        }
        self.out.extend(self.spool.sync());
        self.stop_if_done();
    }

    fn stop_if_done(&mut self) {
        let Phase::Stopping { at } = self.phase else { return };
        let is_done = self.requests.len() == 0 && self.flights.len() == 0;
        if is_done || at <= self.now {
            let open = self.requests.end();
            self.answer(open);
            self.out.push_back(Effect::Stopped);
            self.phase = Phase::Ended;
        }
    }

    fn answer(&mut self, answers: Vec<(u64, Answer)>) {
        self.out.extend(answers.into_iter().map(|(request, answer)| Effect::Answer { request, answer }));
    }
}

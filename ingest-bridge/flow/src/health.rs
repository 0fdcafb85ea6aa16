//! Whether there is a producer, and whether the broker answers it.

use crate::limits::Backoff;

#[derive(Debug)]
pub(crate) struct Health {
    producer: Producer,
    backoff: Backoff,
    away: bool,
    probe_ms: u64,
    probe_at: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Producer {
    Building,
    Failed { again_at: u64 },
    Ready,
}

impl Health {
    /// A producer is being built.
    pub(crate) fn new(backoff_ms: (u32, u32), probe_ms: u32) -> Self {
        Self {
            producer: Producer::Building,
            backoff: Backoff::new(backoff_ms),
            away: false,
            probe_ms: u64::from(probe_ms),
            probe_at: 0,
        }
    }

    /// Something was told by the broker: it is there. Whether it was thought to be away.
    pub(crate) fn heard(&mut self) -> bool {
        std::mem::take(&mut self.away)
    }

    pub(crate) fn gone(&mut self, now: u64) {
        self.away = true;
        self.probe_at = now + self.probe_ms;
    }

    /// Whether a record would not reach the broker now.
    pub(crate) fn is_down(&self) -> bool {
        self.away || matches!(self.producer, Producer::Failed { .. })
    }

    /// Whether a request that cannot go to the spool is refused at once. Now and then one is admitted all the same, in
    /// case nobody told that the broker is there again.
    pub(crate) fn refuses(&mut self, now: u64) -> bool {
        if !self.is_down() {
            return false;
        }
        if !self.has_producer() || now < self.probe_at {
            return true;
        }
        self.probe_at = now + self.probe_ms;
        false
    }

    pub(crate) fn has_producer(&self) -> bool {
        self.producer == Producer::Ready
    }

    pub(crate) fn is_building(&self) -> bool {
        self.producer == Producer::Building
    }

    /// A producer has to be built; whether nobody is at it yet.
    pub(crate) fn rebuild(&mut self) -> bool {
        let begins = !self.is_building();
        self.producer = Producer::Building;
        begins
    }

    pub(crate) fn built(&mut self) {
        self.producer = Producer::Ready;
        self.backoff.reset();
    }

    pub(crate) fn failed(&mut self, now: u64) {
        self.producer = Producer::Failed { again_at: self.backoff.after(now) };
    }

    /// When to build again.
    pub(crate) fn again_at(&self) -> Option<u64> {
        match self.producer {
            Producer::Failed { again_at } => Some(again_at),
            Producer::Building | Producer::Ready => None,
        }
    }
}

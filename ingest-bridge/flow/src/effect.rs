//! What the flow tells the host to do.

use bytes::Bytes;
use headwater_schema::Trace;

/// Something to do, in the order given.
#[expect(missing_docs, reason = "the fields are named in each variant's sentence")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Tell the sender of `request`. If it has gone, do nothing.
    Answer { request: u64, answer: Answer },
    /// Append `body` to the spool of `partition`, where it gets `offset` (the next one). Nothing to answer; if it fails,
    /// [`Input::SpoolFailed`](crate::Input::SpoolFailed).
    Append { partition: u32, offset: u64, body: Bytes },
    /// Build a producer, in place of the one before: throw away what that still holds. Answer
    /// [`Input::ProducerBuilt`](crate::Input::ProducerBuilt) or `ProducerFailed`.
    BuildProducer,
    /// Open the spool, or open it again: cut what is torn, then tell what is there by
    /// [`Input::SpoolOpened`](crate::Input::SpoolOpened), or `SpoolFailed`.
    OpenSpool,
    /// Give a record to the producer; [`Input::Produced`](crate::Input::Produced) with `attempt` when it has a report.
    /// The producer keeps the order per partition. `trace` is that of the request, and goes into the record's headers;
    /// what waited in the spool has none.
    Produce { attempt: u64, to: To, key: Bytes, body: Bytes, trace: Option<Trace> },
    /// Read synced records of a partition's spool from offset `from` on, at least one and up to about `max_bytes`;
    /// answer [`Input::SpoolRead`](crate::Input::SpoolRead).
    Read { partition: u32, from: u64, max_bytes: usize },
    /// Nothing is left to wait for: flush nothing, end.
    Stopped,
    /// Make every append so far durable, then answer [`Input::Synced`](crate::Input::Synced). One at a time.
    Sync { sync: u64 },
    /// The records of a partition's spool below `upto` are with the broker and may be removed, at leisure.
    Trim { partition: u32, upto: u64 },
}

/// The topic of a record.
#[expect(missing_docs, reason = "the fields are named in each variant's sentence")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum To {
    /// The dead-letter topic, any partition, with these headers: the broker's reason, and whether only the beginning of
    /// the bytes is there.
    DeadLetters { reason: String, cut: bool },
    /// The topic of events.
    Events { partition: u32 },
}

/// What became of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The incarnation of the topic as it was known when the request came; absent while it is not known. With another
    /// one than before, whoever remembers what is settled forgets it.
    pub incarnation: Option<u128>,
    /// One for each line, in their order.
    pub outcomes: Vec<Outcome>,
    /// Seconds, at least 1; present exactly if a line has to be sent again, and then the request is a 503.
    pub retry_after_s: Option<u32>,
}

/// What became of a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is durable: at the broker, in the spool, or named by a durable ledger record as a dead letter.
    Accepted,
    /// It can never be accepted: what is wrong with it.
    Rejected(String),
    /// Send it again. It may be durable nevertheless; copies are harmless.
    Retry(Cause),
}

/// Why a line has to be sent again.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Cause {
    /// The broker is away or did not take it.
    Broker,
    /// Too much is under way, in all or from this sender.
    Busy,
    /// It had no outcome in time.
    Late,
    /// The topic was created anew while the request was under way.
    Recreated,
    /// The spool is full, closed, or not for this sender, and the partition's records have to queue there.
    Spool,
    /// The process is ending.
    Stopping,
}

impl Answer {
    pub(crate) fn new(incarnation: Option<u128>, outcomes: Vec<Outcome>) -> Self {
        let retry_after_s = outcomes.iter().filter_map(Outcome::retry_after_s).max();
        Self { incarnation, outcomes, retry_after_s }
    }

    /// Whether every line has its final outcome.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.retry_after_s.is_none()
    }
}

impl Outcome {
    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Accepted | Self::Rejected(_) => None,
            Self::Retry(cause) => Some(cause.retry_after_s()),
        }
    }
}

impl Cause {
    /// What to put into `Retry-After`: short where another try may find room or another bridge, longer where a machine
    /// or a person has to do something first.
    #[must_use]
    pub const fn retry_after_s(self) -> u32 {
        match self {
            Self::Busy | Self::Late | Self::Recreated | Self::Stopping => 1,
            Self::Broker => 5,
            Self::Spool => 10,
        }
    }
}

//! What the host tells the flow.

use std::mem;

use bytes::Bytes;
use headwater_schema::Trace;
use memchr::memchr_iter;

use crate::record::{Record, Unreadable};

/// Something that happened. After every input, drain [`Flow::poll`](crate::Flow::poll).
#[derive(Clone, Debug)]
pub enum Input {
    /// As [`Produced`](Self::Produced) with `Ok` for each of these attempts, in turn.
    Arrived(Vec<u64>),
    /// The brokers went away (`false`) or are there again: a hint that comes sooner than the producer's reports.
    Broker(bool),
    /// The producer is broken for good: what it still holds may or may not be at the broker. Told *instead of* the
    /// failures that are its consequence; what it reports later is taken if it is good news and ignored otherwise.
    Fatal,
    /// The sender of a request hung up. Its records go on; nobody waits for the answer.
    Gone {
        /// As in [`Request::request`].
        request: u64,
    },
    /// Which incarnation of the topic records are written to: drawn anew whenever it is created or restored.
    Incarnation(u128),
    /// The topic has so many partitions.
    Partitions(u32),
    /// A [`Effect::Produce`](crate::Effect::Produce) ended. Every one does: the producer has a time limit.
    Produced {
        /// As in the effect.
        attempt: u64,
        /// `Ok` only after the broker's `acks=all`.
        result: Result<(), Failure>,
    },
    /// A [`Effect::BuildProducer`](crate::Effect::BuildProducer) succeeded.
    ProducerBuilt,
    /// A [`Effect::BuildProducer`](crate::Effect::BuildProducer) failed.
    ProducerFailed,
    /// A request arrived.
    Request(Request),
    /// Writing, syncing, reading or opening the spool failed: what was not synced may or may not be in it.
    SpoolFailed,
    /// The spool was opened for [`Effect::OpenSpool`](crate::Effect::OpenSpool): every partition that it knows, also
    /// those that hold nothing.
    SpoolOpened(Vec<Found>),
    /// The answer to a [`Effect::Read`](crate::Effect::Read): the synced records from `from` on, at least one.
    SpoolRead {
        /// As in the effect.
        partition: u32,
        /// As in the effect.
        from: u64,
        /// In the order of their offsets, through [`Record::parse`].
        records: Vec<Result<Record, Unreadable>>,
    },
    /// The process is to end within so many milliseconds: refuse what is new, finish what is there.
    Stop {
        /// After it, whatever is open is answered `retry`.
        within_ms: u32,
    },
    /// A [`Effect::Sync`](crate::Effect::Sync) ended: everything appended before it is durable.
    Synced {
        /// As in the effect.
        sync: u64,
    },
    /// [`Flow::poll_timeout`](crate::Flow::poll_timeout) has passed.
    Timeout,
}

/// A request of NDJSON lines.
#[derive(Clone, Debug)]
pub struct Request {
    /// The host's number for it, not given twice.
    pub request: u64,
    /// The host's number for who sent it (by key or address): senders share the memory fairly.
    pub sender: u64,
    /// Whether the sender keeps the records until they are settled.
    pub can_retry: bool,
    /// Its lines in their order, through [`Record::parse`].
    pub records: Vec<Result<Record, Unreadable>>,
    /// The trace that it belongs to, for the headers of what becomes of it.
    pub trace: Option<Trace>,
}

/// Why a record is not at the broker, as far as the producer can tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The broker, or the producer in its name, will not have this record (`MSG_SIZE_TOO_LARGE`, `INVALID_RECORD`, …):
    /// the name of the error.
    Refused(String),
    /// Anything else: it may be there or not.
    Unsure,
}

/// What a partition's spool holds when it is opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Found {
    /// The partition.
    pub partition: u32,
    /// The first offset that was not trimmed.
    pub first: u64,
    /// The next offset: all below it are durable.
    pub end: u64,
    /// Bytes of the bodies between.
    pub bytes: u64,
    /// Age of the oldest of them in milliseconds, or an upper bound.
    pub age_ms: u64,
}

impl Request {
    /// Parses the lines of a request. Line breaks are not part of a line; empty lines are none. It belongs to no trace.
    #[must_use]
    pub fn parse(request: u64, sender: u64, can_retry: bool, body: &Bytes) -> Self {
        let ends = memchr_iter(b'\n', body).chain([body.len()]);
        let mut begin = 0;
        let lines = ends.map(|end| &body[mem::replace(&mut begin, end + 1)..end]);
        let records = lines
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty())
            .map(|line| Record::parse(body.slice_ref(line)))
            .collect();
        Self { request, sender, can_retry, records, trace: None }
    }
}

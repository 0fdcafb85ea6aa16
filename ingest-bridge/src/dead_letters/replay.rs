//! Sends letters to the topic of events again, by the sink that the flow writes with: idempotent, `acks=all`, in the
//! partition of the event's key. A hot client's letters are few, so they are not spread.

use std::{collections::BTreeMap, io::Write, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use headwater_bridge_flow::{Failure, Input, Record, To, partition};
use tokio::{runtime::Handle, time::timeout};

use super::{Letter, Place};
use crate::{
    config::Config,
    metrics::Metrics,
    report::{Reporter, Reports},
    sink::{self, Produce, Sink},
};

/// For the brokers' first word about the topic.
const ANSWER: Duration = Duration::from_secs(20);

/// Bytes of letters that are under way at once, about.
const AT_ONCE_BYTES: usize = 32 << 20;

/// A producer that breaks more often than this in a row is not mended by a new one.
const MOST_PRODUCERS: u32 = 5;

/// What became of all letters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) arrived: usize,
    pub(super) not: usize,
}

pub(super) struct Replay<'a, W> {
    out: &'a mut W,
    sink: Box<dyn Sink>,
    reports: Reports,
    /// Longer than librdkafka takes to give a record up.
    patience: Duration,
    incarnation: Option<u128>,
    partitions: u32,
    producers: u32,
    next: u64,
    /// What the producer has not reported.
    sent: BTreeMap<u64, (Place, Record)>,
    bytes: usize,
    sum: Sum,
}

impl<'a, W: Write> Replay<'a, W> {
    /// Waits until the topic is known.
    pub(super) fn start(config: &Config, out: &'a mut W) -> anyhow::Result<Self> {
        let encoding = sink::kafka::Encoding::of(&config.schema_registry, &config.kafka)?;
        let (reporter, reports) = Reporter::channel();
        let sink = sink::kafka::sink(config, encoding, reporter, Arc::new(Metrics::new()))?;
        let patience = u64::from(*config.kafka.message_timeout_ms.get_ref());
        let mut replay = Self {
            out,
            sink,
            reports,
            patience: Duration::from_millis(patience) + ANSWER,
            incarnation: None,
            partitions: 0,
            producers: 0,
            next: 0,
            sent: BTreeMap::new(),
            bytes: 0,
            sum: Sum::default(),
        };
        while replay.incarnation.is_none() {
            let told = replay.told(ANSWER);
            replay.note(told.with_context(|| format!("the topic {:?} is not known", config.kafka.topic))?)?;
        }
        replay.build()?;
        Ok(replay)
    }

    /// Sends a letter, or says why it cannot be sent.
    pub(super) fn take(&mut self, letter: Letter) -> anyhow::Result<()> {
        let Letter { place, is_cut, body, .. } = letter;
        if is_cut {
            return self.did_not(place, "not sent: only the beginning of its bytes was kept");
        }
        match Record::parse(body) {
            Err(unreadable) => self.did_not(place, &format!("not sent: {}", unreadable.message)),
            Ok(record) => {
                self.bytes += record.body.len();
                self.send(place, record);
                if self.bytes < AT_ONCE_BYTES { Ok(()) } else { self.settle() }
            }
        }
    }

    /// Waits for what is under way.
    pub(super) fn end(mut self) -> anyhow::Result<Sum> {
        self.settle()?;
        Ok(self.sum)
    }

    fn send(&mut self, place: Place, record: Record) {
        let to = To::Events { partition: self.partition(&record) };
        let (attempt, key, body) = (self.next, record.key.clone(), record.body.clone());
        self.next += 1;
        self.sent.insert(attempt, (place, record));
        self.sink.produce(Produce { attempt, to, key, body, trace: None });
    }

    fn partition(&self, record: &Record) -> u32 {
        partition::partition(partition::hash(&record.key), self.partitions)
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        self.sink.flush();
        while !self.sent.is_empty() {
            let input = self.told(self.patience)?;
            self.note(input)?;
        }
        self.bytes = 0;
        self.producers = 0;
        Ok(())
    }

    fn told(&mut self, within: Duration) -> anyhow::Result<Input> {
        let told = Handle::current().block_on(timeout(within, self.reports.recv()));
        told.ok().flatten().with_context(|| format!("the brokers did not answer within {within:?}"))
    }

    fn note(&mut self, input: Input) -> anyhow::Result<()> {
        match input {
            Input::Fatal => {
                self.build()?;
                for (place, record) in std::mem::take(&mut self.sent).into_values() {
                    self.send(place, record);
                }
                self.sink.flush();
            }
            Input::Incarnation(id) => {
                let before = self.incarnation.replace(id).unwrap_or(id);
                ensure!(before == id, "the topic was created anew meanwhile: replay again");
            }
            Input::Partitions(partitions) => self.partitions = partitions,
            Input::Arrived(attempts) => {
                attempts.into_iter().try_for_each(|attempt| self.produced(attempt, Ok(())))?;
            }
            Input::Produced { attempt, result } => self.produced(attempt, result)?,
            Input::ProducerFailed => bail!("no producer can be built; the log says why"),
            _ => {}
        }
        Ok(())
    }

    fn produced(&mut self, attempt: u64, result: Result<(), Failure>) -> anyhow::Result<()> {
        // What an earlier producer had is sent again.
        let Some((place, record)) = self.sent.remove(&attempt) else { return Ok(()) };
        match result {
            Ok(()) => {
                self.sum.arrived += 1;
                writeln!(self.out, "{place} arrived in partition {}", self.partition(&record))?;
                Ok(())
            }
            Err(Failure::Refused(reason)) => self.did_not(place, &format!("refused: {reason}")),
            Err(Failure::Unsure) => {
                self.did_not(place, "unsure: the brokers did not answer in time, so replay it again")
            }
        }
    }

    fn build(&mut self) -> anyhow::Result<()> {
        self.producers += 1;
        if self.producers > MOST_PRODUCERS {
            bail!("the producer breaks again and again; the log says why");
        }
        self.sink.build();
        Ok(())
    }

    fn did_not(&mut self, place: Place, why: &str) -> anyhow::Result<()> {
        self.sum.not += 1;
        Ok(writeln!(self.out, "{place} {why}")?)
    }
}

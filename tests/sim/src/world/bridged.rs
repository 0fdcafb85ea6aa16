//! Behind the edges: a bridge, a topic, and its consumer.

use headwater_bridge_flow::{Limits, SpoolPolicy};
use headwater_collector::Unavailable;

use super::{
    counter::Counter,
    network::mix,
    stage::{Answer, Watch},
};
use crate::{
    behind::{
        bridge::Bridge,
        broker::{Broker, Fault},
    },
    names::{self, Named},
    oracle::By,
    schedule::Fate,
    trace::Lane,
};

/// First and longest wait between tries of a bridge, ms. The longest is an hour's twelfth, so that days without a broker
/// are not a million tries.
const BACKOFF_MS: (u32, u32) = (100, 300_000);

/// Longer than its time limit a producer waits for nothing, ms.
const LONGEST_DELAY_MS: u64 = 60_000;

pub(crate) struct Bridged {
    pub(crate) counter: Counter<Broker>,
    bridge: Bridge,
    has_spool: bool,
    /// Of each partition what its records speak of, and the offset of the first.
    names: Vec<(u64, Vec<Named>)>,
    /// What the spool holds.
    spooled: Vec<Named>,
    /// Another one for other contents, so that they need not be read each time.
    spool_mark: u64,
    /// Dead letters that the oracle was told of.
    letters: usize,
    copies: u64,
    answers: Vec<Answer>,
}

impl Bridged {
    pub(crate) fn new(partitions: u8, has_spool: bool) -> Self {
        let mut broker = Broker::new(u32::from(partitions.max(1)));
        let policy = if has_spool { SpoolPolicy::On } else { SpoolPolicy::Off };
        let limits = Limits {
            answer_within_ms: 10_000,
            backoff_ms: BACKOFF_MS,
            max_bytes: 4 << 20,
            max_messages: 2_000,
            read_bytes: 16 << 10,
            spool_bytes: 1 << 20,
            ..Limits::default()
        };
        let bridge = Bridge::with(0, &mut broker, limits, policy);
        let names = vec![(0, Vec::new()); usize::from(partitions.max(1))];
        Self {
            counter: Counter::new(broker),
            bridge,
            has_spool,
            names,
            spooled: Vec::new(),
            spool_mark: 0,
            letters: 0,
            copies: 0,
            answers: Vec::new(),
        }
    }

    pub(crate) fn submit(&mut self, watch: &mut Watch<'_>, ticket: Option<u64>, records: Vec<Vec<u8>>) {
        let token = ticket.unwrap_or_else(|| {
            self.copies += 1;
            u64::MAX - self.copies
        });
        self.bridge.request(watch.now, self.counter.source_mut(), token, records);
        self.note(watch);
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.bridge.next_at().into_iter().chain(self.counter.next_at()).min()
    }

    pub(crate) fn advance(&mut self, watch: &mut Watch<'_>) {
        if self.bridge.next_at().is_some_and(|at| at <= watch.now) {
            self.bridge.advance(watch.now, self.counter.source_mut());
            self.note(watch);
        }
        self.counter.advance(watch.now, watch.unix(), watch.trace);
    }

    pub(crate) fn take_answers(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers)
    }

    pub(crate) fn incarnation(&self) -> u128 {
        self.counter.source().incarnation()
    }

    pub(crate) fn pause(&mut self, until: u64) {
        self.bridge.pause(until);
    }

    pub(crate) fn crash(&mut self, watch: &mut Watch<'_>, seed: u64) {
        self.bridge.crash(watch.now, self.counter.source_mut(), seed);
        self.note(watch);
    }

    pub(crate) fn restore(&mut self, watch: &mut Watch<'_>) {
        self.counter.restore(watch.now);
        // The topic is what edges hear of.
        self.recount(watch, By::OperatorQuietly, "a restore");
    }

    pub(crate) fn recreate(&mut self, watch: &mut Watch<'_>, kept: u8, from_zero: bool) {
        self.counter.source_mut().recreate(kept.into(), from_zero);
        self.read_anew(watch, By::Operator, "a new topic");
    }

    pub(crate) fn retain(&mut self, watch: &mut Watch<'_>, kept: u8) {
        let broker = self.counter.source_mut();
        for part in (0..).take(self.names.len()) {
            let upto = broker.end(part).saturating_sub(kept.into());
            broker.delete_before(part, upto);
        }
        self.read_anew(watch, By::OperatorQuietly, "retention");
    }

    fn read_anew(&mut self, watch: &mut Watch<'_>, by: By, cause: &'static str) {
        let broker = self.counter.source();
        let mut parts: Vec<(u64, Vec<Named>)> = vec![(0, Vec::new()); self.names.len()];
        for (part, offset, record) in broker.records() {
            let (first, named) = &mut parts[usize::try_from(part).unwrap_or_default()];
            if named.is_empty() {
                *first = offset;
            }
            named.push(names::of_record(record));
        }
        for (part, (first, named)) in (0..).zip(&mut parts) {
            if named.is_empty() {
                *first = broker.end(part);
            }
        }
        self.names = parts;
        self.recount(watch, by, cause);
        self.counter.wake(watch.now);
    }

    pub(crate) fn add_partitions(&mut self, more: u8) {
        self.counter.source_mut().add_partitions(more.into());
        self.names.extend((0..more).map(|_| (0, Vec::new())));
    }

    pub(crate) fn set_broker(&mut self, now: u64, is_up: bool) {
        self.counter.source_mut().set_up(is_up);
        if is_up {
            self.counter.wake(now);
        }
    }

    pub(crate) fn arm(&mut self, fate: Fate, count: u8) {
        let fault = match fate {
            Fate::AnswerLost | Fate::Twice { .. } => Fault::AckLost,
            Fate::Foreign { .. } | Fate::WrongAck { .. } => Fault::Fatal { done: false },
            Fate::ForeignAfter { .. } => Fault::Fatal { done: true },
            Fate::Late { ms } => Fault::Late { ms: ms.min(LONGEST_DELAY_MS) },
            Fate::LateAnswer { ms } => Fault::LateAck { ms: ms.min(LONGEST_DELAY_MS) },
            Fate::Lost => Fault::Lost,
            Fate::Refused { .. } => Fault::Refused,
        };
        self.counter.source_mut().arm(fault, count);
    }

    pub(crate) fn heal(&mut self, now: u64) {
        self.counter.source_mut().heal();
        self.counter.heal(now);
    }

    /// Tells the oracle what the bridge's last doing made durable, and takes its replies.
    fn note(&mut self, watch: &mut Watch<'_>) {
        let broker = self.counter.source();
        let mut has_news = false;
        for (part, (first, names)) in (0..).zip(&mut self.names) {
            let next = *first + names.len() as u64;
            if broker.end(part) > next {
                for (_, record) in broker.records_from(part, next) {
                    let named = names::of_record(record);
                    watch.oracle.durable(&named);
                    names.push(named);
                }
                has_news = true;
                let end = broker.end(part);
                watch.trace.message(watch.now, Lane::Bridge, Lane::Log, || {
                    format!("partition {part}: durable up to offset {end}")
                });
            }
        }
        for letter in &broker.letters()[self.letters..] {
            watch
                .trace
                .message(watch.now, Lane::Bridge, Lane::Log, || format!("a dead letter, {}", letter.reason));
            if !letter.is_cut {
                watch.oracle.dead_lettered(&names::of_record(&letter.body));
            }
        }
        self.letters = broker.letters().len();
        if has_news {
            self.counter.wake(watch.now);
        }
        if self.has_spool {
            self.note_spool(watch);
        }
        while let Some((ticket, reply)) = self.bridge.poll() {
            let (result, incarnation) = match reply {
                Ok(incarnation) => (Ok(()), Some(incarnation)),
                Err(retry_after_s) => {
                    let message = "the bridge says not now".to_owned();
                    (Err(Unavailable { message, retry_after_s }), None)
                }
            };
            self.answers.push(Answer { ticket, result, incarnation });
        }
    }

    fn note_spool(&mut self, watch: &mut Watch<'_>) {
        let mark =
            self.bridge.spooled().fold(0, |mark, record| mix(mark ^ mix(word(record)) ^ record.len() as u64));
        if mark == self.spool_mark {
            return;
        }
        self.spool_mark = mark;
        let spooled: Vec<Named> = self.bridge.spooled().map(names::of_record).collect();
        let count = spooled.len();
        watch
            .trace
            .message(watch.now, Lane::Bridge, Lane::Bridge, || format!("{count} records in the spool"));
        for named in &spooled {
            watch.oracle.durable(named);
        }
        let is_trimmed = self.spooled.iter().any(|named| !spooled.contains(named));
        self.spooled = spooled;
        if is_trimmed {
            self.recount(watch, By::Nobody, "the spool was trimmed");
        }
    }

    fn recount(&self, watch: &mut Watch<'_>, by: By, cause: &'static str) {
        let committed = self.counter.committed();
        let topic = self.names.iter().flat_map(|(_, names)| names);
        watch.oracle.recount(committed.iter().chain(topic).chain(&self.spooled), by, cause);
    }
}

/// Bytes of a record that others do not have: of its event's id, of its stream, and of when it was sent.
fn word(record: &[u8]) -> u64 {
    let end = record.len().saturating_sub(28);
    let words = [41, 53, end].map(|at| record.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()));
    words.into_iter().flatten().fold(0, |word, bytes| mix(word ^ u64::from_le_bytes(bytes)))
}

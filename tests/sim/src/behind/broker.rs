//! A broker with one topic and its dead letters. What a consumer reads of it is durable: replication is not what is
//! simulated here, but what bridge and consumer make of an operator's deeds and of answers that do not come.

use std::{collections::VecDeque, ops::Range};

use anyhow::{Context, ensure};
use bytes::Bytes;
use headwater_consumer::{Source, bounded};

/// Milliseconds from a producer to the broker and back, unless told otherwise.
const TAKES_MS: u64 = 4;

/// A broker; times are milliseconds of the world's clock.
#[derive(Clone, Debug)]
pub struct Broker {
    parts: Vec<Part>,
    letters: Vec<Letter>,
    incarnation: u128,
    is_up: bool,
    takes_ms: u64,
    max_record: usize,
    armed: VecDeque<(Fault, u8)>,
    refused: Vec<Bytes>,
    is_renewed: bool,
}

/// What becomes of a record that a producer sends.
#[expect(missing_docs, reason = "the fields are named in each variant's sentence")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It is appended, and the producer does not hear of it.
    AckLost,
    /// The producer is broken by it (a sequence number that the broker does not expect); `done` if it is appended.
    Fatal { done: bool },
    /// It takes so much longer.
    Late { ms: u64 },
    /// Its acknowledgement takes so much longer.
    LateAck { ms: u64 },
    /// It is not appended, and the producer does not hear of it.
    Lost,
    /// It is too large, now and whenever it comes again.
    Refused,
}

/// A dead letter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    /// The name of the broker's error.
    pub reason: String,
    /// Whether only the beginning of the bytes is there.
    pub is_cut: bool,
    /// The record as it came.
    pub body: Bytes,
}

#[derive(Clone, Debug, Default)]
struct Part {
    /// Offset of the oldest record that is kept.
    first: u64,
    records: VecDeque<Bytes>,
}

impl Broker {
    /// A broker that is up, with an empty topic of so many partitions.
    #[must_use]
    pub fn new(partitions: u32) -> Self {
        Self {
            parts: (0..partitions).map(|_| Part::default()).collect(),
            letters: Vec::new(),
            incarnation: 1,
            is_up: true,
            takes_ms: TAKES_MS,
            max_record: usize::MAX,
            armed: VecDeque::new(),
            refused: Vec::new(),
            is_renewed: false,
        }
    }

    /// Goes away, or comes back with all it had.
    pub fn set_up(&mut self, is_up: bool) {
        self.is_up = is_up;
    }

    /// Takes so long for each record from now on.
    pub fn set_takes(&mut self, ms: u64) {
        self.takes_ms = ms;
    }

    /// Refuses records of more bytes.
    pub fn set_max_record(&mut self, bytes: usize) {
        self.max_record = bytes;
    }

    /// The next `count` records that are sent, after those that are spoken for, fare so.
    pub fn arm(&mut self, fault: Fault, count: u8) {
        if count > 0 {
            self.armed.push_back((fault, count));
        }
    }

    /// No faults any more: it is up, quick, and takes everything.
    pub fn heal(&mut self) {
        self.armed.clear();
        self.refused.clear();
        self.is_up = true;
        self.takes_ms = TAKES_MS;
        self.max_record = usize::MAX;
    }

    /// Gives the topic more partitions.
    pub fn add_partitions(&mut self, more: u32) {
        self.parts.extend((0..more).map(|_| Part::default()));
    }

    /// Deletes the topic and creates it anew with the last `kept` records of each partition. Their offsets begin at 0,
    /// or beyond all that were ever given out.
    pub fn recreate(&mut self, kept: usize, from_zero: bool) {
        for part in &mut self.parts {
            let end = part.end();
            part.records.drain(..part.records.len().saturating_sub(kept));
            part.first = if from_zero { 0 } else { end + 1 };
        }
        self.incarnation += 1;
        self.is_renewed = true;
    }

    /// Retention removes the records of a partition before `offset`, whether they were read or not.
    pub fn delete_before(&mut self, part: i32, offset: u64) {
        let Some(part) = self.part_mut(part) else { return };
        while part.first < offset && part.records.pop_front().is_some() {
            part.first += 1;
        }
    }

    /// Whether it can be reached.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// Another one for every topic that was created.
    #[must_use]
    pub fn incarnation(&self) -> u128 {
        self.incarnation
    }

    /// Number of partitions.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        u32::try_from(self.parts.len()).expect("a handful")
    }

    /// The offset behind the last record of a partition. No consumer may ever be beyond it.
    #[must_use]
    pub fn end(&self, part: i32) -> u64 {
        self.part(part).map_or(0, Part::end)
    }

    /// All records that are kept, partition by partition, with their offsets.
    pub fn records(&self) -> impl Iterator<Item = (i32, u64, &[u8])> {
        (0..).zip(&self.parts).flat_map(|(number, part)| {
            (part.first..).zip(&part.records).map(move |(offset, record)| (number, offset, &record[..]))
        })
    }

    /// The records of a partition from `offset` on.
    pub fn records_from(&self, part: i32, offset: u64) -> impl Iterator<Item = (u64, &[u8])> {
        let part = self.part(part);
        let first = part.map_or(0, |part| part.first);
        let skipped = usize::try_from(offset.saturating_sub(first)).unwrap_or(usize::MAX);
        part.into_iter().flat_map(move |part| {
            (first..).zip(&part.records).skip(skipped).map(|(n, record)| (n, &record[..]))
        })
    }

    /// The dead letters, in the order in which they came.
    #[must_use]
    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// How the next record fares, and how long it takes if nothing else is said.
    pub(super) fn send(&mut self) -> (Option<Fault>, u64) {
        let fault = self.armed.front_mut().map(|(fault, count)| {
            *count -= 1;
            *fault
        });
        self.armed.pop_front_if(|(_, count)| *count == 0);
        (fault, self.takes_ms)
    }

    /// Whether it will not have this record. One that it is told to refuse is refused for good.
    pub(super) fn refuses(&mut self, body: &Bytes, fault: Option<Fault>) -> bool {
        if fault == Some(Fault::Refused) && !self.refused.contains(body) {
            self.refused.push(body.clone());
        }
        body.len() > self.max_record || self.refused.contains(body)
    }

    pub(super) fn append(&mut self, part: u32, body: Bytes) {
        // A producer that does not know the topic's new size yet.
        let part = part as usize % self.parts.len().max(1);
        if let Some(part) = self.parts.get_mut(part) {
            part.records.push_back(body);
        }
    }

    pub(super) fn bury(&mut self, letter: Letter) {
        self.letters.push(letter);
    }

    fn part(&self, part: i32) -> Option<&Part> {
        self.parts.get(usize::try_from(part).ok()?)
    }

    fn part_mut(&mut self, part: i32) -> Option<&mut Part> {
        self.parts.get_mut(usize::try_from(part).ok()?)
    }
}

impl Part {
    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }
}

impl Source for Broker {
    fn name(&self) -> &'static str {
        "topic"
    }

    fn parts(&self) -> Vec<i32> {
        (0..).take(self.parts.len()).collect()
    }

    fn bounds(&mut self, part: i32) -> anyhow::Result<Range<u64>> {
        ensure!(self.is_up, "the broker is away");
        let part = self.part(part).context("no such partition")?;
        Ok(part.first..part.end())
    }

    fn read(
        &mut self,
        part: i32,
        from: u64,
        max_bytes: usize,
        max_records: usize,
    ) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        ensure!(!std::mem::take(&mut self.is_renewed), "the topic was created anew");
        let bounds = self.bounds(part)?;
        ensure!((bounds.start..=bounds.end).contains(&from), "offset {from} is not in {bounds:?}");
        Ok(bounded(self.records_from(part, from), max_bytes, max_records))
    }

    fn committed(&mut self, _part: i32, _next: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(records: &[&'static str]) -> Broker {
        let mut broker = Broker::new(2);
        for record in records {
            broker.append(1, Bytes::from_static(record.as_bytes()));
        }
        broker
    }

    fn read(broker: &mut Broker, from: u64) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        broker.read(1, from, usize::MAX, usize::MAX)
    }

    #[test]
    fn records_have_offsets_in_their_partition() {
        let mut broker = broker(&["a", "b"]);
        assert_eq!(broker.parts(), [0, 1]);
        assert_eq!((broker.bounds(0).unwrap(), broker.bounds(1).unwrap()), (0..0, 0..2));
        assert_eq!(read(&mut broker, 1).unwrap(), [(1, b"b".to_vec())]);
        assert!(read(&mut broker, 3).is_err());
        broker.add_partitions(1);
        broker.append(2, Bytes::from_static(b"c"));
        assert_eq!(broker.records().collect::<Vec<_>>(), [(1, 0, &b"a"[..]), (1, 1, b"b"), (2, 0, b"c")]);
    }

    #[test]
    fn a_topic_that_is_created_anew_is_told_once_and_has_other_offsets() {
        for (kept, from_zero, bounds) in
            [(0, true, 0..0), (1, true, 0..1), (0, false, 4..4), (2, false, 4..6)]
        {
            let mut broker = broker(&["a", "b", "c"]);
            let before = broker.incarnation();
            broker.recreate(kept, from_zero);
            assert_ne!(broker.incarnation(), before);
            assert!(read(&mut broker, bounds.start).is_err());
            assert_eq!(broker.bounds(1).unwrap(), bounds);
            let left: Vec<Vec<u8>> =
                read(&mut broker, bounds.start).unwrap().into_iter().map(|r| r.1).collect();
            assert_eq!(left, [b"a", b"b", b"c"][3 - kept..]);
        }
    }

    #[test]
    fn retention_takes_the_oldest() {
        let mut broker = broker(&["a", "b", "c"]);
        broker.delete_before(1, 2);
        assert_eq!(broker.bounds(1).unwrap(), 2..3);
        assert!(read(&mut broker, 1).is_err());
        broker.delete_before(1, 9);
        assert_eq!((broker.bounds(1).unwrap(), broker.end(1)), (3..3, 3));
    }

    #[test]
    fn a_broker_that_is_away_is_not_read() {
        let mut broker = broker(&["a"]);
        broker.set_up(false);
        assert!(broker.bounds(1).is_err());
        broker.set_up(true);
        assert_eq!(read(&mut broker, 0).unwrap().len(), 1);
    }

    #[test]
    fn faults_fall_on_as_many_records_as_was_said() {
        let mut broker = broker(&[]);
        broker.arm(Fault::Lost, 2);
        broker.arm(Fault::AckLost, 1);
        let faults: Vec<Option<Fault>> = (0..4).map(|_| broker.send().0).collect();
        assert_eq!(faults, [Some(Fault::Lost), Some(Fault::Lost), Some(Fault::AckLost), None]);
    }
}

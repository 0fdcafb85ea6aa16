//! What the shell and the server know of each stream, kept apart from the core.

use std::collections::{BTreeMap, BTreeSet};

use headwater_core::{
    client::{Client, Lane, StreamNo},
    ranges::{Range, RangeSet},
    refusal::Refusal,
};

use super::request::Said;

/// One stream of a shell that keeps its contract.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) own: bool,
    pub(super) lane: Lane,
    /// Of a dead owner, and all of it was told.
    pub(super) adopted: bool,
    /// Nothing more is appended.
    pub(super) closed: bool,
    /// Its purpose was denied, or everything was to be erased.
    pub(super) purged: bool,
    pub(super) forgotten: bool,
    /// A journal write failed: its events stay, for an adopter.
    pub(super) faulty: bool,
    /// What the journal of a dead owner says was settled.
    pub(super) start: u32,
    pub(super) head: u32,
    /// Events that the core was told of.
    pub(super) told: BTreeSet<u32>,
    /// Events in the journal.
    pub(super) held: BTreeSet<u32>,
    /// Events that the core neither knows to be settled nor has named.
    pub(super) owed: BTreeMap<u32, Owed>,
    /// Events that the server has settled.
    pub(super) settled: RangeSet,
    /// Events whose loss the journal names.
    pub(super) named: RangeSet,
    /// Events whose loss the server has.
    pub(super) acknowledged: RangeSet,
    /// Entries of names that the journal holds.
    pub(super) records: BTreeMap<u32, Range>,
    /// Calls that the shell refused.
    pub(super) refused: BTreeMap<Refusal, u32>,
    /// As the server knows them.
    pub(super) refused_told: BTreeMap<String, u32>,
}

/// An event that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed {
    pub(super) len: u32,
    pub(super) ts: u64,
    /// When the core was told of an own one, on the monotonic clock.
    pub(super) told: Option<u64>,
}

impl Stream {
    /// The journal has an event, and the core is to be told.
    pub(super) fn hold(&mut self, seq: u32, owed: Owed) {
        self.head = self.head.max(seq + 1);
        self.told.insert(seq);
        self.held.insert(seq);
        self.owed.insert(seq, owed);
    }

    /// The journal was told to remove events.
    pub(super) fn forget(&mut self, from: u32, to: u32) {
        assert!(from < to && to <= self.head, "{from}..{to}: {self:?}");
        let gone: Vec<_> = self.held.range(from..to).copied().collect();
        for seq in gone {
            let safe = self.settled.contains(seq) || self.named.contains(seq);
            assert!(safe, "{seq} is forgotten, neither settled nor named: {self:?}");
            self.held.remove(&seq);
            self.owed.remove(&seq);
        }
    }

    /// The core asks for a name; returns the events that it gives up by that.
    pub(super) fn give_up(&mut self, (from, to): Range) -> Vec<Owed> {
        self.owed.extract_if(from..to, |_, _| true).map(|(_, owed)| owed).collect()
    }

    /// A name is durable.
    pub(super) fn record(&mut self, record: u32, (from, to): Range) {
        self.named.insert_range(from, to);
        self.records.insert(record, (from, to));
    }

    /// The journal was told to remove a name.
    pub(super) fn forget_record(&mut self, record: u32) {
        let (from, to) = self.records.remove(&record).expect("a record that is durable");
        let mut covered = self.acknowledged.clone();
        covered.extend(self.records.values().copied());
        assert!(covered.covers(from, to), "the names {from}..{to} are forgotten: {self:?}");
    }

    /// The journal was told to remove everything.
    pub(super) fn forget_all(&mut self) {
        assert!(!self.forgotten, "forgotten twice");
        assert!(self.held.is_empty(), "it still holds events: {self:?}");
        self.assert_explained(&RangeSet::new(), u32::MAX);
        self.forgotten = true;
    }

    /// A request is to be sent.
    pub(super) fn check(&self, said: &Said) {
        assert!(!self.forgotten && (self.own || self.adopted), "{self:?}");
        assert!(said.seqs.iter().all(|seq| self.held.contains(seq)), "no body of {:?}: {self:?}", said.seqs);
        assert!(said.header || said.seqs.is_empty(), "events without a header");
        assert!(!self.purged || !said.header, "the header of one who denied: {self:?}");
        assert!(said.lost.iter().all(|&(from, to)| self.named.covers(from, to)), "{:?}: {self:?}", said.lost);
        assert_eq!(said.head, self.head, "{self:?}");
        if !said.refused.is_empty() {
            assert_eq!(said.refused, self.refused_by_word(), "all counters or none");
        }
        let mut told: RangeSet = said.lost.iter().copied().collect();
        self.assert_explained(&told, said.done);
        if said.end {
            assert!(!self.own);
            told.extend(said.seqs.iter().map(|&seq| (seq, seq + 1)));
            self.assert_explained(&told, u32::MAX);
        }
    }

    /// The server has what a request said.
    pub(super) fn settle(&mut self, said: &Said) {
        for &seq in &said.seqs {
            self.settled.insert(seq);
            self.owed.remove(&seq);
        }
        self.acknowledged.extend(said.lost.iter().copied());
        for (verdict, &total) in &said.refused {
            let known = self.refused_told.entry(verdict.clone()).or_default();
            *known = total.max(*known);
        }
    }

    /// What the core would write into the journal holds.
    pub(super) fn check_done(&self, no: StreamNo, client: &Client) {
        if !self.forgotten && (self.own || self.adopted) {
            self.assert_explained(&RangeSet::new(), client.done(no));
        }
    }

    /// Every event below `done` is settled, or the server has its name, or is being told it.
    pub(super) fn assert_explained(&self, told: &RangeSet, done: u32) {
        let holes = if self.own { 0..0 } else { self.start..self.head };
        for seq in self.told.iter().copied().chain(holes).filter(|&seq| seq < done) {
            let explained =
                self.settled.contains(seq) || self.acknowledged.contains(seq) || told.contains(seq);
            assert!(explained, "{seq}, below {done}, is neither settled nor named: {self:?}");
        }
    }

    /// Whether it stays, although it owes nothing.
    pub(super) fn is_kept(&self) -> bool {
        self.own && !self.closed && !self.purged
    }

    /// Whether it owes the server nothing.
    pub(super) fn is_settled(&self) -> bool {
        self.held.is_empty() && self.records.is_empty() && self.refused_told == self.refused_by_word()
    }

    /// The server knows how many calls were refused.
    pub(super) fn assert_refused_told(&self) {
        assert_eq!(self.refused_told, self.refused_by_word(), "{self:?}");
    }

    fn refused_by_word(&self) -> BTreeMap<String, u32> {
        self.refused.iter().map(|(verdict, total)| (verdict.as_str().to_owned(), *total)).collect()
    }
}

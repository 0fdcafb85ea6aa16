//! What became of every event of a stream: the promise, as numbers.
//!
//! A [`Stream`] is the fold of everything that was committed about one stream, and [`Stream::account`]
//! reads it: with S = arrived ∪ closed, `known = max(head, end of S, end of the names)`,
//! `counted = |S| − |closed|`, `lost = |named − S| + |closed|`, and what is left is in flight, unexplained,
//! or lost by the passing of time. So `known = counted + lost + in flight + unexplained`, always.
//!
//! **Merging is idempotent and does not depend on order**: `at` and `refused` by maximum, arrivals and
//! names by union. Two things follow the order of commits, and are committed themselves: which reason a
//! seq got first, and which gaps were closed.

mod account;
mod holes;
mod names;

use std::collections::BTreeMap;

use headwater_core::{
    planted,
    ranges::{Range, RangeSet},
    seen::{Admission, Seen},
};

pub use account::{Account, Plain};
use holes::DoneBy;
use names::Names;

use crate::days::{DAY_MS, HOUR_MS};

/// How long an event that its sender saw acknowledged may be missing before it is unexplained,
/// milliseconds: as long as the log and every spool keep what they hold (7 days).
pub const SPOOL_MS: i64 = 7 * DAY_MS;

/// A stream of which nothing was heard for so long is silent, milliseconds. Clients give up at the same
/// age.
pub const SILENT_MS: i64 = 30 * DAY_MS;

/// The fold of one stream.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stream {
    seen: Seen,
    names: Names,
    done: u32,
    head: u32,
    done_by: DoneBy,
    refused: BTreeMap<String, u64>,
    no_storage: bool,
    /// Latest `sent_at` that came with an end claim, and without one.
    ended_at: Option<i64>,
    alive_at: Option<i64>,
    last_received_at: Option<i64>,
    copies: u64,
}

/// What one ledger record says about its stream. Ranges are half-open, times Unix milliseconds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Word {
    /// All below `.0` is settled or named, and `.1` is the next free seq.
    pub at: Option<(u32, u32)>,
    /// The sender holds nothing more.
    pub end: bool,
    /// Names of lost events: from, to, reason.
    pub lost: Vec<(u32, u32, String)>,
    /// Monotone counters of what was refused before it got a seq.
    pub refused: BTreeMap<String, u64>,
    /// The sender has no storage: its tail dies with it.
    pub no_storage: bool,
    /// When the collector had it, by the server's clock.
    pub received_at: i64,
    /// When it was sent, by the sender's clock.
    pub sent_at: i64,
}

impl Stream {
    /// The fold with these arrivals and closed gaps, for a store that reads it back; what else was
    /// committed is then told by [`tell`](Self::tell), [`heard`](Self::heard) and [`copied`](Self::copied).
    #[must_use]
    pub fn from_parts(
        arrived: impl IntoIterator<Item = Range>,
        closed: impl IntoIterator<Item = Range>,
    ) -> Self {
        Self { seen: Seen::from_parts(arrived, closed), ..Self::default() }
    }

    /// Decides about one event. [`Admission::Fresh`] must be committed; a copy must be committed as
    /// [`copied`](Self::copied).
    pub fn arrive(&mut self, seq: u32, received_at: i64, sent_at: i64) -> Admission {
        let admission = self.seen.admit(seq);
        if admission == Admission::Fresh {
            self.heard(received_at, sent_at);
            self.forget_filled();
        }
        admission
    }

    /// Events were committed that were received and sent then; only the latest counts.
    pub fn heard(&mut self, received_at: i64, sent_at: i64) {
        self.last_received_at = self.last_received_at.max(Some(received_at));
        self.alive_at = self.alive_at.max(Some(sent_at));
    }

    /// `copies` events arrived again, the last of them then. Copies do not undo an end claim: a retry
    /// may overtake it.
    pub fn copied(&mut self, copies: u64, received_at: i64) {
        self.copies += copies;
        self.last_received_at = self.last_received_at.max(Some(received_at));
    }

    /// Merges a ledger record.
    pub fn tell(&mut self, word: &Word) {
        self.last_received_at = self.last_received_at.max(Some(word.received_at));
        let claim = if word.end { &mut self.ended_at } else { &mut self.alive_at };
        *claim = (*claim).max(Some(word.sent_at));
        self.no_storage |= word.no_storage;
        if let Some((done, head)) = word.at {
            // Nothing can be done that does not exist; only a forger says otherwise.
            let done = done.min(head);
            self.done = self.done.max(done);
            self.head = self.head.max(head);
            self.done_by.add(word.received_at.div_euclid(HOUR_MS), done);
        }
        for (from, to, reason) in &word.lost {
            self.names.add(*from, *to, reason);
        }
        for (verdict, count) in &word.refused {
            let highest = self.refused.entry(verdict.clone()).or_default();
            *highest = (*highest).max(*count);
        }
        self.forget_filled();
    }

    /// Whether this event would be a copy.
    #[must_use]
    pub fn contains(&self, seq: u32) -> bool {
        self.seen.contains(seq)
    }

    /// Gaps that were given up on; they must be committed, because which they are depends on the order of
    /// arrival.
    pub fn closed(&self) -> impl Iterator<Item = Range> + '_ {
        self.seen.closed()
    }

    /// How many events were given up on.
    #[must_use]
    pub fn closed_count(&self) -> u64 {
        self.seen.closed_count()
    }

    /// Largest `done` told: the sender believes that all below is settled or named.
    #[must_use]
    pub fn done(&self) -> u32 {
        self.done
    }

    /// Largest `head` told.
    #[must_use]
    pub fn head(&self) -> u32 {
        self.head
    }

    /// Whether the sender said that it holds nothing more, and nothing sent later says otherwise.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended_at.is_some() && self.ended_at >= self.alive_at
    }

    /// When the server last heard of it, Unix milliseconds.
    #[must_use]
    pub fn last_received_at(&self) -> Option<i64> {
        self.last_received_at
    }

    /// Whether every known event arrived or has a name: then time changes nothing about it any more.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.missing().next().is_none()
    }

    /// The account at `now`, Unix milliseconds.
    #[must_use]
    pub fn account(&self, now: i64) -> Account {
        let mut account = Account {
            known: u64::from(self.known()),
            counted: self.seen.counted(),
            copies: self.copies,
            lost: self.names.lost(self.seen.settled()),
            refused: self.refused.clone(),
            ..Account::default()
        };
        if !planted!(GapsClosedSilently) {
            account.lose("too_many_gaps", self.seen.closed_count());
        }
        let in_time = self.tail_fate(now);
        for (from, to) in self.missing() {
            let tail = from.max(self.done).min(to);
            let unexplained = self.done_by.older_than(now, (from, tail));
            account.unexplained += unexplained;
            account.in_flight += u64::from(tail - from) - unexplained;
            match in_time {
                Some(reason) => account.lose(reason, u64::from(to - tail)),
                None => account.in_flight += u64::from(to - tail),
            }
        }
        account
    }

    /// What time has made of events that no sender saw acknowledged.
    fn tail_fate(&self, now: i64) -> Option<&'static str> {
        let silent = self.last_received_at.is_some_and(|last| now.saturating_sub(last) >= SILENT_MS);
        match (self.ended(), silent, self.no_storage) {
            (true, _, _) => Some("vanished"),
            (false, true, true) => Some("no_storage"),
            (false, true, false) => Some("silent"),
            (false, false, _) => None,
        }
    }

    fn known(&self) -> u32 {
        self.head.max(self.seen.end()).max(self.names.all().end())
    }

    /// Known events that neither arrived nor have a name.
    fn missing(&self) -> impl Iterator<Item = Range> + '_ {
        let named: &RangeSet = self.names.all();
        self.seen.settled().holes(0, self.known()).flat_map(|(from, to)| named.holes(from, to))
    }

    fn forget_filled(&mut self) {
        if !self.done_by.is_empty() {
            let first_missing = self.missing().next().map_or(u32::MAX, |(from, _)| from);
            self.done_by.forget_up_to(first_missing);
        }
    }
}

#[cfg(test)]
mod tests;

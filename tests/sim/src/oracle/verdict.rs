//! The end: every event, every account.

use std::collections::{BTreeMap, BTreeSet};

use headwater_consumer::{
    State,
    rows::{Commit, EventRow, LedgerRow},
};
use headwater_core::{reason::Reason, seen::MAX_RANGES};
use headwater_numbers::{days::DAY_MS, delivery::Account};

use super::{Flags, Oracle};
use crate::breach::Kind;

/// After so long a stream that nobody speaks of any more is silent, and what an operator deleted is unexplained.
const LATER_MS: i64 = 31 * DAY_MS;

/// What is there when everything has come to rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest<'a, C> {
    /// The committed rows.
    pub(crate) commits: C,
    /// Their fold, as the consumer has it.
    pub(crate) state: &'a State,
    /// Unix ms of the servers.
    pub(crate) unix: i64,
    /// What devices hold that never come back.
    pub(crate) kept_away: &'a BTreeSet<(u128, u32)>,
}

/// The reason of events in gaps that were given up on.
const TOO_MANY_GAPS: &str = Reason::TooManyGaps.as_str();

/// What the rows say of one stream.
#[derive(Clone, Default)]
struct Fold {
    /// Its numbers: one.
    numbers: Vec<u64>,
    /// Rows of each event.
    rows: Vec<u8>,
    /// The first committed name of each event, as a place in `Fold::reasons`.
    names: Vec<Option<u8>>,
    reasons: Vec<String>,
    /// Events in gaps that were given up on.
    closed: Vec<bool>,
    head: u32,
}

/// What became of an event, as far as the rows say.
enum Fate<'a> {
    Counted,
    Lost(&'a str),
    Missing,
    Unknown,
}

impl Oracle {
    /// Judges everything. `numbers` are accounts: that they are right is judged too.
    pub(crate) fn judge<'a, C: IntoIterator<Item = &'a Commit>>(&mut self, rest: Rest<'_, C>) {
        let Rest { commits, state, unix, kept_away } = rest;
        let mut refused = BTreeMap::<String, u64>::new();
        let mut folds = vec![Fold::default(); self.books.len()];
        for commit in commits {
            commit.events.iter().for_each(|row| self.counted(row, &mut folds));
            commit.ledger.iter().for_each(|row| self.told(row, &mut folds));
            for (number, (from, to)) in &commit.closed {
                if let Some(fold) = folds.iter_mut().find(|fold| fold.numbers.contains(number)) {
                    (*from..*to).for_each(|seq| *slot(&mut fold.closed, seq) = true);
                }
            }
        }
        for (at, fold) in folds.iter().enumerate() {
            let tracked = || state.stream(*fold.numbers.first()?);
            let account = |unix| tracked().map(|tracked| tracked.stream.account(unix)).unwrap_or_default();
            if fold.numbers.len() > 1 {
                let label = format!("s{at}");
                self.breach(Kind::CountedTwice, || {
                    format!("{label} is known as {} streams", fold.numbers.len())
                });
            }
            self.judge_account(at, fold, &account(unix));
            self.judge_gaps(at, fold);
            self.judge_later(at, fold, &account(unix + LATER_MS));
            self.judge_events(at, fold, kept_away);
            for (verdict, count) in account(unix).refused {
                *refused.entry(verdict).or_default() += count;
            }
            if self.is_broken() {
                return;
            }
        }
        for (verdict, count) in refused {
            let known = self.refused.iter().find(|(known, _)| *known == verdict);
            let most = known.map_or(0, |(_, most)| *most);
            if count > most {
                self.breach(Kind::Ledger, || {
                    format!("{most} calls were refused as {verdict}, the ledger says {count}")
                });
            }
        }
    }

    fn counted(&mut self, row: &EventRow, folds: &mut [Fold]) {
        let (Some(stream), Some(seq)) = (row.event.stream, row.event.seq) else {
            return self.breach(Kind::Invented, || "an event without a stream was counted".to_owned());
        };
        let Some(at) = self.books.iter().rposition(|book| book.stream == stream.as_u128()) else {
            return self.breach(Kind::Invented, || {
                format!("event {seq} of a stream that nobody opened was counted")
            });
        };
        let book = &self.books[at];
        let Some(event) = book.event(seq).filter(|event| event.may_exist()) else {
            return self.breach(Kind::Invented, || format!("s{at}/{seq} was counted, and nobody wrote it"));
        };
        let fold = &mut folds[at];
        fold.note_number(row.stream);
        let counted = slot(&mut fold.rows, seq);
        *counted += 1;
        if *counted > 1 {
            return self.breach(Kind::CountedTwice, || format!("s{at}/{seq} was counted twice"));
        }
        let differs = match event.body.as_ref() {
            _ if row.event.client_id != book.client_id => Some("client_id"),
            _ if row.event.user_id != book.user_id => Some("user_id"),
            Some(body) => body.differs(&row.event),
            None => None,
        };
        if let Some(member) = differs {
            self.breach(Kind::Content, || {
                format!("s{at}/{seq} was counted with another {member} than it was accepted with")
            });
        }
    }

    fn told(&mut self, row: &LedgerRow, folds: &mut [Fold]) {
        let Some(stream) = row.ledger.stream else { return };
        let Some(at) = self.books.iter().rposition(|book| book.stream == stream.as_u128()) else {
            return self
                .breach(Kind::Invented, || "the ledger speaks of a stream that nobody opened".to_owned());
        };
        let (head, fold) = (self.books[at].head(), &mut folds[at]);
        fold.note_number(row.stream);
        fold.head = fold.head.max(row.ledger.at.map_or(0, |at| at.head));
        for lost in &row.ledger.lost {
            if lost.to > head || lost.from >= lost.to {
                let (from, to) = (lost.from, lost.to);
                return self.breach(Kind::Invented, || {
                    format!("s{at} has {head} events, and {from}..{to} are named {}", lost.reason)
                });
            }
            let known = fold.reasons.iter().position(|reason| *reason == lost.reason);
            let reason = known.unwrap_or_else(|| {
                fold.reasons.push(lost.reason.clone());
                fold.reasons.len() - 1
            });
            for seq in lost.from..lost.to {
                slot(&mut fold.names, seq).get_or_insert(u8::try_from(reason).unwrap_or(u8::MAX));
            }
        }
    }

    /// Whether the account is what a plain fold of the rows says.
    fn judge_account(&mut self, at: usize, fold: &Fold, account: &Account) {
        let known = fold.known();
        let counted = (0..known).filter(|&seq| fold.is_counted(seq)).count() as u64;
        let lost = account.lost_total();
        let is_lost = |seq: &u32| !fold.is_counted(*seq) && !fold.is_closed(*seq);
        let explicit = (0..known).filter(is_lost).filter(|seq| fold.name(*seq).is_some()).count() as u64;
        let is_whole = account.known == counted + lost + account.in_flight + account.unexplained;
        if account.known != u64::from(known) || account.counted != counted || lost < explicit || !is_whole {
            self.breach(Kind::Accounts, || {
                format!("s{at} has {known} known, {counted} counted, {explicit} named; the account says {account:?}")
            });
        }
        for (reason, count) in &account.lost {
            let named = |seq: &u32| is_lost(seq) && fold.name(*seq) == Some(reason);
            let named = match &**reason {
                TOO_MANY_GAPS => fold.closed.iter().filter(|closed| **closed).count() as u64,
                _ => (0..known).filter(named).count() as u64,
            };
            let by_time = matches!(&**reason, "vanished" | "silent" | "no_storage");
            if *count < named || (*count > named && !by_time) {
                self.breach(Kind::Accounts, || {
                    format!("s{at} has {named} named {reason}, the account says {count}")
                });
            }
        }
    }

    /// Gaps beyond what the last stage keeps are given up on, by name; what is given up on does not count.
    fn judge_gaps(&mut self, at: usize, fold: &Fold) {
        let is_settled = |seq: u32| fold.is_counted(seq) || fold.is_closed(seq);
        let begins =
            |seq: &u32| is_settled(*seq) && seq.checked_sub(1).is_none_or(|before| !is_settled(before));
        let ranges = (0..fold.known()).filter(begins).count();
        if ranges > MAX_RANGES {
            self.breach(Kind::Accounts, || format!("s{at} is kept in {ranges} ranges"));
        }
        if let Some(seq) = (0..fold.known()).find(|seq| fold.is_counted(*seq) && fold.is_closed(*seq)) {
            self.breach(Kind::Accounts, || format!("s{at}/{seq} was given up on, and counted"));
        }
    }

    /// A month later nothing is in flight any more, and unexplained is only what an operator deleted.
    fn judge_later(&mut self, at: usize, fold: &Fold, account: &Account) {
        let deleted =
            self.books[at].events.iter().filter(|event| event.is.has(Flags::DELETED)).count() as u64;
        if account.unexplained > deleted || account.in_flight > 0 {
            self.breach(Kind::Unexplained, || {
                format!("a month later s{at}, of which {deleted} events were deleted by an operator, has {account:?}")
            });
        }
        if account.known != u64::from(fold.known()) {
            self.breach(Kind::Accounts, || format!("a month later s{at} has {account:?}"));
        }
    }

    fn judge_events(&mut self, at: usize, fold: &Fold, kept_away: &BTreeSet<(u128, u32)>) {
        let book = &self.books[at];
        let mut flaw = None;
        for (seq, event) in (0..).zip(&book.events) {
            if !event.may_exist() {
                continue;
            }
            let excuses = Flags(Flags::TAKEN.0 | Flags::DELETED.0);
            let is_excused = event.is.has(excuses)
                || !event.is.has(Flags::ACCEPTED)
                || book.has_left
                || kept_away.contains(&(book.stream, seq));
            flaw = match fold.fate(seq) {
                Fate::Counted => None,
                Fate::Lost(reason) if reason == Reason::Vanished.as_str() => (!is_excused
                    && !event.is.has(Flags::NAMED))
                .then(|| {
                    (Kind::Ledger, format!("s{at}/{seq} is named vanished, and the platform did not take it"))
                }),
                Fate::Lost(reason) => (!event.was_given_up(reason)).then(|| {
                    (Kind::Ledger, format!("s{at}/{seq} is named {reason}, and that did not happen"))
                }),
                Fate::Missing | Fate::Unknown if is_excused => None,
                Fate::Missing => {
                    Some((Kind::Unexplained, format!("s{at}/{seq} is known, and neither counted nor named")))
                }
                Fate::Unknown => Some((
                    Kind::Unknowable,
                    format!("s{at}/{seq} is unknown, and the platform did not take it"),
                )),
            };
            if flaw.is_some() {
                break;
            }
        }
        if let Some((kind, sentence)) = flaw {
            self.breach(kind, || sentence);
        }
    }
}

impl Fold {
    fn note_number(&mut self, number: Option<u64>) {
        if let Some(number) = number.filter(|number| !self.numbers.contains(number)) {
            self.numbers.push(number);
        }
    }

    fn known(&self) -> u32 {
        let end = self.rows.len().max(self.names.len());
        self.head.max(u32::try_from(end).unwrap_or(u32::MAX))
    }

    fn is_counted(&self, seq: u32) -> bool {
        self.rows.get(seq as usize).is_some_and(|rows| *rows > 0)
    }

    fn is_closed(&self, seq: u32) -> bool {
        self.closed.get(seq as usize).copied().unwrap_or(false)
    }

    fn name(&self, seq: u32) -> Option<&str> {
        let reason = (*self.names.get(seq as usize)?)?;
        self.reasons.get(usize::from(reason)).map(String::as_str)
    }

    fn fate(&self, seq: u32) -> Fate<'_> {
        match self.name(seq) {
            _ if self.is_counted(seq) => Fate::Counted,
            Some(reason) => Fate::Lost(reason),
            None if seq < self.known() => Fate::Missing,
            None => Fate::Unknown,
        }
    }
}

fn slot<T: Clone + Default>(of: &mut Vec<T>, seq: u32) -> &mut T {
    let at = seq as usize;
    if of.len() <= at {
        of.resize(at + 1, T::default());
    }
    &mut of[at]
}

//! The loss ledger of one stream: what was given up, until the server has acknowledged the names.
//!
//! A name goes through three states: *recording* (the journal is asked to keep it; the event is still there),
//! *news* (durable; the event may be forgotten and requests carry the name), and gone (acknowledged). News are
//! numbered, so a request need only remember up to which number it told them.

use alloc::vec::Vec;

use super::{Effect, StreamNo, lists::keep, outbox::Outbox};
use crate::{planted, ranges::Range, reason::Reason};

/// Most names in one request, about 2.5 KB of text. The rest follows in the next.
const NAMES_PER_REQUEST: u32 = 64;

/// One range of lost events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    pub(super) range: Range,
    pub(super) reason: Reason,
    /// The number of its record; 0 if it was found in an adopted journal, and there is none of ours.
    record: u32,
    /// Its number among the news; 0 while it is not durable.
    news: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    losses: Vec<Loss>,
    /// The number of the latest news.
    latest: u32,
}

impl Ledger {
    /// A number for news: a name, or something else that is to be told with the names.
    pub(super) fn next_news(&mut self) -> u32 {
        self.latest += 1;
        self.latest
    }

    /// Takes in a name that a journal already holds.
    pub(super) fn found(&mut self, range: Range, reason: Reason) {
        if range.0 < range.1 {
            let news = self.next_news();
            self.losses.push(Loss { range, reason, record: 0, news });
        }
    }

    /// Asks the journal to keep a new name. It continues the one just before it, if it can, so that a full
    /// queue leaves one record and not thousands.
    pub(super) fn name(&mut self, (from, to): Range, reason: Reason, stream: StreamNo, out: &mut Outbox) {
        // Not one that was found: its events may be there after all, and would be forgotten with this one's.
        let continued = |l: &&Loss| l.news > 0 && l.record > 0 && l.reason == reason && l.range.1 == from;
        let before = self.losses.iter().find(continued);
        let from = before.map_or(from, |l| l.range.0);
        let record = out.next_record();
        self.losses.push(Loss { range: (from, to), reason, record, news: 0 });
        trace!(out, Step::Named { stream, from, to, reason, record });
        if planted!(EvictionBeforeLedger) {
            out.push(Effect::Forget { stream, from, to });
        }
        out.push(Effect::Record { record, stream, from, to, reason });
    }

    /// Names `vanished` what of `from..to` has no name.
    pub(super) fn name_holes(&mut self, (mut from, to): Range, stream: StreamNo, out: &mut Outbox) {
        while from < to {
            if let Some(named) = self.losses.iter().find(|l| l.range.0 <= from && from < l.range.1) {
                from = named.range.1;
            } else {
                let next = self.losses.iter().map(|l| l.range.0).filter(|&next| next > from);
                let end = next.fold(to, u32::min);
                self.name((from, end), Reason::Vanished, stream, out);
                from = end;
            }
        }
    }

    /// A record became durable: its events may now be forgotten. Does nothing if the record is not this ledger's.
    pub(super) fn recorded(&mut self, record: u32, stream: StreamNo, out: &mut Outbox) {
        let news = self.latest + 1;
        let Some(loss) = self.losses.iter_mut().find(|l| l.record == record && l.news == 0) else { return };
        (loss.news, self.latest) = (news, news);
        let Loss { range: (from, to), reason, .. } = *loss;
        trace!(out, Step::Durable { stream, record, news });
        out.push(Effect::Forget { stream, from, to });
        self.retain(stream, out, &|l| {
            l.record == record || l.news == 0 || l.reason != reason || l.range.0 < from || l.range.1 > to
        });
    }

    /// Up to which number the next request tells the news, and how many names are among them.
    pub(super) fn news(&self) -> (u32, u32) {
        let durable = self.losses.iter().filter(|l| l.news > 0);
        let first = durable.fold(u32::MAX - NAMES_PER_REQUEST, |least, l| least.min(l.news));
        let last = self.latest.min(first + NAMES_PER_REQUEST - 1);
        // At most as many as there are numbers from `first` to `last`.
        (last, u32::try_from(self.names(last).count()).unwrap_or(NAMES_PER_REQUEST))
    }

    /// The names among the news up to `last`.
    pub(super) fn names(&self, last: u32) -> impl Iterator<Item = &Loss> {
        self.losses.iter().filter(move |l| !is_besides(l, last))
    }

    /// The server has the news up to `last`.
    pub(super) fn acknowledge(&mut self, last: u32, stream: StreamNo, out: &mut Outbox) {
        self.retain(stream, out, &|l| is_besides(l, last));
    }

    /// Whether every name was acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }

    /// Whether the journal was asked to keep a name and has not answered yet.
    pub(super) fn is_recording(&self) -> bool {
        self.losses.iter().any(|l| l.news == 0)
    }

    /// The lowest event whose name is neither among the news up to `last` nor acknowledged; `u32::MAX`, which is none,
    /// if all are.
    pub(super) fn first_besides(&self, last: u32) -> u32 {
        let besides = self.losses.iter().filter(|l| is_besides(l, last));
        besides.fold(u32::MAX, |least, l| least.min(l.range.0))
    }

    /// Whether the name of event `seq` was a decision about the event, so that it holds even if the event is there.
    pub(super) fn has_decided(&self, seq: u32) -> bool {
        let mut of_seq = self.losses.iter().filter(|l| l.range.0 <= seq && seq < l.range.1);
        of_seq.any(|l| !l.reason.is_undone_by_the_event())
    }

    fn retain(&mut self, stream: StreamNo, out: &mut Outbox, is_kept: &dyn Fn(&Loss) -> bool) {
        keep(&mut self.losses, &mut |loss| {
            let kept = is_kept(loss);
            if !kept && loss.record > 0 {
                out.push(Effect::ForgetRecord { record: loss.record, stream });
            }
            kept
        });
    }
}

/// Whether a name is not durable, or is later news than `last`.
fn is_besides(loss: &Loss, last: u32) -> bool {
    loss.news == 0 || loss.news > last
}

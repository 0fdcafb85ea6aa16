//! The loss ledger of one stream: what was given up, until the server has acknowledged the names.
//!
//! A name goes through three states: *recording* (the journal is asked to keep it; the event is still there),
//! *named* (durable; the event may be forgotten and requests carry the name), and gone (acknowledged).

use alloc::vec::Vec;

use super::{Effect, StreamNo, lists::keep, outbox::Outbox};
use crate::{ranges::Range, reason::Reason};

/// Most names in one request, about 2.5 KB of text. The rest follows in the next.
const NAMES_PER_REQUEST: usize = 64;

/// One range of lost events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    pub(super) range: Range,
    pub(super) reason: Reason,
    /// Tells it from others; also the number of its record, if it is ours.
    id: u32,
    /// Found in an adopted journal: there is no record of ours to remove.
    found: bool,
    durable: bool,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    losses: Vec<Loss>,
}

impl Ledger {
    /// Takes in a name that a journal already holds.
    pub(super) fn found(&mut self, range: Range, reason: Reason, out: &mut Outbox) {
        if range.0 < range.1 {
            self.losses.push(Loss { range, reason, id: out.next_record(), found: true, durable: true });
        }
    }

    /// Asks the journal to keep a new name. It continues the one just before it, if it can, so that a full
    /// queue leaves one record and not thousands.
    pub(super) fn name(&mut self, (from, to): Range, reason: Reason, stream: StreamNo, out: &mut Outbox) {
        // Not one that was found: its events may be there after all, and would be forgotten with this one's.
        let continued = |l: &&Loss| l.durable && !l.found && l.reason == reason && l.range.1 == from;
        let before = self.losses.iter().find(continued);
        let from = before.map_or(from, |l| l.range.0);
        let id = out.next_record();
        self.losses.push(Loss { range: (from, to), reason, id, found: false, durable: false });
        out.push(Effect::Record { record: id, stream, from, to, reason });
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
        let Some(loss) = self.losses.iter_mut().find(|l| l.id == record && !l.durable) else { return };
        loss.durable = true;
        let Loss { range: (from, to), reason, .. } = *loss;
        out.push(Effect::Forget { stream, from, to });
        self.retain(stream, out, &|l| {
            l.id == record || !l.durable || l.reason != reason || l.range.0 < from || l.range.1 > to
        });
    }

    /// The names for the next request.
    pub(super) fn names(&self) -> Vec<Loss> {
        let mut names = Vec::new();
        for loss in &self.losses {
            if loss.durable && names.len() < NAMES_PER_REQUEST {
                names.push(*loss);
            }
        }
        names
    }

    /// How many [`names`](Self::names) there are.
    pub(super) fn name_count(&self) -> usize {
        self.losses.iter().filter(|l| l.durable).count().min(NAMES_PER_REQUEST)
    }

    /// The server has these names.
    pub(super) fn acknowledge(&mut self, names: &[Loss], stream: StreamNo, out: &mut Outbox) {
        self.retain(stream, out, &|l| names.iter().all(|name| name.id != l.id));
    }

    /// Whether every name was acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }

    /// Whether the journal was asked to keep a name and has not answered yet.
    pub(super) fn is_recording(&self) -> bool {
        self.losses.iter().any(|l| !l.durable)
    }

    /// The lowest event whose name is not in `names` and not acknowledged; `u32::MAX`, which is none, if all are.
    pub(super) fn first_besides(&self, names: &[Loss]) -> u32 {
        let besides = self.losses.iter().filter(|l| names.iter().all(|name| name.id != l.id));
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
            if !kept && !loss.found {
                out.push(Effect::ForgetRecord { record: loss.id, stream });
            }
            kept
        });
    }
}

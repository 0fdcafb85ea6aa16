//! Who may not be recorded, and what becomes of what was.
//!
//! A decision holds for a purpose, and a stream has one: so what a denial takes back are whole streams, and the
//! others go on. What was accepted before a grant was taken back to *unknown* stays: it was accepted under a grant.

use super::{Client, Decision, Effect, Lane, Purpose, outbox::Outbox, stream::Stream};
use crate::reason::Reason;

/// The purposes that the visitor denied, a bit for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Denied(u32);

impl Denied {
    pub(super) const NEW: Self = Self(0);

    /// Whether nothing of this lane may be kept.
    pub(super) fn covers(self, lane: Lane) -> bool {
        self.0 & bit(lane.purpose) != 0
    }
}

fn bit(purpose: Purpose) -> u32 {
    1u32.wrapping_shl(purpose.0.into())
}

impl Client {
    pub(super) fn decided(&mut self, purpose: Purpose, decision: Decision) {
        self.denied.0 &= !bit(purpose);
        trace!(self.out, Step::Decided { purpose, decision });
        if decision == Decision::Denied {
            self.denied.0 |= bit(purpose);
            self.purge(bit(purpose));
        }
    }

    /// What is known of the visitor is to be erased: everything held, whatever its purpose, and the session.
    pub(super) fn erase(&mut self) {
        self.purge(u32::MAX);
        self.visit.reset(&mut self.out);
        self.out.push(Effect::Erase);
    }

    /// Purges the streams of these purposes; one that is still being told, when all of it is.
    fn purge(&mut self, purposes: u32) {
        for stream in self.streams.iter_mut().filter(|s| bit(s.lane.purpose) & purposes != 0) {
            stream.purged = true;
            if !stream.is_being_told() {
                purge(stream, &mut self.out);
            }
        }
        self.flush.hurry(self.now);
        self.retire();
    }
}

/// Gives up everything the stream still holds. From now on it is known to the server by its UUID and its names
/// alone: requests carry no header and no event.
pub(super) fn purge(stream: &mut Stream, out: &mut Outbox) {
    trace!(out, Step::Purged { stream: stream.no, events: stream.events().len() });
    stream.lose(Reason::Consent, u32::MAX, out, &|_| true);
}

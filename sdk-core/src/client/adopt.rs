//! What is made of a dead owner's journal once all of it is told.

use core::mem;

use super::{Client, StreamNo, consent, find, outbox::Outbox, stream::Origin, stream::Stream};
use crate::{planted, reason::Reason};

impl Client {
    /// All of it was told: it may be sent, unless nothing of it may.
    pub(super) fn adopted(&mut self, no: StreamNo) {
        let stopped = self.is_stopped();
        let out = &mut self.out;
        let Some(stream) = find(&mut self.streams, no).filter(|s| s.is_being_told()) else { return };
        adopt(stream, out);
        if stream.purged {
            consent::purge(stream, out);
        } else if stopped {
            stream.lose(Reason::Stopped, u32::MAX, out, &|_| true);
        }
        self.give_up_old();
    }
}

/// Turns a found stream into an adopted one.
///
/// Between the largest `done` and `head` that the journal stores, every event is there, or named there, or has
/// *vanished* and is named now. (It may have been settled just before its owner died; then the server counts
/// it and the name means nothing.) An event that is there although it is named is sent, unless the name was a
/// decision about the event: then its owner died before it could forget it.
fn adopt(stream: &mut Stream, out: &mut Outbox) {
    stream.origin = Origin::Adopted;
    let ledger = mem::take(&mut stream.ledger);
    stream.forget(u32::MAX, out, &|e| ledger.has_decided(e.seq));
    stream.ledger = ledger;
    trace!(
        out,
        Step::Adopted {
            stream: stream.no,
            events: stream.events().len(),
            done: stream.start,
            head: stream.head
        }
    );
    if !planted!(HoleUnnamed) {
        stream.name_holes(out);
    }
}

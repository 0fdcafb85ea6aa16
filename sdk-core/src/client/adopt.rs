//! What is made of a dead owner's journal once all of it is told.

use core::mem;

use super::{
    outbox::Outbox,
    stream::{Origin, Stream},
};

/// Turns a found stream into an adopted one.
///
/// Between the largest `done` and `head` that the journal stores, every event is there, or named there, or has
/// *vanished* and is named now. (It may have been settled just before its owner died; then the server counts
/// it and the name means nothing.) An event that is there although it is named is sent, unless the name was a
/// decision about the event: then its owner died before it could forget it.
pub(super) fn adopt(stream: &mut Stream, out: &mut Outbox) {
    stream.origin = Origin::Adopted;
    let ledger = mem::take(&mut stream.ledger);
    stream.forget(out, &|e| ledger.has_decided(e.seq));
    stream.ledger = ledger;
    stream.name_holes(out);
}

//! What is made of a dead owner's journal once all of it is told.

use alloc::vec::Vec;

use super::{
    outbox::Outbox,
    stream::{Origin, Stream},
};
use crate::{ranges::Range, reason::Reason};

/// Turns a found stream into an adopted one.
///
/// Between the largest `done` and `head` that the journal stores, every event is there, or named there, or has
/// *vanished* and is named now. (It may have been settled just before its owner died; then the server counts
/// it and the name means nothing.) An event that is there although it is named is sent, unless the name was a
/// decision about the event: then its owner died before it could forget it.
pub(super) fn adopt(stream: &mut Stream, out: &mut Outbox) {
    stream.origin = Origin::Adopted;
    let decided = stream.ledger.iter().filter(|l| !l.reason.is_undone_by_the_event());
    let decided: Vec<Range> = decided.map(|l| l.range).collect();
    stream.forget(out, &|e| decided.iter().any(|r| r.0 <= e.seq && e.seq < r.1));

    let (mut holes, mut seq) = (Vec::new(), stream.start);
    while seq < stream.head {
        seq = stream.known_until(seq).unwrap_or_else(|| {
            let end = stream.known_after(seq).unwrap_or(stream.head);
            holes.push((seq, end));
            end
        });
    }
    for hole in holes {
        stream.ledger.name(hole, Reason::Vanished, stream.no, out);
    }
}

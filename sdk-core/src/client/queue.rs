//! What goes when the queue is full: the oldest of the shell's own events, and their names stay.

use super::{
    Limits, StreamNo,
    outbox::Outbox,
    stream::{Event, Origin, Stream},
};
use crate::reason::Reason;

/// Gives up own events until the queue is an eighth below its limit, so that a queue that stays full is not
/// written to for every event. `newest` stays, however large: it was just accepted; but not at the cost of a precious
/// event, unless it is one itself.
///
/// Events in flight are as old as any, and go as well: should their answer still come, they count and their
/// names mean nothing.
pub(super) fn evict(streams: &mut [Stream], newest: (StreamNo, u32), limits: &Limits, out: &mut Outbox) {
    let (mut bytes, mut events) = (0, 0);
    for stream in own(streams) {
        bytes += stream.bytes();
        events += stream.events().len() as u64;
    }
    let (bytes, events) = (too_many(bytes, limits.queue_bytes), too_many(events, limits.queue_events));
    if bytes + events == 0 {
        return;
    }
    trace!(out, Step::Evicting { bytes, events });
    let holds_precious = own(streams).any(|s| s.lane.precious && !s.events().is_empty());
    let goes = |no, precious, event: &Event, last| {
        let is_spared = (no, event.seq) == newest && precious >= holds_precious;
        turn(precious, event) <= last && !is_spared
    };
    // The last turn that has to go, bit by bit from the highest: what goes before it is not enough.
    let mut last = 0;
    for bit in (0..u64::BITS).rev() {
        let middle = last | 1 << bit;
        let (mut freed_bytes, mut freed_events) = (0, 0);
        for stream in own(streams) {
            for event in
                stream.events().iter().filter(|e| goes(stream.no, stream.lane.precious, e, middle - 1))
            {
                freed_bytes += u64::from(event.len);
                freed_events += 1;
            }
        }
        if middle == PRECIOUS {
            // Precious events go for the limit's sake, not for the room below it.
            freed_bytes += u64::from(limits.queue_bytes / 8);
            freed_events += u64::from(limits.queue_events / 8);
        }
        if freed_bytes < bytes || freed_events < events {
            last = middle;
        }
    }
    for stream in streams.iter_mut().filter(|s| s.origin == Origin::Own) {
        let (no, precious) = (stream.no, stream.lane.precious);
        stream.lose(Reason::QueueFull, u32::MAX, out, &|e| goes(no, precious, e, last));
    }
}

/// How much has to go of `held`: nothing up to `limit`, and beyond it an eighth more than need be.
fn too_many(held: u64, limit: u32) -> u64 {
    if held > u64::from(limit) { held - u64::from(limit - limit / 8) } else { 0 }
}

/// The order in which events go: the oldest first, and the precious ones when there are no others.
fn turn(precious: bool, event: &Event) -> u64 {
    (if precious { PRECIOUS } else { 0 }) | event.ts.0 & !PRECIOUS
}

/// Set in the turn of a precious event.
const PRECIOUS: u64 = 1 << 63;

fn own(streams: &[Stream]) -> impl Iterator<Item = &Stream> {
    streams.iter().filter(|s| s.origin == Origin::Own)
}

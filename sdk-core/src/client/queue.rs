//! What goes when the queue is full: the oldest of the shell's own events, and their names stay.

use super::{
    Limits, StreamNo, find,
    outbox::Outbox,
    stream::{Event, Origin, Stream},
};
use crate::{reason::Reason, time::UnixMs};

/// Gives up own events until the queue is an eighth below its limit, so that a queue that stays full is not
/// written to for every event. `newest` stays, however large: it was just accepted.
///
/// Events in flight are as old as any, and go as well: should their answer still come, they count and their
/// names mean nothing.
pub(super) fn evict(streams: &mut [Stream], newest: (StreamNo, u32), limits: &Limits, out: &mut Outbox) {
    if held(streams) <= limits.queue_bytes {
        return;
    }
    let enough = limits.queue_bytes - limits.queue_bytes / 8;
    loop {
        let over = held(streams).saturating_sub(enough);
        let Some((_, no)) = oldest(streams, newest, None).filter(|_| over > 0) else { return };
        // As many of that stream as are older than any other stream's, in one run.
        let limit = oldest(streams, newest, Some(no));
        let Some(stream) = find(streams, no) else { return };
        let mut freed = 0u32;
        let stays = |e: &&Event| {
            let stays = freed >= over || limit.is_some_and(|l| e.ts > l.0) || (no, e.seq) == newest;
            freed = freed.saturating_add(e.len);
            stays
        };
        let stop = stream.events().find(stays).map_or(u32::MAX, |e| e.seq);
        stream.lose(Reason::QueueFull, out, &|e| e.seq < stop);
    }
}

/// The stream with the oldest own event besides `newest`, without looking at stream `but`.
fn oldest(streams: &[Stream], newest: (StreamNo, u32), but: Option<StreamNo>) -> Option<(UnixMs, StreamNo)> {
    let mut oldest = None;
    for stream in own(streams).filter(|s| Some(s.no) != but) {
        if let Some(first) = stream.events().next()
            && (stream.no, first.seq) != newest
            && oldest.is_none_or(|oldest| (first.ts, stream.no) < oldest)
        {
            oldest = Some((first.ts, stream.no));
        }
    }
    oldest
}

fn held(streams: &[Stream]) -> u32 {
    own(streams).fold(0, |sum, s| sum.saturating_add(s.bytes()))
}

fn own(streams: &[Stream]) -> impl Iterator<Item = &Stream> {
    streams.iter().filter(|s| s.origin == Origin::Own)
}

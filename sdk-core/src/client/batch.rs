//! What goes into the next request: the oldest of one stream.

use alloc::vec::Vec;

use super::{
    Limits,
    ledger::Loss,
    stream::{Event, Origin, Stream},
};

/// Estimated bytes of a request beside its events and names: the envelope and the stream's header.
const ENVELOPE: u32 = 1024;

/// What the core writes around a body: `{"seq":4294967295,"session_id":"<36>",` and a comma.
const PER_EVENT: u32 = 72;

/// `[4294967295,4294967295,"too_many_gaps"],`
const PER_NAME: u32 = 40;

/// The contents of one request.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) seqs: Vec<u32>,
    pub(super) names: Vec<Loss>,
    pub(super) at: (u32, u32),
    pub(super) end: bool,
    /// Estimated size.
    pub(super) bytes: u32,
}

impl Batch {
    /// How many events are in it.
    pub(super) fn sent(&self) -> u32 {
        u32::try_from(self.seqs.len()).unwrap_or(u32::MAX)
    }

    /// Whether event `seq` is in it.
    pub(super) fn carries(&self, seq: u32) -> bool {
        self.seqs.binary_search(&seq).is_ok()
    }
}

/// How much a stream has to say.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Load {
    Nothing,
    /// Something that may wait for company.
    Some,
    /// A full request, or one that nothing will be added to.
    Ready,
}

/// How much `stream` has to say that is not on its way already.
pub(super) fn load(stream: &Stream, limits: &Limits) -> Load {
    let adopted = stream.origin == Origin::Adopted;
    let (count, _) = measure(stream, limits.batch_events, limits.batch_bytes);
    if stream.origin == Origin::Found {
        Load::Nothing
    } else if count > 0 {
        let full = count >= limits.batch_events || stream.waiting().nth(count as usize).is_some();
        if adopted || full { Load::Ready } else { Load::Some }
    } else if stream.flights > 0 || stream.ledger.is_recording() {
        // What it has to say beside events (names, its end) waits until it is all there.
        Load::Nothing
    } else if adopted && stream.events().next().is_none() {
        Load::Ready
    } else if stream.ledger.is_empty() {
        Load::Nothing
    } else if stream.purged {
        Load::Ready
    } else {
        Load::Some
    }
}

/// The next request of `stream`: at most `max_events` events and, but for a first that is larger, `max_bytes`.
/// It says the stream's end if it carries all that remains (unless `last_words`, which nobody acknowledges).
pub(super) fn next(stream: &Stream, max_events: u32, max_bytes: u32, last_words: bool) -> Batch {
    let (count, bytes) = measure(stream, max_events, max_bytes);
    let names = stream.ledger.names();
    let mut seqs = Vec::new();
    for event in stream.waiting() {
        if seqs.len() == count as usize {
            break;
        }
        seqs.push(event.seq);
    }
    let end = stream.origin == Origin::Adopted
        && !last_words
        && stream.flights == 0
        && stream.events().count() == count as usize
        && stream.ledger.first_besides(&names) == u32::MAX;
    Batch { seqs, at: (stream.done_with(&names), stream.head), names, end, bytes }
}

/// Bytes (estimated) of a request with the first waiting event alone, or with none.
pub(super) fn least_bytes(stream: &Stream) -> u32 {
    measure(stream, 1, u32::MAX).1
}

/// How many of the waiting events fit, and the estimated bytes of a request with them.
fn measure(stream: &Stream, max_events: u32, max_bytes: u32) -> (u32, u32) {
    let names = u32::try_from(stream.ledger.name_count()).unwrap_or(u32::MAX);
    let (mut count, mut bytes, mut company) = (0, ENVELOPE + names * PER_NAME, max_events);
    for event in stream.waiting() {
        let more = cost(event).saturating_add(bytes);
        company = company.min(event.company);
        if count >= company || (count > 0 && more > max_bytes) {
            break;
        }
        (count, bytes) = (count + 1, more);
    }
    (count, bytes)
}

fn cost(event: &Event) -> u32 {
    event.len.saturating_add(PER_EVENT)
}

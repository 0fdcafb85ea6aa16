//! What goes into the next request: the oldest of one stream.

use super::{
    Limits,
    stream::{Event, Origin, Stream},
};
use crate::planted;

/// Estimated bytes of a request beside its events and names: the envelope, the stream's header, the counters.
const ENVELOPE: u32 = 1024;

/// What the core writes around a body: `{"seq":4294967295,"session_id":"<36>",` and a comma.
const PER_EVENT: u32 = 72;

/// `[4294967295,4294967295,"too_many_gaps"],`
const PER_NAME: u32 = 40;

/// The contents of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    /// How many of the waiting events, the oldest first.
    pub(super) events: u32,
    /// Whether more of them wait than fit.
    pub(super) full: bool,
    /// Up to where it tells the [news](super::ledger::Ledger::news).
    pub(super) news: u32,
    pub(super) end: bool,
    /// Estimated size.
    pub(super) bytes: u32,
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
    if stream.is_being_told() {
        return Load::Nothing;
    }
    let adopted = stream.origin == Origin::Adopted;
    let Batch { events, full, .. } = next(stream, limits.batch_events, limits.batch_bytes);
    if events > 0 {
        if adopted || full || events >= limits.batch_events { Load::Ready } else { Load::Some }
    } else if stream.flights > 0 || stream.ledger.is_recording() {
        // What it has to say beside events (names, counters, its end) waits until it is all there.
        Load::Nothing
    } else if adopted && stream.events().is_empty() || stream.purged && !stream.ledger.is_empty() {
        Load::Ready
    } else if stream.ledger.is_empty() && !stream.refused.is_owed() {
        Load::Nothing
    } else {
        Load::Some
    }
}

/// The next request of `stream`: at most `max_events` events and, but for a first that is larger, `max_bytes`.
/// It says the stream's end if it carries all that remains.
pub(super) fn next(stream: &Stream, max_events: u32, max_bytes: u32) -> Batch {
    let (news, names) = stream.ledger.news();
    let (mut events, mut full) = (0, false);
    let (mut bytes, mut company) = (ENVELOPE + names * PER_NAME, max_events);
    for event in stream.waiting() {
        let more = cost(event).saturating_add(bytes);
        company = company.min(event.company);
        full = events >= company || (events > 0 && more > max_bytes);
        if full {
            break;
        }
        (events, bytes) = (events + 1, more);
    }
    let early = planted!(EndBeforeAnswers);
    let held = if early { stream.waiting().count() } else { stream.events().len() };
    let end = stream.origin == Origin::Adopted
        && (early || stream.flights == 0)
        && held == events as usize
        && stream.ledger.first_besides(news) == u32::MAX;
    Batch { events, full, news, end, bytes }
}

fn cost(event: &Event) -> u32 {
    event.len.saturating_add(PER_EVENT)
}

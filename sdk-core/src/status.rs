//! What an answer means.

/// What is to be done about the events of an answered request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// 413 by something before Headwater: send less at once, and pass over an event that alone is too large,
    /// without naming it. Nothing was decided about any event.
    ForeignTooLarge,
    /// One of the events can never be accepted: send halves until it stands alone, then name it.
    Isolate,
    /// Try the whole request again, later.
    Retry,
    /// Every event and every claim of the request is settled.
    Settled,
    /// The site is gone for good.
    Stop,
    /// The request is wrong for a reason that the events cannot help (a key, a route): wait long. A rotated key
    /// must not destroy every client's queue.
    Wait,
}

/// Judges an answer with this status and `hw-ack` to a request of `sent` events.
///
/// A response without `hw-ack` does not speak for Headwater (an ad blocker's empty 200, a captive portal): it is
/// as if there had been none, but for the hint in a 413. A 2xx settles only if `ack` is the number of events
/// sent.
#[must_use]
pub const fn judge(status: u16, ack: Option<u32>, sent: u32) -> Verdict {
    let Some(ack) = ack else {
        return if status == 413 { Verdict::ForeignTooLarge } else { Verdict::Retry };
    };
    match status {
        200..=299 if ack == sent => Verdict::Settled,
        // A request that is too large is halved exactly as one with a poisonous event is.
        400 | 413 | 422 => Verdict::Isolate,
        401 | 403 | 404 | 405 => Verdict::Wait,
        410 => Verdict::Stop,
        // 408, 425, 429, 5xx, a 2xx for another number of events, and whatever is not in the table.
        _ => Verdict::Retry,
    }
}

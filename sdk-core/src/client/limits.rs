//! Sizes and intervals, each with its reason.

/// What a shell may set to suit its platform. The default is the browser's.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bodies of a stream's own events that the journal holds before the oldest are given up, in bytes.
    /// 16,384: the first storage access of a page grows with what is stored, for every page of the site. A shell that
    /// finds more room says so ([`Input::Room`](super::Input::Room)).
    pub queue_bytes: u32,
    /// Own events that the journal holds before the oldest are given up. 20,000: a browser's 5 MB hold so many of 250
    /// bytes. It bounds the books of smaller ones, 32 bytes for each event and 640 KB in all, and what an eviction
    /// looks through.
    pub queue_events: u32,
    /// Age beyond which an event is given up, in ms, by a clock that the server confirmed. 30 days: servers remember
    /// names for longer than that, so an older copy could count twice.
    pub max_age_ms: u32,
    /// Longest wait of an event for company, in ms: from one request to the next while events keep coming. If there was
    /// none for half of it, the first event waits for that half only. 1,000: most of what a request costs, in the page's CPU
    /// and on the wire, is the same for one event as for ten; and the answer of the first request is there before a
    /// cold store would copy what it carried (1,250 in a browser), with a quarter of a second to travel.
    pub flush_ms: u32,
    /// Most events in one request. 50.
    pub batch_events: u32,
    /// Most bytes in one request (estimated), in events and their envelope. 48,000: with the stream's header
    /// still below the 64 KiB that browsers allow to a request that outlives its page.
    pub batch_bytes: u32,
    /// Most requests in flight. 4: browsers allow six connections to a host, and the page needs some.
    pub in_flight: u32,
    /// Bytes (estimated) that may be in flight and outlive the page, all such requests together. 60,000 of the
    /// browsers' 64 KiB.
    pub leaving_bytes: u32,
}

impl Limits {
    /// The browser's.
    pub const DEFAULT: Self = Self {
        queue_bytes: 16_384,
        queue_events: 20_000,
        max_age_ms: 30 * 24 * 60 * 60 * 1_000,
        flush_ms: 1_000,
        batch_events: 50,
        batch_bytes: 48_000,
        in_flight: 4,
        leaving_bytes: 60_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

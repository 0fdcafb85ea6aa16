//! What a request may cost. Start values; each says what it protects.

/// Bytes of a request's body as it arrives. Our SDKs send at most 48 KB; a third party's import still has
/// room. Beyond: 413.
pub const BODY_BYTES: usize = 1 << 20;

/// Bytes of a body after it was unpacked: JSON of events packs 8 to 12 times, a bomb 1,000 times. Beyond: 413.
pub const INFLATED_BYTES: usize = 8 << 20;

/// Events of one request; also the size of one commit behind us. Beyond: 413, the client halves.
pub const EVENTS: usize = 10_000;

/// Batches of one request, each of which may write a ledger record. Our SDKs send one. Beyond: 413.
pub const BATCHES: usize = 1_000;

/// Bytes of one event as sent. Beyond, the event is rejected: a record must fit the smallest default of the
/// stages behind (Kafka: 1 MB per batch) with room for what is added.
pub const EVENT_BYTES: usize = 64 << 10;

/// How deep an event may nest, its own braces included. Beyond, the event is rejected: readers behind us
/// recurse.
pub const DEPTH: usize = 32;

/// `lost` ranges of one batch: a forger must not make the store hold more than an honest client can have
/// (the last stage keeps 1,024 gaps per stream). Beyond: 400.
pub const LOST_RANGES: usize = 4_096;

/// Largest `head`, and so one more than the largest seq: 1,000 events a second for 24 days in one page.
/// Beyond: 400, and an event with such a seq is rejected.
pub const HEAD: u32 = 1 << 31;

/// Verdicts in `refused` of one batch. Beyond: 400.
pub const REFUSED_KINDS: usize = 64;

/// Largest counter in `refused`: JSON numbers are exact up to here. Beyond: 400.
pub const REFUSED_COUNT: u64 = 1 << 53;

/// Bytes of a loss reason or a verdict: lower-case ASCII letters, digits and `_`.
pub const REASON_BYTES: usize = 64;

/// Bytes of identifiers: `site_id`, `client_id`, `user_id`, `session_id`, `event_id`, and of each text of
/// `context`.
pub const ID_BYTES: usize = 256;

/// Bytes of an event's `type`.
pub const TYPE_BYTES: usize = 64;

/// Bytes of an event's `name`.
pub const NAME_BYTES: usize = 512;

/// Bytes of an event's `element`.
pub const ELEMENT_BYTES: usize = 1_024;

/// Bytes of `url` and of `referrer`: what browsers and servers commonly carry.
pub const URL_BYTES: usize = 8 << 10;

/// Bytes kept of each `utm_*` value; the rest is in `url`.
pub const UTM_BYTES: usize = 256;

/// Unix ms below which a `ts` or `sent_at` of the plain form is in seconds (as ms it would be in 1973).
pub const SECONDS_BELOW: i64 = 100_000_000_000;

/// Largest Unix ms of any time: what the 48 bits of an `event_id` hold (the year 10889).
pub const TIME_MS: i64 = (1 << 48) - 1;

/// How far ahead of the collector's clock an event may be, in ms, after the skew rule: a day, so that no zone
/// taken for UTC is refused.
pub const AHEAD_MS: i64 = 24 * 3_600 * 1_000;

/// Clock difference in ms up to which `ts` is believed. Correcting always would reorder a client's own events
/// by the jitter of the network.
pub const SKEW_MS: i64 = 60_000;

/// Dropped events of one answer that get a sentence; the others get their name and reason only.
pub const MESSAGES: usize = 100;

/// Ranges that the seen cache holds in total, about 100 bytes each with their stream: 20 MB.
pub const SEEN_RANGES: usize = 200_000;

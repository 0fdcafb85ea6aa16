//! What is too old, and by which clock.
//!
//! A device whose clock is wrong must not destroy its queue. So nothing is given up by a clock that no answer of ours
//! has confirmed; and an own event only if it was also told of that long ago on the monotonic clock, which nobody
//! sets: its `ts` may be from before the clock was put right. What a dead owner's wrong clock stamped cannot be told
//! from what is old.

use super::{Client, stream::Event};
use crate::{
    planted,
    reason::Reason,
    time::{Instant, UnixMs},
};

/// How far the wall clock may be from the server's, and may run away from the monotonic one afterwards, in ms. An
/// hour: a wrong time zone or summer time is no obstacle, and against 30 days it is nothing.
const TRUST_MS: u64 = 60 * 60 * 1_000;

/// What is known of the wall clock: how far it was ahead of the monotonic clock when an answer confirmed it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(u64);

/// When this client heard of a dead owner's event, as far as its age goes: longer ago than any limit.
pub(super) const LONG_AGO: Instant = Instant(1 << 63);

/// No clock is 300 million years ahead of another.
const UNCONFIRMED: u64 = 1 << 63;

impl Clock {
    pub(super) const NEW: Self = Self(UNCONFIRMED);

    /// An answer of ours told the server's time.
    pub(super) fn compare(&mut self, now: Instant, unix: UnixMs, server: UnixMs) {
        self.0 = if unix.0.abs_diff(server.0) <= TRUST_MS { lead(now, unix) } else { UNCONFIRMED };
    }

    /// Whether the wall clock still runs as it did when it was confirmed.
    pub(super) fn is_right(self, now: Instant, unix: UnixMs) -> bool {
        self.0.abs_diff(lead(now, unix)) <= TRUST_MS
    }
}

fn lead(now: Instant, unix: UnixMs) -> u64 {
    unix.0.wrapping_sub(now.0)
}

impl Client {
    /// Names what is older than the limit, of own and adopted streams. Looked at when an answer came, since as long as
    /// answers come nothing grows old, and when a stream was adopted.
    pub(super) fn give_up_old(&mut self) {
        let (now, unix, limit) = (self.now, self.unix, u64::from(self.limits.max_age_ms));
        if !self.clock.is_right(now, unix) && !planted!(TooOldByDeviceClock) {
            return;
        }
        for stream in self.streams.iter_mut().filter(|s| !s.is_being_told()) {
            let old = |e: &Event| unix.since(e.ts) > limit && now.0.wrapping_sub(e.told.0) > limit;
            // A stream's first event is its oldest, or will be its first once those before it are gone.
            if stream.events().first().is_some_and(old) {
                stream.lose(Reason::TooOld, u32::MAX, &mut self.out, &old);
            }
        }
    }
}

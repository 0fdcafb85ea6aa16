//! When to try again after a failure: exponential with full jitter, never before a `Retry-After` has passed.

use super::random::Random;
use crate::time::Instant;

/// Longest first wait, ms.
const BASE_MS: u32 = 1_000;

/// Longest wait, ms: five minutes lose little against an outage of hours, and nothing of the events.
const CAP_MS: u32 = 5 * 60 * 1_000;

/// Shortest and longest `Retry-After` that is believed, ms. A longer one would be a mistake that nobody could
/// take back.
const GATE_MS: (u32, u32) = (1_000, 60 * 60 * 1_000);

/// First and longest wait after an answer that only people can change (a key, a route), ms.
const WAIT_MS: (u32, u32) = (60_000, 60 * 60 * 1_000);

#[derive(Clone, Debug)]
pub(super) struct Retry {
    /// Failures since the last success. Requests that were in flight together fail together: that is one.
    failures: u32,
    round: u32,
    /// Ends early when something changed that may help.
    backoff: Instant,
    /// Ends when it ends.
    gate: Instant,
}

impl Retry {
    pub(super) const NEW: Self = Self { failures: 0, round: 0, backoff: Instant(0), gate: Instant(0) };

    /// Whether the last try failed: then one request goes ahead to find out.
    pub(super) fn is_probing(&self) -> bool {
        self.failures > 0
    }

    /// To be kept with a request, and given back when it failed.
    pub(super) fn round(&self) -> u32 {
        self.round
    }

    /// The earliest next try.
    pub(super) fn not_before(&self) -> Instant {
        self.backoff.max(self.gate)
    }

    pub(super) fn failed(&mut self, now: Instant, round: u32, random: &mut Random) {
        if self.begin_round(round) {
            self.backoff = self.wait(now, (0, BASE_MS, CAP_MS), random);
        }
    }

    pub(super) fn must_wait(&mut self, now: Instant, round: u32, random: &mut Random) {
        if self.begin_round(round) {
            let (least, most) = WAIT_MS;
            self.gate = self.gate.max(self.wait(now, (least, least, most), random));
        }
    }

    pub(super) fn succeeded(&mut self) {
        (self.failures, self.backoff) = (0, Instant::default());
    }

    /// Ends a back-off; a gate stays.
    pub(super) fn hurry(&mut self) {
        self.backoff = Instant::default();
    }

    /// Takes in a `Retry-After` of ours. Returns the wait, clamped, if it is longer than what is known.
    pub(super) fn close_gate(&mut self, now: Instant, retry_after: u32) -> Option<u64> {
        let wait = u64::from(retry_after.clamp(GATE_MS.0, GATE_MS.1));
        let later = now.after(wait) > self.gate;
        self.gate = self.gate.max(now.after(wait));
        later.then_some(wait)
    }

    /// Takes in a gate that ends in `wait` ms, from another tab or an earlier page.
    pub(super) fn share_gate(&mut self, now: Instant, wait: u64) {
        self.gate = self.gate.max(now.after(wait.min(GATE_MS.1.into())));
    }

    /// A time from `least` ms on, up to `base` after the first failure, twice as much after each further one, at most
    /// `most`.
    fn wait(&self, now: Instant, (least, base, most): (u32, u32, u32), random: &mut Random) -> Instant {
        let doubled = 1u32.checked_shl(self.failures - 1).map_or(most, |times| base.saturating_mul(times));
        now.after((least + random.up_to(doubled.min(most) - least)).into())
    }

    fn begin_round(&mut self, round: u32) -> bool {
        let first = round == self.round;
        if first {
            self.failures = self.failures.saturating_add(1);
            self.round = self.round.wrapping_add(1);
        }
        first
    }
}

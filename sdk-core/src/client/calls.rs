//! Which later calls the shell refuses: those of a site that stopped, of a visitor outside the sample, and beyond the
//! site's cap.

use super::{Client, Effect, Phase};
use crate::{refusal::Refusal, time::Instant};

/// The window of the cap, ms. It begins with a call and is not slid: so there is one verdict and its end for a burst,
/// not one of each for every call.
const WINDOW_MS: u64 = 60 * 1_000;

/// How long a verdict about the visitor is given for, ms; then it is given again. A day: a shell that keeps one and
/// never hears of its end (the client id changed while nothing ran) is free of it the next day.
const SAMPLED_MS: u64 = 24 * 60 * 60 * 1_000;

/// What later calls are judged by.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    /// The first 32 bits of the client id.
    pub(super) draw: u32,
    pub(super) stopped_until: Instant,
    /// Calls since the window began.
    counted: u32,
    window_end: Instant,
    /// What the shell was told last, and when it is to be told again.
    verdict: Option<Refusal>,
    until: Instant,
}

impl Calls {
    pub(super) const NEW: Self = Self {
        draw: 0,
        stopped_until: Instant(0),
        counted: 0,
        window_end: Instant(0),
        verdict: None,
        until: Instant::NEVER,
    };

    /// A call was accepted.
    pub(super) fn count(&mut self, now: Instant) {
        if self.window_end <= now {
            (self.counted, self.window_end) = (0, now.after(WINDOW_MS));
        }
        self.counted = self.counted.saturating_add(1);
    }

    /// When the verdict ends.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// Whether the visitor is one of `sample` of 10,000.
    ///
    /// A client id is random, so its first bits are uniform; and it stays, so the same visitor is in every sample that
    /// is larger, and a site that raises the share loses nobody whom it had.
    fn is_in(&self, sample: u32) -> bool {
        (u64::from(self.draw) * 10_000) >> 32 < u64::from(sample)
    }
}

impl Client {
    /// Tells the shell what to refuse from now on, if that changed.
    pub(super) fn judge_calls(&mut self) {
        let (now, calls, settings) = (self.now, &mut self.calls, &self.settings);
        let cap = settings.calls_per_minute;
        let (verdict, until) = if calls.stopped_until > now {
            (Some(Refusal::Stopped), calls.stopped_until)
        } else if !calls.is_in(settings.sample) {
            let told = calls.verdict == Some(Refusal::Sampled) && calls.until > now;
            (Some(Refusal::Sampled), if told { calls.until } else { now.after(SAMPLED_MS) })
        } else if cap > 0 && calls.counted >= cap && calls.window_end > now {
            (Some(Refusal::RateCap), calls.window_end)
        } else {
            (None, Instant::NEVER)
        };
        if (verdict, until) != (calls.verdict, calls.until) && self.phase == Phase::Running {
            (calls.verdict, calls.until) = (verdict, until);
            trace!(self.out, Step::Refusing { verdict, until });
            self.out.push(verdict.map_or(Effect::Accept, |verdict| Effect::Refuse {
                verdict,
                until: self.unix.after(until.0 - now.0),
            }));
        }
    }
}

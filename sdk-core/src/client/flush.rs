//! When waiting events go: half a second after the first, or at once when a request is full.

use super::{Limits, batch::Load};
use crate::time::Instant;

#[derive(Clone, Debug)]
pub(super) struct Flush {
    due: Instant,
}

impl Flush {
    pub(super) const NEW: Self = Self { due: Instant::NEVER };

    /// Whatever waits goes now.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.due = now;
    }

    /// Fits the plan to what waits.
    pub(super) fn plan(&mut self, now: Instant, load: Load, limits: &Limits) {
        // An earlier plan holds as long as something waits.
        self.due = match load {
            Load::Nothing => Instant::NEVER,
            Load::Some => self.due.min(now.after(u64::from(limits.flush_ms))),
            Load::Ready => self.due.min(now),
        };
    }

    /// When to send; never if nothing waits.
    pub(super) fn due(&self) -> Instant {
        self.due
    }
}

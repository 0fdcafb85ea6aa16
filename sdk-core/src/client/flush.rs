//! When waiting events go: half a second after the first, or at once when a request is full.

use super::{Limits, batch::Load};
use crate::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Flush {
    due: Option<Instant>,
}

impl Flush {
    /// Whatever waits goes now.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.due = Some(now);
    }

    /// Fits the plan to what waits.
    pub(super) fn plan(&mut self, now: Instant, load: Load, limits: &Limits) {
        let soonest = match load {
            Load::Nothing => None,
            Load::Some => Some(now.after(u64::from(limits.flush_ms))),
            Load::Ready => Some(now),
        };
        // An earlier plan holds as long as something waits.
        self.due = soonest.map(|soonest| self.due.map_or(soonest, |due| due.min(soonest)));
    }

    /// When to send, if anything waits.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}

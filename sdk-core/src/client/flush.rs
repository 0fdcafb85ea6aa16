//! When waiting events go: an interval after the request before, and half of one after the first of them if that is later;
//! at once when a request is full. So a lone page view is seen soon, and a visitor who does much sends once in an interval.

use super::{Limits, batch::Load};
use crate::time::Instant;

#[derive(Clone, Debug)]
pub(super) struct Flush {
    due: Instant,
    /// When the latest request went; never if none did.
    sent: Instant,
}

impl Flush {
    pub(super) const NEW: Self = Self { due: Instant::NEVER, sent: Instant::NEVER };

    /// Whatever waits goes now.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.due = now;
    }

    /// A request goes.
    pub(super) fn sent(&mut self, now: Instant) {
        self.sent = now;
    }

    /// Fits the plan to what waits.
    pub(super) fn plan(&mut self, now: Instant, load: Load, limits: &Limits) {
        let interval = u64::from(limits.flush_ms);
        // An earlier plan holds as long as something waits.
        self.due = match load {
            Load::Nothing => Instant::NEVER,
            Load::Some => {
                let alone = now.after(interval / 2);
                let next = self.sent.after(interval);
                self.due.min(if next < Instant::NEVER { next.max(alone) } else { alone })
            }
            Load::Ready => self.due.min(now),
        };
    }

    /// When to send; never if nothing waits.
    pub(super) fn due(&self) -> Instant {
        self.due
    }
}

//! Remote settings: what a site's owner changes without shipping the site anew, and how far.

use super::{Client, Effect};

/// What an answer may set. The core keeps them as they came, and applies them within bounds that cannot harm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(C)]
pub struct Settings {
    /// Visitors whose calls are kept, of 10,000; 10,000 or more keep all.
    pub sample: u32,
    /// Most calls in a minute, beyond which they are refused; 0 for no cap. Any cap is the owner's to set: it leaves a
    /// call a minute, and the counters tell the rest.
    pub calls_per_minute: u32,
    /// [`Limits::flush_ms`](super::Limits::flush_ms), applied as 100 to 60,000; 0 for the shell's own.
    pub flush_ms: u32,
    /// Bytes of own events held before the oldest are given up, applied as an eighth of the shell's own to all of it;
    /// 0 for the shell's own.
    pub queue_bytes: u32,
    /// How long every call is refused, ms, applied as a day at most; 0 to go on.
    pub stop_ms: u32,
}

impl Default for Settings {
    /// Everything is kept.
    fn default() -> Self {
        Self::EVERYTHING
    }
}

impl Settings {
    pub(super) const EVERYTHING: Self =
        Self { sample: 10_000, calls_per_minute: 0, flush_ms: 0, queue_bytes: 0, stop_ms: 0 };
}

/// Shortest and longest wait before a flush. Below a tenth of a second there would be a request for nearly every
/// event; after a minute most pages are gone.
const FLUSH_MS: (u32, u32) = (100, 60_000);

/// Longest stop: whoever stops hears of nothing, so a mistake must end by itself.
const STOP_MS: u32 = 24 * 60 * 60 * 1_000;

impl Client {
    /// Takes in settings, and has them kept if they are news from an answer.
    ///
    /// A stop that goes on is not prolonged by being heard of again; one that has ended begins again.
    pub(super) fn set(&mut self, settings: Settings, from_answer: bool) {
        let changed = settings != self.settings;
        if changed || self.calls.stopped_until <= self.now {
            self.calls.stopped_until = self.now.after(settings.stop_ms.min(STOP_MS).into());
        }
        if !changed {
            return;
        }
        trace!(self.out, Step::Set(settings));
        self.settings = settings;
        self.apply();
        if from_answer {
            self.out.push(Effect::SaveSettings(settings));
        }
    }

    /// Sets the limits that the settings and the shell's own amount to.
    pub(super) fn apply(&mut self) {
        let (Settings { flush_ms, queue_bytes, .. }, own) = (self.settings, self.own);
        self.limits.flush_ms = applied(flush_ms, own.0, FLUSH_MS);
        // The shell knows what room its platform gives; and too little would make a loss of all that waits.
        self.limits.queue_bytes = applied(queue_bytes, own.1, (own.1 / 8, own.1));
    }
}

fn applied(setting: u32, given: u32, (least, most): (u32, u32)) -> u32 {
    if setting == 0 { given } else { setting.max(least).min(most) }
}

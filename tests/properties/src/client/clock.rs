//! Whether the wall clock may be believed, as the server's answers say.

/// A clock that is further off, or jumps further after it was confirmed, is not believed, in ms.
const TRUST_MS: u64 = 60 * 60 * 1_000;

/// How far the wall clock was before the monotonic one when an answer confirmed it.
#[derive(Debug, Default)]
pub(super) struct Clock(Option<u64>);

impl Clock {
    /// An answer that is ours told the server's time.
    pub(super) fn compare(&mut self, now: u64, unix: u64, server: u64) {
        self.0 = (unix.abs_diff(server) <= TRUST_MS).then_some(unix - now);
    }

    /// Whether an age may be judged by it.
    pub(super) fn is_confirmed(&self, now: u64, unix: u64) -> bool {
        self.0.is_some_and(|lead| lead.abs_diff(unix - now) <= TRUST_MS)
    }
}

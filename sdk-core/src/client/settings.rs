//! Remote settings: what a site's owner changes without shipping the site anew.

/// What an answer may set. The core clamps each to what cannot harm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Visitors whose calls are kept, of 10,000; 10,000 keeps all.
    pub sample: u32,
    /// Most calls in a minute, beyond which they are refused; 0 for no cap.
    pub calls_per_minute: u32,
    /// Wait from the first event to the send that carries it, ms; 0 for the shell's own.
    pub flush_ms: u32,
    /// Bytes of own events held before the oldest are given up; 0 for the shell's own.
    pub queue_bytes: u32,
    /// How long every call is refused, ms; 0 to go on.
    pub stop_ms: u32,
}

impl Default for Settings {
    /// Everything is kept.
    fn default() -> Self {
        Self { sample: 10_000, calls_per_minute: 0, flush_ms: 0, queue_bytes: 0, stop_ms: 0 }
    }
}

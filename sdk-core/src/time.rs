//! The two clocks a shell passes in. The core has none of its own.

/// A point on the shell's monotonic clock, in milliseconds from an origin of the shell's choice. Every wait is
/// measured on it, so a changed wall clock neither hurries nor stalls a retry.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Instant(pub u64);

impl Instant {
    /// After every other: what it is due at does not happen.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// Before [`NEVER`](Self::NEVER).
    pub(crate) const LAST: Self = Self(u64::MAX - 1);

    /// This instant, `ms` milliseconds later.
    #[must_use]
    pub const fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Wall-clock time: milliseconds since 1970-01-01 UTC. It names events and is shared between tabs; it may
/// jump.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct UnixMs(pub u64);

impl UnixMs {
    /// This time, `ms` milliseconds later.
    #[must_use]
    pub const fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this time; 0 if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

//! Why a call is refused before it becomes an event. Refusing comes before the seq and is not loss: it is told in
//! counters that only grow.

/// A verdict by which shells refuse calls. The numbers are those of browsers' shared state, and never reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u32)]
pub enum Refusal {
    /// The visitor denied consent.
    Consent = 1,
    /// The call cannot be written (a cycle, no name, too long).
    Invalid = 2,
    /// A plugin of the page or app returned nothing.
    Plugin = 3,
    /// More calls in a minute than the site's settings allow.
    RateCap = 4,
    /// The visitor is not in the sample.
    Sampled = 5,
    /// The site stopped collecting, for a while or for good.
    Stopped = 6,
    /// Consent is unknown, and too many calls wait for it in memory already.
    Waiting = 7,
}

impl Refusal {
    /// Every verdict, in the order of the enum.
    pub const ALL: [Self; 7] = [
        Self::Consent,
        Self::Invalid,
        Self::Plugin,
        Self::RateCap,
        Self::Sampled,
        Self::Stopped,
        Self::Waiting,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Invalid => "invalid",
            Self::Plugin => "plugin",
            Self::RateCap => "rate_cap",
            Self::Sampled => "sampled",
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
        }
    }
}

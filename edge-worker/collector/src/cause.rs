//! Why an event is dropped from a request that is settled.

use headwater_core::reason::Reason;

use crate::Tally;

/// In the ledger and in the answer.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Cause {
    /// A robot's, and the site drops those.
    Bot,
    /// No site could accept it.
    Rejected,
    /// Its client is not in the site's sample.
    Sampled,
}

impl Cause {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Rejected => Reason::Rejected.as_str(),
            Self::Sampled => "sampled",
        }
    }

    /// Where it is counted.
    pub(crate) const fn outcome(self, tally: &mut Tally) -> &mut u64 {
        match self {
            Self::Bot | Self::Sampled => &mut tally.filtered,
            Self::Rejected => &mut tally.rejected,
        }
    }
}

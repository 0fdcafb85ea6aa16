//! What is known to be durable behind us.

use headwater_core::ranges::RangeSet;

use crate::StreamKey;

/// Events of one stream that the stage behind has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mark {
    /// Whose they are.
    pub stream: StreamKey,
    /// Which.
    pub seqs: RangeSet,
}

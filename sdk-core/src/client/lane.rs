//! Lanes: streams of one visitor that must not share a fate.

/// What calls are recorded for (analytics, marketing, …): consent is given or denied for each. The shell numbers the
/// site's purposes, 0 to 31; 0 is the one that calls belong to unless they say otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Purpose(pub u8);

/// What all events of a stream have in common for the queue and for consent. It is part of what the stream's journal
/// keeps, so that an adopter knows it too.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lane {
    /// What its events are recorded for.
    pub purpose: Purpose,
    /// Whether its events outlive others when there is too much (a purchase, not a page view), and go first.
    pub precious: bool,
}

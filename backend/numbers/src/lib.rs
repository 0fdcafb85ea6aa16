//! The definitions of every number Headwater reports. **No I/O, no clock, no engine**: the crate is fed
//! rows and answers, so that the embedded store and any other engine can be checked against it.
//!
//! - [`kinds`]: which events count, and as what.
//! - [`order`]: the total order of events.
//! - [`sessions`]: the 30-minute rule.
//! - [`days`]: the UTC day and hour an event belongs to.
//! - [`delivery`]: what became of every event of a stream (the promise, as numbers).
//! - [`report`]: the metrics, by any group, computed in the plainest way over rows.
//!
//! **Invariant**: no answer depends on the order in which rows arrive, nor on how often one arrives.

pub mod days;
pub mod delivery;
pub mod kinds;
pub mod order;
pub mod report;
pub mod sessions;

//! The consumer's decisions: which records count, what one commit holds, where reading goes on. **No I/O, no
//! clock, no thread**: where records come from, where rows go and who numbers names are traits, and the time is
//! passed in. So the same code runs on the embedded log and on a topic, before a database and in a simulator.
//!
//! ```text
//! Source ── gather ──> waiting ── Batch beside State ──> Commit ── Store::commit ──> State::apply
//!    ^                                │                                │
//!    └──────────── places ────────────┴── Numbers ───── failed: State and places are read back
//! ```
//!
//! **Invariant:** [`State`] is a fold of what [`Store`] committed, and nothing else. [`State::refold`] is that
//! fold in its plainest form, which every store's [`Store::load`] must equal.
//!
//! - [`Batch`]: is a record new, a copy, or unreadable?
//! - [`Consumer`]: when is memory thrown away, and what is read again?
//! - [`mod@resume`]: does a stored place still belong to the source, and what was deleted before it was read?
//! - [`rows`]: what one commit holds.

mod batch;
mod consumer;
mod numbers;
mod refold;
pub mod resume;
pub mod rows;
mod source;
mod state;
mod store;
mod window;

pub use batch::{Batch, Changes, Problem, hash};
pub use consumer::{Consumer, EXPIRE_EVERY_MS, MAX_RECORDS};
pub use numbers::{Counts, Kind, Numbers};
pub use source::{Source, Unready, bounded};
pub use state::{Delivery, State, StreamAccount, Tracked};
pub use store::Store;
pub use window::{WINDOW_MS, Window};

#[cfg(test)]
mod in_memory;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

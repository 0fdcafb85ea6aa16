//! Headwater on one machine: the log that the collector appends to, the consumer that reads it, the
//! database it commits to, the queries, and the HTTP API and dashboard before them.
//!
//! ```text
//! collector ─ log (append, fsync, answer) ─ consumer (new or copy?) ─ store (one transaction)
//!                                                                             │
//!                                            dashboard, API ─ query ──────────┘
//! ```
//!
//! Files of a data directory: `log/*.seg`, `headwater.duckdb`, `dictionary.log`, `LOCK`.

pub mod api;
pub mod clock;
pub mod consumer;
pub mod dashboard;
pub mod dictionary;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod log;
pub mod query;
pub mod serve;
pub mod source;
pub mod store;

#[cfg(test)]
mod testing;

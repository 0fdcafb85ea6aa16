//! The Headwater client for Rust programs: **every event it accepts is counted exactly once, or named lost
//! with its reason**, once its machine has reached the server again.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), headwater_client::Error> {
//! let client = headwater_client::Client::builder("https://collect.example.com", "site-123")
//!     .journal("/var/lib/my-service/headwater")
//!     .build()?;
//! client.track("invoice_sent", &serde_json::json!({ "total": 4200, "currency": "EUR" }))?;
//! client.flush(Duration::from_secs(5))?;
//! # Ok(())
//! # }
//! ```
//!
//! # What a caller may rely on
//!
//! [`Client::track`] returns `Ok` when the event is written to the journal. From then on the death of the
//! process, however sudden, loses nothing: the next client on the same journal directory sends it. Power loss
//! takes back what was written after the last fsync, at most [`Builder::sync_every`] ago.
//!
//! Each start makes a directory of its own in the journal directory and keeps its lock file locked; the
//! kernel releases the lock when the process dies. A later start (or a running sibling, within a minute)
//! *adopts* what lies there unlocked: sends it under its old name, then removes it. So any number of
//! processes may share a journal directory, and a copied or restored one only makes copies, which the server
//! counts once.
//!
//! A client lives in the process that built it: after `fork` the child's calls are refused
//! ([`Error::Forked`]). The lock of a forked child keeps its parent's journal from being adopted until the
//! child ends too.
//!
//! # How it is made
//!
//! `headwater-core` decides what is sent, retried, given up and forgotten; this crate only obeys: a thread
//! `hw-client` for journal and decisions, four `hw-send-…` for requests. A caller's thread writes the event
//! itself and never waits for the network; it waits for the disk only while a segment is closed, once per
//! MiB.

mod client;
mod error;
mod event;
mod header;
mod http;
mod journal;
mod readers;
mod shared;
mod splice;
mod worker;

pub use client::{Builder, Client};
pub use error::Error;
pub use event::MAX_EVENT_BYTES;

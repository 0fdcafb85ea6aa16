//! The Headwater client for Rust programs: **every event it accepts is counted exactly once, or named lost
//! with its reason**, once its machine has reached the server again.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use headwater_client::{Acceptance, Client, Decision, Error};
//! use serde_json::json;
//!
//! # fn main() -> Result<(), Error> {
//! let client = Client::builder("https://collect.example.com", "site-123")
//!     .journal("/var/lib/my-program/headwater")
//!     .build()?;
//!
//! // What happens, and what goes with all of it.
//! client.register(&json!({ "plan": "pro" }))?;
//! client.track("invoice_sent", &json!({ "lines": 3 }))?;
//! client.revenue("invoice_paid", 4_200, "EUR", &json!({ "lines": 3 }))?;
//! client.exposure("new-checkout", "b")?;
//!
//! // Who it is.
//! client.identify("user-7", &json!({ "name": "…" }))?;
//! client.group("team-1", &())?;
//! client.set_once(&json!({ "first_seen": "2026-03-01" }))?;
//! client.increment("logins", 1)?;
//! client.reset()?;
//!
//! // Whether it may be recorded.
//! client.consent(Decision::Unknown)?;
//! assert_eq!(client.track("waits", &())?, Acceptance::Held);
//! client.consent(Decision::Denied)?;
//! assert!(matches!(client.track("refused", &()), Err(Error::Refused(_))));
//!
//! client.flush(Duration::from_secs(5))?;
//! # Ok(())
//! # }
//! ```
//!
//! # What a caller may rely on
//!
//! [`Acceptance::Accepted`] says that the event is written to the journal. From then on the death of the
//! process, however sudden, loses nothing: the next client on the same journal directory sends it. Power loss
//! takes back what was written after the last fsync, at most [`Builder::sync_every`] ago.
//!
//! Each start makes a directory of its own in the journal directory and keeps its lock file locked; the
//! kernel releases the lock when the process dies. A later start (or a running sibling, within a minute)
//! *adopts* what lies there unlocked: sends it under its old name, then removes it. So any number of
//! processes may share a journal directory, and a copied or restored one only makes copies, which the server
//! counts once. A journal that a newer version wrote is left to that version.
//!
//! A full disk refuses new events ([`Error::Journal`]) and loses none that were accepted: room to name what has
//! to be given up (32 KiB per start) is taken in advance. A file system that never overwrites in place (btrfs, ZFS)
//! may refuse even that; then what is to be named stays until there is room.
//!
//! A client lives in the process that built it: after `fork` the child's calls are refused
//! ([`Error::Forked`]). The lock of a forked child keeps its parent's journal from being adopted until the
//! child ends too.
//!
//! # What the processes of a journal directory share
//!
//! Identity (client, device and user id), session, registered properties, the decision about consent, remote
//! settings with the verdicts that follow from them, and the `Retry-After` gate: small files, the last writer wins.
//! Every call first asks the system whether one of them changed, so a sibling's `identify`, `reset` or denial holds
//! from the next call on. While consent is unknown or denied nothing about a person is written, and a denial removes
//! what was: the journal then holds stream numbers and ranges alone.
//!
//! # How it is made
//!
//! `headwater-core` decides what is sent, retried, given up and forgotten; this crate only obeys: a thread
//! `hw-client` for journal and decisions, four `hw-send-…` for requests. A caller's thread writes the event
//! itself and never waits for the network; it waits for the disk only while a segment is closed, once per
//! MiB, and when it changes what is shared.

mod builder;
mod client;
mod clock;
mod error;
mod event;
mod header;
mod held;
mod http;
mod identity;
mod intake;
mod journal;
mod readers;
mod refused;
mod registered;
mod settings;
mod shared;
mod splice;
mod worker;

pub use builder::Builder;
pub use client::Client;
pub use error::Error;
pub use event::MAX_EVENT_BYTES;
pub use headwater_core::{client::Decision, refusal::Refusal};
pub use held::WhileUnknown;
pub use intake::Acceptance;

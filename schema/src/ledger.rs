//! What is known about events beside the events themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The `event_type` of every ledger record, and of no event.
pub const LEDGER_TYPE: &str = "$ledger";

/// What one request (or one stage) says about one stream, or about events that have none.
///
/// Merging is idempotent: `at` and `refused` by maximum, `lost` by union where the first committed reason for
/// a seq counts. `unnamed` is outside the promise and only adds up.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "event_type", rename = "$ledger")]
pub struct Ledger {
    /// The site's public key.
    pub site_id: String,
    /// Whose events it speaks of; absent for events without a stream.
    #[serde(default)]
    pub stream: Option<Uuid>,
    /// As in the stream's header; absent in a purge, which has no header.
    #[serde(default)]
    pub client_id: Option<String>,
    /// How far the sender is.
    #[serde(default)]
    pub at: Option<At>,
    /// The sender holds nothing more of this stream: a claim that later data undoes.
    #[serde(default)]
    pub end: bool,
    /// Events that are named lost, half-open.
    #[serde(default)]
    pub lost: Vec<Lost>,
    /// Calls refused before they got a seq, by verdict: monotone counters of the stream, no loss.
    #[serde(default)]
    pub refused: BTreeMap<String, u64>,
    /// How many events without a name were dropped, by reason.
    #[serde(default)]
    pub unnamed: BTreeMap<String, u64>,
    /// Who wrote it: `sdk` for what the client said (with what the collector itself dropped from the same
    /// request), `collector`, …
    pub by: String,
    /// Unix ms at which the collector had the request.
    pub received_at: i64,
    /// Unix ms at which it was sent, by the sender's clock.
    pub sent_at: i64,
    /// The sender has no storage: its tail dies with it.
    #[serde(default)]
    pub no_storage: bool,
}

/// How far a sender is in its stream.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "[u32; 2]", into = "[u32; 2]")]
pub struct At {
    /// Every seq below it is settled, or named in this or an acknowledged batch.
    pub done: u32,
    /// The next free seq.
    pub head: u32,
}

impl From<[u32; 2]> for At {
    fn from([done, head]: [u32; 2]) -> Self {
        Self { done, head }
    }
}

impl From<At> for [u32; 2] {
    fn from(at: At) -> Self {
        [at.done, at.head]
    }
}

/// The events `from..to` are lost. On the wire `[from, to, reason]`.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(from = "(u32, u32, String)", into = "(u32, u32, String)")]
pub struct Lost {
    /// First lost seq.
    pub from: u32,
    /// First seq after the lost ones.
    pub to: u32,
    /// Why. A string, because newer senders may bring reasons that this reader does not know.
    pub reason: String,
}

impl From<(u32, u32, String)> for Lost {
    fn from((from, to, reason): (u32, u32, String)) -> Self {
        Self { from, to, reason }
    }
}

impl From<Lost> for (u32, u32, String) {
    fn from(lost: Lost) -> Self {
        (lost.from, lost.to, lost.reason)
    }
}

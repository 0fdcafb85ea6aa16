//! A Durable Object with SQLite: the seen ranges of a part of all streams, and an outbox.
//!
//! ```text
//! POST /known {"incarnation":"…","streams":["…"]}        → {"<stream>":[[0,41]]}
//! POST /mark  {"incarnation":"…","marks":[["…",[[0,41]]]]} → 204
//! POST /keep  NDJSON                                      → 204, or 507 when the outbox is full
//! ```
//!
//! **Invariant:** what `/keep` answered with 204 is in the bridge's hands before it leaves the outbox, and while there is
//! something in the outbox there is an alarm.

mod outbox;
mod seen;

use std::fmt::Write as _;

use headwater_collector::StreamKey;
use headwater_core::ranges::RangeSet;
use serde::{Deserialize, Serialize};
use worker::{DurableObject, Env, Error, Request, Response, SqlStorage, State, durable_object};

use crate::io;

/// Which of these streams' events are known.
pub(crate) const KNOWN: &str = "/known";
/// What is known now.
pub(crate) const MARK: &str = "/mark";
/// Lines that wait for the bridge.
pub(crate) const KEEP: &str = "/keep";

/// The body of [`KNOWN`].
#[derive(Deserialize, Serialize)]
pub(crate) struct Asked {
    /// For which the sender heard the bridge speak last.
    pub(crate) incarnation: Option<String>,
    pub(crate) streams: Vec<String>,
}

/// Half-open ranges of seqs, as they travel and are kept.
pub(crate) type Ranges = Vec<(u32, u32)>;

/// A stream's name and its ranges.
pub(crate) type Marks = (String, Ranges);

/// The body of [`MARK`].
#[derive(Deserialize, Serialize)]
pub(crate) struct Marked {
    pub(crate) incarnation: String,
    pub(crate) marks: Vec<Marks>,
}

/// The object. Its name decides which streams it has.
#[durable_object(alarm)]
pub struct Shard {
    state: State,
    env: Env,
}

impl DurableObject for Shard {
    fn new(state: State, env: Env) -> Self {
        let sql = state.storage().sql();
        for table in [seen::TABLES, outbox::TABLE] {
            sql.exec(table, None).expect("tables of ours");
        }
        Self { state, env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response, Error> {
        let body = request.bytes().await?;
        match request.path().as_str() {
            KNOWN => {
                let known = seen::known(&self.sql(), &serde_json::from_slice(&body)?)?;
                Response::from_bytes(serde_json::to_vec(&known)?)
            }
            MARK => {
                seen::mark(&self.sql(), &serde_json::from_slice(&body)?)?;
                Ok(io::status(204))
            }
            KEEP => {
                if !outbox::keep(&self.sql(), &body)? {
                    return Ok(io::status(507));
                }
                if self.state.storage().get_alarm().await?.is_none() {
                    self.state.storage().set_alarm(outbox::FIRST_MS).await?;
                }
                Ok(io::status(204))
            }
            _ => Ok(io::status(404)),
        }
    }

    async fn alarm(&self) -> Result<Response, Error> {
        let storage = self.state.storage();
        // Before anything can fail.
        storage.set_alarm(outbox::next_ms(&self.sql())?).await?;
        outbox::drain(&self.sql(), &self.env).await?;
        // Nothing comes in between: there is no wait from here to the storage.
        if outbox::is_empty(&self.sql())? {
            storage.delete_alarm().await?;
        }
        Ok(io::status(204))
    }
}

impl Shard {
    fn sql(&self) -> SqlStorage {
        self.state.storage().sql()
    }
}

/// A stream's name in the shard.
pub(crate) fn name(stream: &StreamKey) -> String {
    let mut name = String::with_capacity(33 + stream.site.len());
    for byte in stream.stream {
        // Writing into a String does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    name + ":" + &stream.site
}

/// An incarnation as it travels: JavaScript has no integers of that size.
pub(crate) fn hex(incarnation: u128) -> String {
    format!("{incarnation:032x}")
}

/// A set's ranges.
pub(crate) fn pairs(seqs: &RangeSet) -> Ranges {
    seqs.iter().collect()
}

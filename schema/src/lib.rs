//! What travels from the collector over the log or Kafka to the store: one JSON object per record.
//!
//! ```text
//! collector --Record::to_vec--> log | Kafka (key: Record::key) --Record::from_slice--> consumer
//! ```
//!
//! A record is an [`Event`] or a [`Ledger`], told apart by `event_type`, which is [`LEDGER_TYPE`] for a
//! ledger and never for an event. Schema changes add fields, never change them, so every reader passes over
//! fields it does not know and takes an absent field as `null`; `null` fields are not written.
//!
//! **Invariant:** nothing here decides, measures time or does I/O, and [`Event::props`] leaves byte for byte
//! as it came.
//!
//! For others, `record.schema.json` and `record.avsc` say the same; a test holds them against these types, and against what
//! each release had (`released/`, where a release puts its copies): fields are only added, and optional.
//!
//! Where a new column goes: a field of [`Event`] (optional, with its unit), in both schemas, and the
//! collector's `enrich`.

mod agent;
mod event;
mod ledger;
mod record;
mod trace;

pub use agent::{AGENT_HEADERS, Agent, Software};
pub use event::{Event, SCHEMA_VERSION};
pub use ledger::{At, LEDGER_TYPE, Ledger, Lost};
pub use record::Record;
/// The type of [`Event::props`], so that readers need no `serde_json` of the same version themselves.
pub use serde_json::value::RawValue;
pub use trace::{TRACEPARENT, TRACESTATE, Trace};
/// The type of [`Event::stream`].
pub use uuid::Uuid;

//! Records as Avro, with a schema registry that speaks Confluent's API.
//!
//! ```text
//! Record ─ Encoder::encode ─> 0, id (u32, big endian), Avro body ─ Schemas::json ─> the record as JSON
//! ```
//!
//! One schema, the union of event and ledger record, is the subject `<topic>-value`: both travel in one topic. The
//! encoder is written by hand for the one schema that it writes; what is read may have been written by any version of
//! it, so that side is `apache-avro`, and the tests hold the two against each other.
//!
//! **Invariant:** the JSON of a value is the same with every version of this program: it is made by the schema that the
//! value was written with, in its order, and `props` leaves byte for byte as it came.

mod client;
mod encode;
mod frame;
mod json;
mod schemas;
#[cfg(test)]
mod tests;

pub use client::{Auth, Client, Error};
pub use encode::Encoder;
pub use frame::{frame, id_of};
pub use schemas::{Schemas, Unknown};

/// What [`Encoder`] writes.
pub const SCHEMA: &str = include_str!("../../record.avsc");

/// The subject of a topic's values (`TopicNameStrategy`).
#[must_use]
pub fn subject(topic: &str) -> String {
    format!("{topic}-value")
}

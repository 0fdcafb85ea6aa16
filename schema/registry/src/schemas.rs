//! The schemas that values were written with, by id. An id never gets another schema, so what is known stays known.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use apache_avro::Schema;

use crate::{
    client::{Client, Error},
    id_of, json,
};

/// How long nobody is asked again about an id that could not be had.
const AGAIN: Duration = Duration::from_secs(2);

/// The schemas of a registry that were needed so far.
#[derive(Default)]
pub struct Schemas {
    client: Option<Client>,
    known: HashMap<u32, Schema>,
    /// Why an id is not known, and when the registry was asked.
    unknown: HashMap<u32, (Unknown, Instant)>,
}

/// Why the schema of a value is not known.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unknown {
    /// Nobody was named who could be asked.
    #[error("it was written with schema {0} of a registry, and none is named here")]
    NoRegistry(u32),
    /// The registry has it not, or cannot be asked.
    #[error("it was written with schema {id}: {why}")]
    Registry {
        /// Of the schema.
        id: u32,
        /// What the registry says.
        why: String,
    },
}

impl Schemas {
    /// Without a client, only JSON can be read.
    #[must_use]
    pub fn new(client: Option<Client>) -> Self {
        Self { client, ..Self::default() }
    }

    /// Makes sure that [`json`](Self::json) can read a value: asks the registry if need be, now and then.
    ///
    /// # Errors
    /// The schema of the value is not known now.
    pub fn prepare(&mut self, value: &[u8]) -> Result<(), Unknown> {
        let Some((id, _)) = id_of(value) else { return Ok(()) };
        if self.known.contains_key(&id) {
            return Ok(());
        }
        if let Some((unknown, asked)) = self.unknown.get(&id)
            && asked.elapsed() < AGAIN
        {
            return Err(unknown.clone());
        }
        match self.ask(id) {
            Ok(schema) => {
                self.unknown.remove(&id);
                self.known.insert(id, schema);
                Ok(())
            }
            Err(unknown) => {
                self.unknown.insert(id, (unknown.clone(), Instant::now()));
                Err(unknown)
            }
        }
    }

    /// The record of a value as JSON, in the order of the schema that it was written with. None if the value is JSON
    /// already, or is no value of its schema.
    #[must_use]
    pub fn json(&self, value: &[u8]) -> Option<Vec<u8>> {
        let (id, mut body) = id_of(value)?;
        let read = apache_avro::from_avro_datum(self.known.get(&id)?, &mut body, None).ok()?;
        json::text(&read).filter(|_| body.is_empty())
    }

    fn ask(&self, id: u32) -> Result<Schema, Unknown> {
        let Some(client) = &self.client else { return Err(Unknown::NoRegistry(id)) };
        let unknown = |why: String| Unknown::Registry { id, why };
        let text = client.schema(id).map_err(|error: Error| unknown(error.to_string()))?;
        Schema::parse_str(&text).map_err(|error| unknown(format!("it cannot be read: {error}")))
    }

    /// As if the registry had told it.
    #[cfg(test)]
    pub(crate) fn learn(&mut self, id: u32, schema: &str) {
        self.known.insert(id, Schema::parse_str(schema).expect("a schema"));
    }
}

//! How the values of events are written: as the JSON that came, or as Avro with the id of a schema registry.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bytes::Bytes;
use headwater_registry::{Auth, Client, Encoder, Error, SCHEMA, subject};

use crate::config::{Kafka, SchemaRegistry};

/// How long a registry that does not answer is asked again at start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The reason of what is no record of the schema.
pub(super) const NOT_IN_SCHEMA: &str = "NOT_IN_SCHEMA";

/// How values are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Encoding(Option<Encoder>);

impl Encoding {
    /// As the configuration says. With a registry it is asked for the schema's id, and this waits for the answer; the id
    /// never changes, so nothing needs the registry afterwards.
    pub fn of(registry: &SchemaRegistry, kafka: &Kafka) -> anyhow::Result<Self> {
        let Some(url) = &registry.url else { return Ok(Self::default()) };
        let auth = registry.auth.as_ref().map(|auth| Auth::parse(auth.text())).transpose();
        let auth = auth.map_err(anyhow::Error::msg).context("schema_registry.auth")?;
        let client = Client::new(url, auth).map_err(anyhow::Error::msg).context("schema_registry.url")?;
        let subject = registry.subject.clone().unwrap_or_else(|| subject(&kafka.topic));
        let id = id(&client, &subject, registry.register)
            .with_context(|| format!("schema_registry: {subject}"))?;
        tracing::info!(subject, id, "values are written as Avro");
        Ok(Self(Some(Encoder::new(id))))
    }

    /// The value of an event or ledger record.
    pub(super) fn value(self, body: Bytes) -> serde_json::Result<Bytes> {
        match self.0 {
            None => Ok(body),
            Some(encoder) => encoder.encode(&body).map(Bytes::from),
        }
    }
}

fn id(client: &Client, subject: &str, register: bool) -> Result<u32, Error> {
    let begun = Instant::now();
    loop {
        let answer =
            if register { client.register(subject, SCHEMA) } else { client.look_up(subject, SCHEMA) };
        match answer {
            Err(error @ Error::Unreachable(_)) if begun.elapsed() < PATIENCE => {
                tracing::warn!("{error}; asking again");
                thread::sleep(Duration::from_secs(1));
            }
            answer => return answer,
        }
    }
}

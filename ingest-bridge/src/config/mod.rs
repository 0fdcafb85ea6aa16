//! What a bridge is told: a TOML file, over which environment and flags go. Every field has a default but the senders
//! and, for Kafka, the brokers; `headwater-bridge.example.toml` names them all.

mod error;
mod file;
mod secret;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use headwater_bridge_flow::SpoolPolicy;
use toml::Spanned;

pub(crate) use self::file::POLICIES;
pub use self::{
    error::ConfigError,
    file::{Http, Kafka, LimitsTable, SchemaRegistry, SenderTable, SinkKind, SinkTable, Spool, Tls},
    secret::{Hidden, Secret},
};
use self::{error::line_of, file::File};

/// What a bridge runs with.
#[derive(Debug)]
pub struct Config {
    /// Where batches come in.
    pub listen: SocketAddr,
    /// Where metrics and health are shown.
    pub metrics_listen: SocketAddr,
    /// Anyone may send, on a loopback address only.
    pub open: bool,
    /// Seconds that requests under way have when the process is asked to end.
    pub drain_s: u32,
    /// Bounds of requests.
    pub http: Http,
    /// Whether batches come in encrypted.
    pub tls: Tls,
    /// Who may send.
    pub senders: Vec<SenderTable>,
    /// Where records go.
    pub sink: SinkTable,
    /// The brokers and how they are spoken to.
    pub kafka: Kafka,
    /// Where the schema of Avro values is kept.
    pub schema_registry: SchemaRegistry,
    /// What waits on disk.
    pub spool: Spool,
    /// Memory, and what is a hot client.
    pub limits: LimitsTable,
}

/// What environment and flags say; each goes over the file.
#[derive(Debug, Default)]
pub struct Overrides {
    /// As in [`Config`], and so on.
    pub listen: Option<SocketAddr>,
    /// As in [`Config`].
    pub metrics_listen: Option<SocketAddr>,
    /// As in [`Config`].
    pub open: bool,
    /// As in [`Config`].
    pub drain_s: Option<u32>,
    /// `tls.cert`.
    pub tls_cert: Option<PathBuf>,
    /// `tls.key`.
    pub tls_key: Option<PathBuf>,
    /// As in [`SinkTable`].
    pub sink: Option<SinkKind>,
    /// As in [`SinkTable`].
    pub sink_path: Option<PathBuf>,
    /// As in [`Kafka`].
    pub bootstrap: Option<String>,
    /// As in [`Kafka`].
    pub topic: Option<String>,
    /// As in [`Kafka`].
    pub dead_letter_topic: Option<String>,
    /// As in [`Kafka`].
    pub options: Vec<(String, String)>,
    /// `schema_registry.url`.
    pub schema_registry: Option<String>,
    /// `schema_registry.auth`.
    pub schema_registry_auth: Option<String>,
    /// As in [`Spool`].
    pub spool: Option<SpoolPolicy>,
    /// As in [`Spool`].
    pub spool_dir: Option<PathBuf>,
    /// Keys of a sender called `default`.
    pub keys: Vec<String>,
}

impl Config {
    /// Reads the file, if there is one, puts the overrides over it, and checks what must fit together.
    pub fn load(path: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigError> {
        let text = match path {
            None => String::new(),
            Some(path) => fs::read_to_string(path)
                .map_err(|error| ConfigError::new(format!("cannot be read: {error}")))?,
        };
        Self::from_toml(&text, overrides)
    }

    /// As [`load`](Self::load), from the text of the file.
    pub fn from_toml(text: &str, overrides: Overrides) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| ConfigError::of(text, &error))?;
        check_numbers(text, &file)?;
        let mut config = Self {
            listen: overrides.listen.unwrap_or(file.listen),
            metrics_listen: overrides.metrics_listen.unwrap_or(file.metrics_listen),
            open: file.open || overrides.open,
            drain_s: overrides.drain_s.unwrap_or(file.drain_s),
            http: file.http,
            tls: file.tls,
            senders: senders(text, file.sender)?,
            sink: file.sink,
            kafka: file.kafka,
            schema_registry: file.schema_registry,
            spool: file.spool,
            limits: file.limits,
        };
        if !overrides.keys.is_empty() {
            let keys = overrides.keys.into_iter().map(Secret::try_from).collect::<Result<_, _>>();
            let keys = keys.map_err(|error| ConfigError::new(format!("HEADWATER_BRIDGE_KEY: {error}")))?;
            config.senders.push(SenderTable::new("default", keys));
        }
        put_some(&mut config.tls.cert, overrides.tls_cert);
        put_some(&mut config.tls.key, overrides.tls_key);
        put(&mut config.sink.kind, overrides.sink);
        put_some(&mut config.sink.path, overrides.sink_path);
        put_some(&mut config.kafka.bootstrap, overrides.bootstrap);
        put(&mut config.kafka.topic, overrides.topic);
        put_some(&mut config.kafka.dead_letter_topic, overrides.dead_letter_topic);
        config.kafka.options.extend(overrides.options);
        put_some(&mut config.schema_registry.url, overrides.schema_registry);
        put_some(&mut config.schema_registry.auth, overrides.schema_registry_auth.map(Hidden::new));
        put(&mut config.spool.policy, overrides.spool);
        put_some(&mut config.spool.dir, overrides.spool_dir);
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |message: &str| Err(ConfigError::new(message));
        if self.open && !self.listen.ip().is_loopback() {
            return wrong("open: whoever reaches the port may send, so `listen` must be a loopback address");
        }
        if !self.open && self.senders.is_empty() {
            return wrong(
                "sender: nobody may send; name senders with their keys, or set `open` on your own machine",
            );
        }
        if self.spool.policy != SpoolPolicy::Off && self.spool.dir.is_none() {
            return wrong("spool.dir: a spool needs a directory");
        }
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            return wrong("tls: cert and key belong together");
        }
        if self.schema_registry.url.is_some() && self.sink.kind != SinkKind::Kafka {
            return wrong("schema_registry.url: only Kafka's values are written with a schema");
        }
        match self.sink.kind {
            SinkKind::Kafka if self.kafka.bootstrap.is_none() => {
                wrong("kafka.bootstrap: which brokers? (host:port,…)")
            }
            SinkKind::File | SinkKind::Segments if self.sink.path.is_none() => {
                wrong("sink.path: this sink needs a path")
            }
            _ => Ok(()),
        }
    }
}

/// Librdkafka must have given up before the flow does, and the flow before the sender.
fn check_numbers(text: &str, file: &File) -> Result<(), ConfigError> {
    let timeout = &file.kafka.message_timeout_ms;
    if *timeout.get_ref() + 1_000 > file.http.answer_within_ms {
        let line = line_of(text, timeout.span().start);
        return Err(ConfigError::at(
            line,
            "kafka.message_timeout_ms: must be at least a second below http.answer_within_ms",
        ));
    }
    Ok(())
}

fn senders(text: &str, tables: Vec<Spanned<SenderTable>>) -> Result<Vec<SenderTable>, ConfigError> {
    let mut seen = BTreeMap::new();
    let mut senders = Vec::new();
    for table in tables {
        let line = line_of(text, table.span().start);
        let sender = table.into_inner();
        if let Some(first) = seen.insert(sender.name.clone(), line) {
            let message = format!("sender.name: {:?} is in line {first} already", sender.name);
            return Err(ConfigError::at(line, message));
        }
        if sender.keys.is_empty() {
            return Err(ConfigError::at(line, "sender.keys: at least one"));
        }
        senders.push(sender);
    }
    Ok(senders)
}

fn put<T>(at: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *at = value;
    }
}

fn put_some<T>(at: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *at = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../headwater-bridge.example.toml");

    fn error(text: &str) -> String {
        Config::from_toml(text, Overrides::default()).expect_err("a fault").to_string()
    }

    #[test]
    fn the_example_is_a_configuration_and_shows_the_defaults() {
        let example = Config::from_toml(EXAMPLE, Overrides::default()).expect("the example");
        assert_eq!(example.senders.len(), 2);
        let few = "open = true\n[kafka]\nbootstrap = \"127.0.0.1:9092\"";
        let defaults = Config::from_toml(few, Overrides::default()).expect("few words");
        assert_eq!(format!("{:?}", example.http), format!("{:?}", defaults.http));
        assert_eq!(format!("{:?}", example.limits), format!("{:?}", defaults.limits));
        assert_eq!(example.kafka.topic, defaults.kafka.topic);
        assert_eq!(example.kafka.linger_ms, defaults.kafka.linger_ms);
        assert_eq!((example.listen, example.drain_s), (defaults.listen, defaults.drain_s));
    }

    #[test]
    fn an_error_names_line_and_field_and_no_value() {
        let cases = [
            ("open = true\nlisten = 5", "line 2: listen: "),
            ("open = true\n\n[kafka]\nbootsrap = \"b\"", "line 4: bootsrap: unknown field"),
            ("[[sender]]\nname = \"a\"\nkeys = [\"s3cret\"]", "line 3: keys: "),
            ("[[sender]]\nname = \"a\"\nkeys = []", "line 1: sender.keys: at least one"),
            ("[kafka]\nbootstrap = \"b\"\nmessage_timeout_ms = 60000", "line 3: kafka.message_timeout_ms: "),
            ("[kafka]\nbootstrap = \"b\"", "sender: nobody may send"),
            ("open = true", "kafka.bootstrap: which brokers"),
            ("open = true\nlisten = \"0.0.0.0:1\"", "open: "),
            ("open = true\n[sink]\nkind = \"file\"", "sink.path: "),
            ("open = true\n[sink]\nkind = \"memory\"\n[spool]\npolicy = \"on\"", "spool.dir: "),
            (
                "open = true\n[sink]\nkind = \"memory\"\n[schema_registry]\nurl = \"http://r\"",
                "schema_registry.url: ",
            ),
            ("open = true\n[spool]\npolicy = \"maybe\"", "line 3: policy: "),
        ];
        for (text, expected) in cases {
            let said = error(text);
            assert!(said.starts_with(expected), "{said:?} for {text:?}");
            assert!(!said.contains("s3cret"), "{said:?} shows a secret");
        }
    }

    #[test]
    fn two_senders_of_one_name_are_named_with_both_lines() {
        let one = "[[sender]]\nname = \"a\"\nkeys = [\"0123456789abcdef\"]\n";
        assert_eq!(error(&one.repeat(2)), "line 4: sender.name: \"a\" is in line 1 already");
    }

    #[test]
    fn flags_go_over_the_file() {
        let overrides = Overrides {
            topic: Some("other".to_owned()),
            options: vec![("linger.ms".to_owned(), "1".to_owned())],
            keys: vec!["0123456789abcdef".to_owned()],
            ..Overrides::default()
        };
        let config = Config::from_toml(EXAMPLE, overrides).expect("the example");
        assert_eq!((config.kafka.topic.as_str(), config.senders.len()), ("other", 3));
        assert_eq!(config.kafka.options["linger.ms"], "1");
    }
}

//! Looks at the topics now and then: partitions, incarnation, whether a broker can be lost.
//!
//! The incarnation is the topic's id, which the brokers draw when they create it (KIP-516). It is told before anything
//! can be acknowledged, and again when it changes.

use std::{
    io,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use headwater_bridge_flow::Input;
use headwater_topic_id::{Error, Topic, describe};
use rdkafka::{
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::DefaultClientContext,
};

use crate::{config::Kafka, metrics::Metrics, report::Reporter};

/// For one question to the brokers.
const ANSWER: Duration = Duration::from_secs(5);

/// `message.max.bytes` of a producer that was not told.
const LIBRDKAFKAS_DEFAULT: u32 = 1_000_000;

/// The largest batch that a topic takes.
const MAX_BYTES: &str = "max.message.bytes";

/// What the topics take, 0 while it is not known.
#[derive(Default)]
struct Takes {
    event_bytes: AtomicU32,
    letter_bytes: AtomicU32,
}

/// The thread; it ends when this is dropped.
pub(super) struct Watch {
    takes: Arc<Takes>,
    _end: mpsc::Sender<()>,
}

impl Watch {
    pub(super) fn start(
        admin: AdminClient<DefaultClientContext>,
        kafka: &Kafka,
        every: Duration,
        reporter: Reporter,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let takes = Arc::<Takes>::default();
        let (end, ended) = mpsc::channel();
        let mut looker = Looker {
            admin,
            topic: kafka.topic.clone(),
            dead_letters: kafka.dead_letters(),
            reporter,
            metrics,
            takes: Arc::clone(&takes),
            known: None,
            is_trouble_told: false,
        };
        thread::Builder::new().name("hw-topic".to_owned()).spawn(move || {
            loop {
                looker.look();
                if ended.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        })?;
        Ok(Self { takes, _end: end })
    }

    /// What the topic takes, if that is known.
    pub(super) fn max_message_bytes(&self) -> Option<u32> {
        known(&self.takes.event_bytes)
    }

    /// What the dead-letter topic takes, likewise.
    pub(super) fn max_letter_bytes(&self) -> Option<u32> {
        known(&self.takes.letter_bytes)
    }
}

fn known(bytes: &AtomicU32) -> Option<u32> {
    Some(bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
}

struct Looker {
    admin: AdminClient<DefaultClientContext>,
    topic: String,
    dead_letters: String,
    reporter: Reporter,
    metrics: Arc<Metrics>,
    takes: Arc<Takes>,
    known: Option<(u128, u32)>,
    is_trouble_told: bool,
}

impl Looker {
    fn look(&mut self) {
        match describe(self.admin.inner(), &self.topic, ANSWER) {
            Ok(topic) => self.found(&topic),
            Err(error) => {
                if !std::mem::replace(&mut self.is_trouble_told, true) {
                    let hint = if error.is_unknown_topic() { " (headwater-bridge topics apply)" } else { "" };
                    tracing::error!("the topic {:?} cannot be looked at: {error}{hint}", self.topic);
                }
            }
        }
    }

    fn found(&mut self, topic: &Topic) {
        self.is_trouble_told = false;
        let partitions = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX).max(1);
        let now = (topic.id, partitions);
        let was = self.known.replace(now);
        if was.map(|(id, _)| id) != Some(topic.id) {
            self.is_new(topic);
        }
        if was.map(|(_, partitions)| partitions) != Some(partitions) {
            self.reporter.tell(Input::Partitions(partitions));
        }
        if was.map(|(id, _)| id) != Some(topic.id) {
            self.reporter.tell(Input::Incarnation(topic.id));
            if was.is_some() {
                // A producer goes on with the numbers that it had in the old topic, which tell the new one nothing
                // about copies and gaps.
                tracing::warn!(topic = self.topic, "the topic was created anew");
                self.reporter.tell(Input::Fatal);
            }
        }
    }

    /// Checks what an operator should hear once per topic.
    fn is_new(&mut self, topic: &Topic) {
        let replicas = topic.partitions.iter().map(|partition| partition.replicas).min().unwrap_or(0);
        let config = self.config(&self.topic);
        let min_isr: usize = number(&config, "min.insync.replicas").unwrap_or(1);
        if let Some(bytes) = number(&config, MAX_BYTES) {
            let before = match self.takes.event_bytes.swap(bytes, Ordering::Relaxed) {
                0 => LIBRDKAFKAS_DEFAULT,
                before => before,
            };
            // The producer that is there would make batches that the topic refuses as a whole, or refuse by itself what
            // the topic takes.
            if bytes != before {
                self.reporter.tell(Input::Fatal);
            }
        }
        tracing::info!(
            topic = self.topic,
            incarnation = format!("{:032x}", topic.id),
            partitions = topic.partitions.len(),
            replicas,
            min_isr,
            "the topic"
        );
        let worries = worries(replicas, min_isr);
        for worry in &worries {
            tracing::warn!(topic = self.topic, "unsafe: {worry}");
        }
        self.metrics.topic_safe(worries.is_empty());
        match describe(self.admin.inner(), &self.dead_letters, ANSWER) {
            Ok(_) => {
                let bytes = number(&self.config(&self.dead_letters), MAX_BYTES).unwrap_or(0);
                self.takes.letter_bytes.store(bytes, Ordering::Relaxed);
            }
            Err(error @ Error::Broker { .. }) => {
                tracing::warn!(topic = self.dead_letters, %error, "no dead-letter topic: what is refused is retried for ever");
            }
            Err(_) => {}
        }
    }

    fn config(&self, topic: &str) -> Vec<(String, String)> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let options = AdminOptions::new().request_timeout(Some(ANSWER));
        let answer = wait(self.admin.describe_configs(&asked, &options));
        let resources = answer.unwrap_or_else(|error| {
            tracing::warn!(%error, topic, "the topic's configuration cannot be read");
            Vec::new()
        });
        let entries = resources.into_iter().filter_map(Result::ok).flat_map(|resource| resource.entries);
        entries.filter_map(|entry| Some((entry.name, entry.value?))).collect()
    }
}

fn number<T: FromStr>(config: &[(String, String)], name: &str) -> Option<T> {
    config.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.parse().ok())
}

/// Waits for librdkafka on this thread, which has nothing else to do.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    runtime.block_on(future)
}

/// What would lose acknowledged records, or stop them all, when a broker is lost.
fn worries(replicas: usize, min_isr: usize) -> Vec<String> {
    let mut worries = Vec::new();
    if replicas < 2 {
        worries.push(format!("{replicas} replica: a lost disk loses what was acknowledged"));
    } else if min_isr < 2 {
        worries.push("min.insync.replicas is 1: a record is acknowledged when one broker has it".to_owned());
    } else if min_isr >= replicas {
        worries.push(format!(
            "min.insync.replicas is {min_isr} of {replicas}: while one broker is away nothing is accepted"
        ));
    }
    worries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_topic_that_survives_the_loss_of_a_broker_is_safe() {
        assert_eq!(worries(3, 2), Vec::<String>::new());
        for (replicas, min_isr) in [(1, 1), (2, 1), (3, 1), (2, 2), (3, 3)] {
            assert_eq!(worries(replicas, min_isr).len(), 1, "{replicas}, {min_isr}");
        }
    }
}

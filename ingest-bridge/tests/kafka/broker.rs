//! A topic of its own for every test, and a broker that can be made to stand still.

use std::{
    collections::BTreeSet,
    env, fs,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use headwater_schema::Record;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    message::{BorrowedMessage, Headers, OwnedHeaders},
    metadata::MetadataPartition,
    producer::{BaseProducer, BaseRecord, Producer as _},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Tests that make the broker stand still must be alone with it.
static ALONE: Mutex<()> = Mutex::new(());

pub(crate) struct Topic {
    pub(crate) broker: String,
    pub(crate) name: String,
    _alone: MutexGuard<'static, ()>,
}

/// Client and seq.
pub(crate) type Names = BTreeSet<(u32, u32)>;

impl Topic {
    /// One that does not exist yet. None, and a word about it, if there is no broker to test with.
    pub(crate) fn new(test: &str) -> Option<Self> {
        let Ok(broker) = env::var("HEADWATER_KAFKA") else {
            eprintln!(
                "\n*** SKIPPED: {test}: HEADWATER_KAFKA names no broker; `cargo xtask kafka` starts one ***\n"
            );
            return None;
        };
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self { broker, name: format!("bridge-{test}-{}", std::process::id()), _alone: alone })
    }

    pub(crate) fn created(test: &str, partitions: i32) -> Option<Self> {
        let topic = Self::new(test)?;
        topic.apply(partitions);
        Some(topic)
    }

    /// `headwater-bridge topics apply`; what it says.
    pub(crate) fn apply(&self, partitions: i32) -> String {
        let begun = Instant::now();
        loop {
            let output = Command::new(env!("CARGO_BIN_EXE_headwater-bridge"))
                .args(["topics", "apply", "--replication", "1", "--min-isr", "1"])
                .args([
                    "--partitions",
                    &partitions.to_string(),
                    "--kafka",
                    &self.broker,
                    "--topic",
                    &self.name,
                ])
                .output()
                .unwrap();
            if output.status.success() {
                return String::from_utf8(output.stdout).unwrap();
            }
            // One of this name is still being deleted.
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(begun.elapsed() < PATIENCE, "{said}");
        }
    }

    /// Deletes the topic of events and waits until it is gone.
    pub(crate) fn delete(&self) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let deleted = runtime.block_on(admin.delete_topics(&[&self.name], &options)).unwrap();
        assert!(deleted[0].is_ok(), "{deleted:?}");
    }

    /// All events of the topic, without the ledger records.
    pub(crate) fn events(&self) -> Names {
        let mut names = Names::new();
        self.read(&self.name, |_, body| {
            if let Ok(Record::Event(event)) = Record::from_slice(body) {
                let client = event.client_id.rsplit('-').next().and_then(|n| n.parse().ok()).expect("ours");
                names.insert((client, event.seq.expect("a seq")));
            }
        });
        names
    }

    pub(crate) fn dead_letters(&self) -> usize {
        let mut count = 0;
        self.read(&format!("{}-dlq", self.name), |_, _| count += 1);
        count
    }

    /// The values of the topic of events.
    pub(crate) fn values(&self) -> Vec<Vec<u8>> {
        let mut values = Vec::new();
        self.read(&self.name, |_, value| values.push(value.to_vec()));
        values
    }

    /// The dead letters with their reasons.
    pub(crate) fn letters(&self) -> Vec<(String, Vec<u8>)> {
        let mut letters = Vec::new();
        self.read_messages(&format!("{}-dlq", self.name), |message| {
            let reason =
                message.headers().and_then(|all| all.iter().find(|header| header.key == "hw-reason"));
            let reason = reason.and_then(|header| header.value).unwrap_or_default();
            letters.push((String::from_utf8_lossy(reason).into_owned(), message.payload().unwrap().to_vec()));
        });
        letters
    }

    /// Where these bytes are, as often as they are there.
    pub(crate) fn partitions_of(&self, bytes: &[u8]) -> Vec<i32> {
        let mut partitions = Vec::new();
        self.read(&self.name, |partition, body| partitions.extend((body == bytes).then_some(partition)));
        partitions
    }

    /// The headers of these bytes, as often as they are there.
    pub(crate) fn headers_of(&self, bytes: &[u8]) -> Vec<Vec<(String, String)>> {
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let mut found = Vec::new();
        self.read_messages(&self.name, |message| {
            let headers = message.headers().into_iter().flat_map(Headers::iter);
            let headers = headers.map(|header| (header.key.to_owned(), text(header.value))).collect();
            found.extend((message.payload() == Some(bytes)).then_some(headers));
        });
        found
    }

    /// Changes a setting of the topic of events.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let config = AlterConfig::new(ResourceSpecifier::Topic(&self.name)).set(name, value);
        let altered = runtime.block_on(admin.alter_configs(&[config], &AdminOptions::new())).unwrap();
        assert!(altered[0].is_ok(), "{altered:?}");
    }

    /// A dead letter as another bridge might have written it.
    pub(crate) fn write_letter(&self, partition: i32, headers: OwnedHeaders, body: &str) {
        let producer: BaseProducer = self.config().create().unwrap();
        let letters = format!("{}-dlq", self.name);
        let record = BaseRecord::<(), str>::to(&letters).partition(partition).headers(headers).payload(body);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
    }

    /// Nothing that was accepted is missing.
    pub(crate) fn holds(&self, accepted: &Names) {
        assert!(!accepted.is_empty());
        let there = self.events();
        let missing: Vec<_> = accepted.difference(&there).take(10).collect();
        assert!(missing.is_empty(), "accepted and not in the topic: {missing:?} …");
    }

    fn read(&self, topic: &str, mut visit: impl FnMut(i32, &[u8])) {
        self.read_messages(topic, |message| {
            visit(message.partition(), message.payload().unwrap_or_default());
        });
    }

    fn read_messages(&self, topic: &str, mut visit: impl FnMut(&BorrowedMessage<'_>)) {
        let consumer: BaseConsumer = self.config().set("enable.partition.eof", "true").create().unwrap();
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
        let partitions = metadata.topics()[0].partitions().iter().map(MetadataPartition::id);
        let mut wanted = TopicPartitionList::new();
        let mut left = 0;
        for partition in partitions {
            let (low, high) = watermarks(&consumer, topic, partition);
            if high > low {
                wanted.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
                left += high - low;
            }
        }
        if left == 0 {
            return;
        }
        consumer.assign(&wanted).unwrap();
        let mut ended = BTreeSet::new();
        let begun = Instant::now();
        while ended.len() < wanted.count() {
            assert!(begun.elapsed() < PATIENCE * 2, "the topic cannot be read to its end");
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => visit(&message),
                Some(Err(rdkafka::error::KafkaError::PartitionEOF(partition))) => _ = ended.insert(partition),
                Some(Err(error)) => eprintln!("{error}"),
                None => {}
            }
        }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.broker)
            .set("group.id", "none")
            .set("enable.auto.commit", "false");
        config
    }
}

/// A broker that stood still is no leader for a moment.
fn watermarks(consumer: &BaseConsumer, topic: &str, partition: i32) -> (i64, i64) {
    let begun = Instant::now();
    loop {
        match consumer.fetch_watermarks(topic, partition, PATIENCE) {
            Ok(watermarks) => return watermarks,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The process that listens at an address of this machine. None, and a word about it, where that cannot be told.
pub(crate) fn pid(broker: &str) -> Option<u32> {
    let pid = listening(broker);
    if pid.is_none() {
        eprintln!("\n*** SKIPPED: no process of this machine is found behind {broker} ***\n");
    }
    pid
}

fn listening(broker: &str) -> Option<u32> {
    let port: u16 = broker.rsplit(':').next()?.parse().ok()?;
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let text = fs::read_to_string(table).ok()?;
        let line = text.lines().skip(1).find(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let is_port = fields.next().is_some_and(|local| local.ends_with(&format!(":{port:04X}")));
            is_port && fields.nth(1) == Some("0A")
        })?;
        line.split_whitespace().nth(9).map(str::to_owned)
    })?;
    let socket = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        files.any(|file| fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == &*socket)).then_some(pid)
    })
}

/// A process that stands still until this is dropped.
pub(crate) struct Paused(u32);

impl Paused {
    pub(crate) fn new(pid: u32) -> Self {
        signal(pid, "STOP");
        Self(pid)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        signal(self.0, "CONT");
    }
}

pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

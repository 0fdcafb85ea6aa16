//! A topic of its own for every test, and what operators and producers do to it.

use std::{
    env,
    io::{self, Write},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, Producer},
};
use serde_json::Value;
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Topic {
    pub(crate) broker: String,
    pub(crate) name: String,
    runtime: Runtime,
    admin: AdminClient<DefaultClientContext>,
    /// None after the topic was created anew: a producer that knew the old one would lose records to it.
    producer: Option<BaseProducer>,
}

impl Topic {
    /// None, and a word about it, if there is no broker to test with.
    pub(crate) fn create(test: &str, partitions: i32) -> Option<Self> {
        let Ok(broker) = env::var("HEADWATER_KAFKA") else {
            // Not by a macro, whose output is shown of failed tests only.
            let _ = writeln!(io::stderr(), "\n*** SKIPPED: {test}: HEADWATER_KAFKA names no broker ***");
            return None;
        };
        let name = format!("{test}-{}", std::process::id());
        let runtime = Runtime::new().unwrap();
        let admin = config(&broker).create().unwrap();
        let mut topic = Self { broker, name, runtime, admin, producer: None };
        topic.create_again(partitions);
        Some(topic)
    }

    fn create_again(&mut self, partitions: i32) {
        let begun = Instant::now();
        loop {
            let topic = NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1));
            let created = self.runtime.block_on(self.admin.create_topics([&topic], &options())).unwrap();
            match &created[0] {
                Ok(_) => break,
                // The one before is still being deleted.
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => assert!(begun.elapsed() < PATIENCE),
                Err(error) => panic!("{error:?}"),
            }
        }
        self.producer = None;
    }

    /// Another topic under its name.
    pub(crate) fn recreate(&mut self, partitions: i32) {
        let deleted = self.runtime.block_on(self.admin.delete_topics(&[&self.name], &options())).unwrap();
        deleted[0].as_ref().unwrap();
        self.create_again(partitions);
    }

    pub(crate) fn set_partitions(&mut self, partitions: usize) {
        let more = NewPartitions::new(&self.name, partitions);
        let done = self.runtime.block_on(self.admin.create_partitions([&more], &options())).unwrap();
        done[0].as_ref().unwrap();
        self.producer = None;
    }

    /// What retention does: the records before `offset` are gone.
    pub(crate) fn delete_before(&self, part: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, part, Offset::Offset(offset)).unwrap();
        let done = self.runtime.block_on(self.admin.delete_records(&list, &options())).unwrap();
        assert_eq!(done.elements()[0].offset(), Offset::Offset(offset));
    }

    /// Writes records, and waits until the broker has them.
    pub(crate) fn send(&mut self, part: i32, records: impl IntoIterator<Item = Value>) {
        self.send_bytes(part, records.into_iter().map(|record| record.to_string().into_bytes()));
    }

    pub(crate) fn send_bytes(&mut self, part: i32, records: impl IntoIterator<Item = Vec<u8>>) {
        let producer = self.producer.get_or_insert_with(|| {
            let mut config = config(&self.broker);
            config.set("compression.type", "zstd").set("enable.idempotence", "true").set("linger.ms", "5");
            config.create().unwrap()
        });
        for record in records {
            let mut sent = BaseRecord::<(), [u8]>::to(&self.name).partition(part).payload(&record);
            while let Err((error, back)) = producer.send(sent) {
                assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
                producer.poll(Duration::from_millis(10));
                sent = back;
            }
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// What tools that show lag take for the place of the consumer.
    pub(crate) fn group_offset(&self, part: i32) -> Offset {
        let tool: BaseConsumer = config(&self.broker).set("group.id", "headwater").create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.name, part);
        tool.committed_offsets(list, PATIENCE).unwrap().elements()[0].offset()
    }
}

fn config(broker: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker);
    config
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE))
}

//! What a topic is now: its id, drawn by the broker when the topic is created (KIP-516), and its partitions with their
//! replicas. librdkafka can tell (`DescribeTopics`), its safe bindings cannot; so here is the one place of Headwater's
//! Kafka code that calls C by itself.
//!
//! A topic that is deleted and created again under its name has another id. Nothing else tells the two apart for
//! certain: offsets may have grown past the old ones, and cluster and name are the same.

use std::{
    ffi::{CStr, CString},
    fmt,
    ptr::NonNull,
    time::Duration,
};

use rdkafka::{bindings as c, client::Client, client::ClientContext};

/// A topic as the brokers describe it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Topic {
    /// Drawn when the topic was created.
    pub id: u128,
    /// By number.
    pub partitions: Vec<Partition>,
}

/// A partition of a topic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Partition {
    /// How many brokers keep it.
    pub replicas: usize,
    /// How many of them are in step.
    pub in_sync: usize,
}

/// Why a topic could not be described.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Error {
    /// The brokers say so: there is no such topic, or no right to see it, or …
    Broker {
        /// Kafka's number of the error; 3 where there is no such topic.
        code: i32,
        /// In words.
        message: String,
    },
    /// Nobody answered in time.
    TimedOut,
    /// The name cannot be one.
    Name,
}

impl Error {
    /// Whether the brokers say that there is no such topic.
    #[must_use]
    pub fn is_unknown_topic(&self) -> bool {
        matches!(self, Self::Broker { code: 3, .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker { message, .. } => f.write_str(message),
            Self::Name => f.write_str("a topic's name has no zero byte"),
            Self::TimedOut => f.write_str("no broker answered in time"),
        }
    }
}

impl std::error::Error for Error {}

/// Asks the brokers about a topic, and waits for their answer.
pub fn describe<C: ClientContext>(client: &Client<C>, name: &str, within: Duration) -> Result<Topic, Error> {
    let name = CString::new(name).map_err(|_| Error::Name)?;
    let millis = i32::try_from(within.as_millis()).unwrap_or(i32::MAX);
    let mut names = [name.as_ptr()];
    // SAFETY: the client outlives this call, and each pointer made here is checked and freed by its guard, in reverse.
    unsafe {
        let rk = client.native_ptr();
        let topics = Guard::new(
            c::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1),
            c::rd_kafka_TopicCollection_destroy,
        )?;
        let queue = Guard::new(c::rd_kafka_queue_new(rk), c::rd_kafka_queue_destroy)?;
        let options = Guard::new(
            c::rd_kafka_AdminOptions_new(rk, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS),
            c::rd_kafka_AdminOptions_destroy,
        )?;
        let mut words = [0; 128];
        // Out of range is the only error, and then the default stands.
        c::rd_kafka_AdminOptions_set_request_timeout(
            options.0.as_ptr(),
            millis,
            words.as_mut_ptr(),
            words.len(),
        );
        c::rd_kafka_DescribeTopics(rk, topics.0.as_ptr(), options.0.as_ptr(), queue.0.as_ptr());
        let event = Guard::new(c::rd_kafka_queue_poll(queue.0.as_ptr(), millis), c::rd_kafka_event_destroy)?;
        read(event.0.as_ptr())
    }
}

/// SAFETY: `event` is the result of a `DescribeTopics` of one topic, and lives until this returns.
unsafe fn read(event: *mut c::rd_kafka_event_t) -> Result<Topic, Error> {
    // SAFETY: as above; what librdkafka returns belongs to the event, and its counts are the lengths of its arrays.
    unsafe {
        broker_error(c::rd_kafka_event_error(event) as i32, c::rd_kafka_event_error_string(event))?;
        let result = c::rd_kafka_event_DescribeTopics_result(event);
        let mut count = 0;
        let topics = if result.is_null() {
            std::ptr::null_mut()
        } else {
            c::rd_kafka_DescribeTopics_result_topics(result, &raw mut count)
        };
        if topics.is_null() || count == 0 {
            return Err(Error::TimedOut);
        }
        let topic = *topics;
        let error = c::rd_kafka_TopicDescription_error(topic);
        if !error.is_null() {
            broker_error(c::rd_kafka_error_code(error) as i32, c::rd_kafka_error_string(error))?;
        }
        let id = c::rd_kafka_TopicDescription_topic_id(topic);
        let high = c::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned();
        let low = c::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned();
        let partitions = c::rd_kafka_TopicDescription_partitions(topic, &raw mut count);
        let partitions = (0..count).map(|at| {
            let partition = *partitions.add(at);
            let (mut replicas, mut in_sync) = (0, 0);
            c::rd_kafka_TopicPartitionInfo_replicas(partition, &raw mut replicas);
            c::rd_kafka_TopicPartitionInfo_isr(partition, &raw mut in_sync);
            Partition { replicas, in_sync }
        });
        Ok(Topic { id: u128::from(high) << 64 | u128::from(low), partitions: partitions.collect() })
    }
}

/// SAFETY: `message` is null or a C string.
unsafe fn broker_error(code: i32, message: *const std::ffi::c_char) -> Result<(), Error> {
    if code == 0 {
        return Ok(());
    }
    let message = if message.is_null() {
        format!("error {code}")
    } else {
        // SAFETY: as above.
        unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned()
    };
    Err(Error::Broker { code, message })
}

/// What librdkafka made, and how it is freed.
struct Guard<T>(NonNull<T>, unsafe extern "C" fn(*mut T));

impl<T> Guard<T> {
    fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Result<Self, Error> {
        NonNull::new(pointer).map(|pointer| Self(pointer, free)).ok_or(Error::TimedOut)
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        // SAFETY: librdkafka made it, and nobody else frees it.
        unsafe { (self.1)(self.0.as_ptr()) }
    }
}

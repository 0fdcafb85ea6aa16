//! The decisions of Headwater's bridge to Kafka, without I/O: **never a yes before the broker's, or the disk's.**
//!
//! A *host* (the HTTP server with librdkafka; the simulator) owns sockets, threads, files and clocks. The flow decides
//! where each record goes, when a request is answered and with what, what waits on disk while the broker is away, who is
//! refused when there is too much, and what happens when the producer breaks.
//!
//! # The loop
//!
//! One call changes a [`Flow`]: [`handle`](Flow::handle). **After every `handle`, drain [`poll`](Flow::poll) until `None`**,
//! in order, then ask [`poll_timeout`](Flow::poll_timeout) when to come back. A host is this, with a real producer and a
//! real disk:
//!
//! ```
//! use bytes::Bytes;
//! use headwater_bridge_flow::{Config, Effect, Flow, Input, Limits, Outcome, Request, SpoolPolicy};
//!
//! let mut flow = Flow::new(Config { limits: Limits::default(), partitions: 64, spool: SpoolPolicy::Off });
//! let body = Bytes::from_static(br#"{"event_id":"e","site_id":"s","client_id":"c","event_type":"pageview",
//! "timestamp":1,"ts":1,"sent_at":1,"received_at":1,"schema_version":1}"#);
//! # let body = Bytes::from(body.iter().copied().filter(|byte| *byte != b'\n').collect::<Vec<u8>>());
//!
//! // 1. Things happen: the topic is found, a request arrives.
//! let mut inputs = vec![Input::Incarnation(7), Input::Request(Request::parse(1, 0, true, &body))];
//! let (mut now, mut topic, mut answers) = (0, Vec::new(), Vec::new());
//! loop {
//!     // 2. The flow is drained, in order. It begins with a wish: a producer.
//!     while let Some(effect) = flow.poll() {
//!         match effect {
//!             Effect::BuildProducer => inputs.push(Input::ProducerBuilt),
//!             Effect::Produce { attempt, body, .. } => {
//!                 // 3. `acks=all`: only when the broker has it is it told.
//!                 topic.push(body);
//!                 inputs.push(Input::Produced { attempt, result: Ok(()) });
//!             }
//!             Effect::Answer { request, answer } => answers.push((request, answer)),
//!             // The spool is off.
//!             _ => {}
//!         }
//!     }
//!     // 4. The next input, or the time at which it wants to be woken.
//!     if inputs.is_empty() {
//!         let Some(at) = flow.poll_timeout() else { break };
//!         now = at;
//!         inputs.push(Input::Timeout);
//!     }
//!     flow.handle(now, inputs.remove(0));
//! }
//! assert_eq!(topic, [body]);
//! let [(1, answer)] = &answers[..] else { panic!("one answer") };
//! assert_eq!((answer.incarnation, &answer.outcomes[..]), (Some(7), &[Outcome::Accepted][..]));
//! ```
//!
//! # What is where
//!
//! A record is in exactly one place of the books: with the producer (`flights`), on its way to the disk (`spool`, until
//! the sync), or nowhere: its sender has been told, or the broker has it, or the spool has it and it is read again later.
//! Each module moves it for one reason:
//!
//! | module | decides |
//! |---|---|
//! | `record` | what is a record, and its key |
//! | [`partition`] | where a record goes |
//! | `hot` | which clients are spread over partitions |
//! | `request` | when a request is answered, and with what |
//! | `pressure` | who is refused when there is too much |
//! | `spool` | what waits on disk, and when it leaves |
//! | `health` | whether there is a producer and a broker behind it |
//! | `dead_letter` | what takes the place of a record that the broker refuses |
//! | `flights` | nothing: the books of what the producer has |
//! | `flow` | nothing: which of the others is asked |
//!
//! # What holds
//!
//! - **A yes is durable**: `accepted` follows the broker's `acks=all`, the spool's fsync, or, for a dead letter, the
//!   broker's acknowledgement of both the dead letter and the `$ledger` record that names it.
//! - **Each line of each request gets one outcome, each request one answer**: at the latest after
//!   [`Limits::answer_within_ms`]. A sender that went away changes nothing else.
//! - **Order**: what is accepted of one key in one partition first reaches the broker in the order in which it came.
//!   Copies may follow (a rebuilt producer, a diverted lane, a crash). The order is not kept over a change of the number
//!   of partitions, nor between the chunks of a hot client.
//! - **The spool forgets nothing** that the broker does not have; full or too old, it refuses what is new.
//! - **An answer speaks for the topic that it was given for**: requests under way while the topic is created anew are
//!   told to try again.
//!
//! # What the host promises
//!
//! The producer keeps the order per partition, and when a record fails those of its partition behind it fail too (an
//! idempotent producer does both); every produce ends with a report. Appends go to disk in the order given, and a sync
//! covers all appends before it. A spool that is opened is cut at its torn tail, and what is found is durable.
#![forbid(unsafe_code)]

mod dead_letter;
mod effect;
mod flights;
mod flow;
mod health;
mod hot;
mod input;
mod limits;
pub mod partition;
mod pressure;
mod record;
mod request;
mod spool;

pub use effect::{Answer, Cause, Effect, Outcome, To};
pub use flow::{Config, Flow, Gauges};
/// The type of [`Request::trace`].
pub use headwater_schema::Trace;
pub use input::{Failure, Found, Input, Request};
pub use limits::{Limits, SpoolPolicy};
pub use record::{Record, Unreadable};

//! Headwater's bridge: batches of events over HTTP in, Kafka out, and **never a yes before the broker's**.
//!
//! Every decision is [`headwater_bridge_flow`]'s; this crate is the machine around it: sockets, threads, files, clocks,
//! librdkafka.
//!
//! | module | what it does |
//! |---|---|
//! | [`config`] | file, environment and flags, one after the other |
//! | [`dead_letters`] | lists, shows and replays what the brokers refused |
//! | [`http`] | who sends, what a body holds, what the answer says |
//! | [`host`] | the one thread that owns the flow |
//! | [`sink`] | where records go: Kafka, segments, a file, memory |
//! | [`spool`] | the disk behind the flow's spool |
//! | [`metrics`] | what is shown, and whether the bridge is ready |
//! | [`serve`] | starts all of it, and ends it in order |

pub mod cli;
pub mod config;
pub mod dead_letters;
mod hex;
pub mod host;
pub mod http;
pub mod metrics;
pub mod report;
pub mod serve;
pub mod sink;
pub mod spool;

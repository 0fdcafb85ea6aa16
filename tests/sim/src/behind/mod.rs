//! What is behind the edges: log or bridge and broker, the consumer, the store.

pub mod bridge;
pub mod broker;
pub mod log;
pub mod numbers;
pub mod store;

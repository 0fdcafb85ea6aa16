//! What each of Headwater's servers has around its work, so that all of them treat senders and operators alike.
//!
//! | module | what it does |
//! |---|---|
//! | [`body`] | reads a request's body within bounds of bytes and time |
//! | [`budget`] | bounds the bytes that all requests hold together |
//! | [`lock`] | one process writes into a directory |
//! | [`operations`] | shows metrics, and whether the server lives and is ready |
//! | [`process`] | logs, exit code, signals, sockets |
//! | [`server`] | serves HTTP within bounds of connections and of time for a head |
//! | [`settings`] | puts flags and environment over a file |
//! | [`tls`] | the same over TLS |
//!
//! **Invariant:** nothing here knows an event, a sender or an answer; what a failure means to a sender is its caller's to say.

pub mod body;
pub mod budget;
pub mod lock;
pub mod operations;
pub mod process;
pub mod server;
pub mod settings;
pub mod tls;

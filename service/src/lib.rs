//! What each of Headwater's servers has around its work, so that all of them treat senders and operators alike.
//!
//! | module | what it does |
//! |---|---|
//! | [`body`] | reads a request's body within bounds of bytes and time |
//! | [`budget`] | bounds the bytes that all requests hold together |
//! | [`lock`] | one process writes into a directory |
//! | [`process`] | logs, exit code, signals, sockets |
//!
//! **Invariant:** nothing here knows an event, a sender or an answer; what a failure means to a sender is its caller's to say.

pub mod body;
pub mod budget;
pub mod lock;
pub mod process;

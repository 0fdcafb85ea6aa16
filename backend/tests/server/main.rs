//! The real program, a process, and real HTTP.
#![expect(clippy::unwrap_used, reason = "clippy knows test functions, not what they share")]

mod api;
mod enrich;
mod serve;
mod support;

//! `headwater serve --kafka` on a real broker, whose address is in `HEADWATER_KAFKA`: `cargo xtask kafka` starts one.
#![expect(clippy::unwrap_used, reason = "clippy knows test functions, not what they share")]

mod avro;
mod consume;
#[path = "../server/support.rs"]
#[allow(dead_code, reason = "this server has no collector to speak to")]
mod support;
mod topic;

//! Headwater's programs and a real Kafka as child processes, for the demo, tests that kill them, and measurements.
//!
//! Everything listens on loopback, on ports that the system chose. Whoever uses it calls [`stop::listen`] and looks at
//! [`stop::asked`] now and then: the children are in process groups of their own, so that Ctrl-C reaches only us and we
//! end them in order. Dropping one kills it.

pub mod balancer;
pub mod chain;
pub mod disk;
pub mod kafka;
mod log;
mod service;
pub mod stop;
pub mod usage;

pub use self::{
    chain::Chain,
    log::{tail, text},
    service::Service,
};

use std::process::Command;

/// Ctrl-C reaches us, and we end what we started after those that need it.
fn apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

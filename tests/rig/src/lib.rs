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

use std::{io, net::TcpListener, process::Command};

/// Gives a child a process group of its own: Ctrl-C reaches us, and we end it after those that need it.
pub fn apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Ports that were free a moment ago, all different.
pub fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let sockets: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    sockets.iter().map(|socket| Ok(socket.local_addr()?.port())).collect()
}

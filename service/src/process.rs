//! Logs, exit code, signals, sockets.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use axum::serve::{ListenerExt as _, TapIo};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tracing_subscriber::EnvFilter;

/// What still runs when the work has ended is left after this.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// Runs a program's work to its end: logs to standard error (`RUST_LOG`, `info` by default), a failure is the last of them.
pub fn run(work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    raise_open_files();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(ansi).init();
    let outcome = Runtime::new().context("cannot start").and_then(|runtime| {
        let outcome = runtime.block_on(work);
        // A question that nobody waits for any more must not keep the process.
        runtime.shutdown_timeout(LAST_GRACE);
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Lets this process have as many files and sockets as it may: what a shell or a service manager gives at first is often
/// 1,024. Failing leaves that.
pub fn raise_open_files() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource::RLIMIT_NOFILE, getrlimit, setrlimit};
        let _ = getrlimit(RLIMIT_NOFILE).and_then(|(_, most)| setrlimit(RLIMIT_NOFILE, most, most));
    }
}

/// A listener whose sockets send at once, see [`no_delay`].
pub fn prompt(listener: TcpListener) -> TapIo<TcpListener, fn(&mut TcpStream)> {
    listener.tap_io(no_delay)
}

/// Sets `TCP_NODELAY`: answers are small, and each is waited for.
pub fn no_delay(socket: &mut TcpStream) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
}

/// Signals that ask to stop.
#[cfg(unix)]
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From now on they no longer end the process.
    pub fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one, and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// What asks to stop.
#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Nothing is to be set up.
    pub fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for it, and names it.
    pub async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

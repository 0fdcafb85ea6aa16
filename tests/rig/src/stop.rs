//! Ending: Ctrl-C and SIGTERM for us, a gentle stop by id for what we started.

use std::process::{Child, ExitStatus};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

static ASKED: AtomicBool = AtomicBool::new(false);
static LISTENING: OnceLock<()> = OnceLock::new();

/// From now on Ctrl-C, SIGTERM and SIGHUP are only noted, see [`asked`].
pub fn listen() -> Result<()> {
    if LISTENING.set(()).is_ok() {
        ctrlc::set_handler(|| ASKED.store(true, Ordering::SeqCst)).context("signal handler")?;
    }
    Ok(())
}

/// Whether someone asked us to end.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Asks a child to end (SIGTERM) and waits; after `limit` it is killed.
pub fn gently(child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    if let Some(status) = child.try_wait()? {
        return Ok(status);
    }
    ask(child)?;
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait().context("waiting for a killed child")
}

#[cfg(unix)]
fn ask(child: &mut Child) -> Result<()> {
    let id = nix::unistd::Pid::from_raw(i32::try_from(child.id())?);
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).context("SIGTERM")
}

#[cfg(not(unix))]
fn ask(child: &mut Child) -> Result<()> {
    Ok(child.kill()?)
}

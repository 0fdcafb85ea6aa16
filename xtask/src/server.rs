//! A real `headwater serve` as a child process.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::http::Http;
use crate::{process, programs, stop};

/// A start includes a refold of the store; more than this is a fault.
const START_LIMIT: Duration = Duration::from_mins(1);
/// A drain writes what waits and closes the store.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Which optimisation `headwater` is built with.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Quick to build, with the debug assertions: the demo and the tests.
    Dev,
    /// What is measured.
    Release,
}

/// Builds `headwater` and returns its program; cargo's own progress is shown. `$HEADWATER_BIN` names one built before.
pub(crate) fn build(root: &Path, profile: Profile) -> Result<PathBuf> {
    if let Some(built) = std::env::var_os("HEADWATER_BIN") {
        let built = PathBuf::from(built);
        println!("  $HEADWATER_BIN: {}", built.display());
        return Ok(built);
    }
    match profile {
        Profile::Dev => programs::build(root, &["-p", "headwater-backend", "--bin", "headwater"])?
            .remove("headwater")
            .context("cargo named no program headwater"),
        Profile::Release => programs::release(root, "headwater-backend", "headwater"),
    }
}

/// A running server; dropping it kills it, [`Server::stop`] lets it drain.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    log: PathBuf,
}

impl Server {
    /// Starts `headwater serve --open` on loopback and waits until it is ready. Port 0 lets the system choose.
    pub(crate) fn start(program: &Path, data: &Path, port: u16) -> Result<Self> {
        std::fs::create_dir_all(data)?;
        let log = data.with_extension("log");
        let errors = File::create(&log)?;
        let mut output = errors.try_clone()?;
        let mut command = Command::new(program);
        command.args(["serve", "--open", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(data);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        // A group of its own: Ctrl-C reaches us, and we ask it to drain.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let (ready, waiting) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().context("stdout is piped")?).lines();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(base) = line.strip_prefix("listening on ") {
                    // Nobody waits any more if the start took too long.
                    let _ = ready.send(base.trim().to_owned());
                }
                // A log that cannot be written must not stop the server's output.
                let _ = writeln!(output, "{line}");
            }
        });
        // The sender is dropped when the server's output ends, so a start that fails is noticed at once.
        if let Ok(base) = waiting.recv_timeout(START_LIMIT) {
            return Ok(Self { child, base, log });
        }
        stop::gently(&mut child, Duration::from_secs(1))?;
        bail!("headwater did not become ready:\n{}", process::tail(&log, 20))
    }

    pub(crate) fn http(&self) -> Http {
        Http::new(&self.base)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails, with the end of its log, if the server is no longer running.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("headwater ended ({status}):\n{}", process::tail(&self.log, 20)),
        }
    }

    /// SIGTERM; the server drains and must exit with 0.
    pub(crate) fn stop(mut self) -> Result<()> {
        let status = stop::gently(&mut self.child, STOP_LIMIT)?;
        if !status.success() {
            bail!("headwater ended with {status}:\n{}", process::tail(&self.log, 20));
        }
        Ok(())
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

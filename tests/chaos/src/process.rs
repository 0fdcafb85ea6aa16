//! The processes of a round. Each is ended by its handle, whatever happens.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// How long `headwater serve` may take to be ready.
const READY: Duration = Duration::from_mins(1);

/// A child that is killed when nobody holds it any more.
pub(crate) struct Process(Child);

impl Process {
    fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        command.spawn().map(Self).with_context(|| format!("cannot start {}", command.get_program().display()))
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self, deadline: Instant) -> anyhow::Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("process {} did not end in time", self.0.id());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails only if the process is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `headwater serve`, which keeps its data directory and its port from start to start.
pub(crate) struct Server {
    program: PathBuf,
    data: PathBuf,
    /// Its standard error, all starts one after the other.
    log: PathBuf,
    /// `127.0.0.1:0` before the first start.
    address: String,
    process: Option<Process>,
}

impl Server {
    pub(crate) fn new(program: &Path, dir: &Path) -> Self {
        Self {
            program: program.to_owned(),
            data: dir.join("data"),
            log: dir.join("server.log"),
            address: "127.0.0.1:0".into(),
            process: None,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts it and waits until it is ready; returns how long that took.
    pub(crate) fn start(&mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        loop {
            match self.try_start(started + READY)? {
                Some(address) => {
                    self.address = address;
                    return Ok(started.elapsed());
                }
                // Another program may have taken the port for a moment.
                None if started.elapsed() < READY => thread::sleep(Duration::from_millis(100)),
                None => bail!("the server does not start; the end of its log:\n{}", self.log_tail()),
            }
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// The last lines it wrote.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// `None` when it ended before it was ready.
    fn try_start(&mut self, deadline: Instant) -> anyhow::Result<Option<String>> {
        let log = File::options().append(true).create(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--open", "--listen", &self.address, "--data"])
            .arg(&self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut process = Process::spawn(&mut command)?;
        let output = process.0.stdout.take().context("no standard output")?;
        let (ready, address) = mpsc::channel();
        // Reads on to the end, so that the server never waits for a full pipe.
        thread::Builder::new().name("server-output".into()).spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(address) = line.trim().strip_prefix("listening on http://") {
                    // Only the first is waited for.
                    let _ = ready.send(address.trim_end_matches('/').to_owned());
                }
            }
        })?;
        match address.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(address) => {
                self.process = Some(process);
                Ok(Some(address))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                bail!("the server is not ready after {READY:?}; the end of its log:\n{}", self.log_tail())
            }
        }
    }
}

/// One sender over its lives.
pub(crate) struct Sender {
    pub(crate) number: usize,
    pub(crate) life: usize,
    pub(crate) killed: Vec<usize>,
    dir: PathBuf,
    process: Option<Process>,
}

/// What every life of every sender is told.
pub(crate) struct Load {
    pub(crate) endpoint: String,
    pub(crate) site: String,
    pub(crate) rate: u32,
    pub(crate) drain: Duration,
}

impl Sender {
    pub(crate) fn new(number: usize, dir: &Path) -> Self {
        Self { number, life: 0, killed: Vec::new(), dir: dir.to_owned(), process: None }
    }

    /// Begins a life that tracks `events` more events.
    pub(crate) fn start(&mut self, load: &Load, events: u64) -> anyhow::Result<()> {
        let log = File::options().append(true).create(true).open(self.log())?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["sender", "--endpoint", &load.endpoint, "--site", &load.site])
            .arg("--journal")
            .arg(self.dir.join(format!("journal-{}", self.number)))
            .arg("--tallies")
            .arg(&self.dir)
            .args(["--sender", &self.number.to_string(), "--life", &self.life.to_string()])
            .args(["--events", &events.to_string(), "--rate", &load.rate.to_string()])
            .args(["--drain", &load.drain.as_secs().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.process = Some(Process::spawn(&mut command)?);
        Ok(())
    }

    /// SIGKILL; the next start is another life.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(process) = self.process.take() {
            process.kill()?;
            self.killed.push(self.life);
            self.life += 1;
        }
        Ok(())
    }

    /// Waits until it has tracked and drained everything.
    pub(crate) fn finish(&mut self, deadline: Instant) -> anyhow::Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let status = process.wait(deadline).and_then(|status| {
            anyhow::ensure!(status.success(), "it ended with {status}");
            Ok(())
        });
        status.with_context(|| {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            format!("sender {}: {log}", self.number)
        })
    }

    fn log(&self) -> PathBuf {
        self.dir.join(format!("sender-{}.log", self.number))
    }
}

//! One of Headwater's programs that serves HTTP.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{apart, stop, tail};

/// A start may include a refold of the store; more than this is a fault.
const START_LIMIT: Duration = Duration::from_mins(1);
/// A drain writes what waits; the programs' own limits are shorter.
const STOP_LIMIT: Duration = Duration::from_secs(45);
/// Lines of its log in an error.
const LAST_LINES: usize = 20;
/// The last of what a program says of itself when it is ready: "listening on http://127.0.0.1:8080".
const LISTENING: &str = "listening";

/// A program, running or not. It keeps its port and its log from start to start.
pub struct Service {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
    address: SocketAddr,
    has_run: bool,
    /// By word: "metrics on http://127.0.0.1:9090".
    addresses: BTreeMap<String, String>,
    child: Option<Child>,
}

impl Service {
    /// A program that takes `--listen ADDRESS` and says "listening on URL"; all that it writes goes to the end of `log`.
    #[must_use]
    pub fn new(program: &Path, log: PathBuf) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            log,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            has_run: false,
            addresses: BTreeMap::new(),
            child: None,
        }
    }

    /// Another argument, before `--listen`.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Other arguments, before `--listen`.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// A port of the caller's choice; otherwise the system chooses at the first start.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Starts it and waits until it is ready; returns how long that took.
    pub fn start(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        while !self.try_start(begun + START_LIMIT)? {
            // Another program may have taken its port for a moment; a first start has no such excuse.
            if !self.has_run || begun.elapsed() > START_LIMIT || stop::asked() {
                bail!("{} does not start:\n{}", self.name(), self.last_words());
            }
            thread::sleep(Duration::from_millis(100));
        }
        self.has_run = true;
        Ok(begun.elapsed())
    }

    /// `http://127.0.0.1:PORT`, once it was started.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Another address that it said, by its word: `metrics`.
    #[must_use]
    pub fn other(&self, word: &str) -> Option<&str> {
        self.addresses.get(word).map(String::as_str)
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Fails, with the end of its log, if it is no longer running.
    pub fn check(&mut self) -> Result<()> {
        match self.child.as_mut().map(Child::try_wait).transpose()? {
            Some(None) => Ok(()),
            Some(Some(status)) => bail!("{} ended ({status}):\n{}", self.name(), self.last_words()),
            None => bail!("{} is not running", self.name()),
        }
    }

    /// SIGTERM; it drains and must exit with 0. Nothing if it is not running.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let status = stop::gently(&mut child, STOP_LIMIT)?;
        if !status.success() {
            bail!("{} ended with {status}:\n{}", self.name(), self.last_words());
        }
        Ok(())
    }

    /// `kill -9`. Nothing if it is not running.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill()?;
        child.wait().map(drop).context("waiting for a killed program")
    }

    /// The last lines that it wrote.
    #[must_use]
    pub fn last_words(&self) -> String {
        tail(&self.log, LAST_LINES)
    }

    fn name(&self) -> String {
        self.program.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// False when it ended before it was ready.
    fn try_start(&mut self, deadline: Instant) -> Result<bool> {
        self.kill()?;
        let log = File::options().append(true).create(true).open(&self.log);
        let log = log.with_context(|| self.log.display().to_string())?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg("--listen").arg(self.address.to_string());
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.try_clone()?);
        apart(&mut command);
        let child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        let child = self.child.insert(child);
        let said = addresses(child.stdout.take().context("stdout is piped")?, log)?;
        loop {
            match said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((word, url)) if word == LISTENING => {
                    let address = url.trim_start_matches("http://").trim_end_matches('/');
                    self.address = address.parse().with_context(|| format!("listening on {url}"))?;
                    return Ok(true);
                }
                Ok((word, url)) => _ = self.addresses.insert(word, url),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    self.kill()?;
                    return Ok(false);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.kill()?;
                    bail!("{} did not become ready:\n{}", self.name(), self.last_words());
                }
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It fails only if the process is gone.
        let _ = self.kill();
    }
}

/// Lines "WORD on URL" as they come. A thread reads to the end, so that the program never waits for a full pipe.
fn addresses(output: ChildStdout, mut log: File) -> Result<mpsc::Receiver<(String, String)>> {
    let (say, said) = mpsc::channel();
    thread::Builder::new().name("output".to_owned()).spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((word, url)) = line.trim().split_once(" on http://") {
                // After the start nobody listens.
                let _ = say.send((word.to_owned(), format!("http://{url}")));
            }
            // A log that cannot be written must not stop the program's output.
            let _ = writeln!(log, "{line}");
        }
    })?;
    Ok(said)
}

//! The senders of a round: processes that track, are killed, and come back.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use headwater_rig::stop;

use crate::{
    tally,
    verdict::{Expected, Life},
};

/// A sender that is beyond its own limit says less than that limit.
const GRACE: Duration = Duration::from_secs(10);

/// What every life of every sender is told.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) endpoint: String,
    pub(crate) site: String,
    /// How many senders.
    pub(crate) senders: u16,
    /// How many events each of them tracks.
    pub(crate) events: u64,
    /// How many events each of them tracks per second.
    pub(crate) rate: u32,
    /// How long what is left may take to be delivered and counted after the last event.
    pub(crate) drain: Duration,
}

impl Load {
    /// How long the senders track.
    pub(crate) fn lasts(&self) -> Duration {
        Duration::from_secs(self.events) / self.rate
    }
}

/// All senders of a round.
pub(crate) struct Crowd {
    load: Load,
    dir: PathBuf,
    started: Instant,
    senders: Vec<Sender>,
}

impl Crowd {
    /// Starts them; their journals, tallies and logs are in `dir`.
    pub(crate) fn start(load: Load, dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut senders: Vec<_> =
            (0..usize::from(load.senders)).map(|number| Sender::new(number, dir)).collect();
        for sender in &mut senders {
            sender.start(&load, load.events)?;
        }
        Ok(Self { load, dir: dir.to_owned(), started: Instant::now(), senders })
    }

    /// Waits until the load has lasted so long.
    pub(crate) fn wait_until(&self, at: Duration) -> anyhow::Result<()> {
        while self.started.elapsed() < at {
            if stop::asked() {
                bail!("interrupted");
            }
            thread::sleep(at.saturating_sub(self.started.elapsed()).min(Duration::from_millis(100)));
        }
        Ok(())
    }

    /// SIGKILL to one, which goes on with another life.
    pub(crate) fn kill(&mut self, number: usize) -> anyhow::Result<()> {
        let sender = &mut self.senders[number];
        sender.kill()?;
        let done: u64 = (0..sender.life)
            .map(|life| tally::count(&tally::path(&self.dir, number, life)))
            .sum::<Result<_, _>>()?;
        sender.start(&self.load, self.load.events.saturating_sub(done))
    }

    /// How often one was killed.
    pub(crate) fn kills(&self) -> usize {
        self.senders.iter().map(|sender| sender.killed.len()).sum()
    }

    /// Waits until each has tracked and drained everything; what they were told.
    pub(crate) fn finish(&mut self) -> anyhow::Result<Expected> {
        let deadline = Instant::now() + self.load.lasts() + self.load.drain + GRACE;
        for sender in &mut self.senders {
            sender.finish(deadline)?;
        }
        let mut lives = BTreeMap::new();
        for sender in &self.senders {
            for life in 0..=sender.life {
                let told = tally::count(&tally::path(&self.dir, sender.number, life))?;
                let killed = sender.killed.contains(&life);
                lives.insert(tally::event_name(sender.number, life), Life { told, killed });
            }
        }
        Ok(Expected { lives })
    }
}

/// One sender over its lives.
struct Sender {
    number: usize,
    life: usize,
    killed: Vec<usize>,
    dir: PathBuf,
    process: Option<Process>,
}

impl Sender {
    fn new(number: usize, dir: &Path) -> Self {
        Self { number, life: 0, killed: Vec::new(), dir: dir.to_owned(), process: None }
    }

    /// Begins a life that tracks `events` more events.
    fn start(&mut self, load: &Load, events: u64) -> anyhow::Result<()> {
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
    fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(process) = self.process.take() {
            process.kill()?;
            self.killed.push(self.life);
            self.life += 1;
        }
        Ok(())
    }

    /// Waits until it has tracked and drained everything.
    fn finish(&mut self, deadline: Instant) -> anyhow::Result<()> {
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

/// A child that is killed when nobody holds it any more.
struct Process(Child);

impl Process {
    fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        command.spawn().map(Self).with_context(|| format!("cannot start {}", command.get_program().display()))
    }

    /// SIGKILL, and waits until it is gone.
    fn kill(mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Waits until it has ended by itself.
    fn wait(&mut self, deadline: Instant) -> anyhow::Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            if stop::asked() {
                bail!("interrupted");
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

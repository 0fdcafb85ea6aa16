//! Running other programs: with their output shown, captured, or kept in a log with a sign of life.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headwater_rig::tail;

/// How often a silent long step says that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The cargo that runs us, so that its version and rustup's choice stay the same in what we start.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // What cargo told *this* program about *its* package would look like a changed environment to build scripts.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program with its output shown as it comes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// Runs a program and returns what it wrote to standard output; its standard error is part of the error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program with everything it writes in `log`; every 15 s a line says that it is still at work.
pub(crate) fn run_logged(command: &mut Command, log: &Path) -> Result<()> {
    let shown = show(command);
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = File::options().create(true).append(true).open(log)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot start {shown}"))?;
    let status = with_heartbeat(Some(log), || child.wait())?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// Runs `work` while a second thread prints the time that passed, with the last line of `log`.
fn with_heartbeat<T>(log: Option<&Path>, work: impl FnOnce() -> T) -> T {
    let (done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let begun = Instant::now();
            while waiting.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                let last = log.map(|log| tail(log, 1)).unwrap_or_default();
                let last: String = last.trim().chars().take(90).collect();
                println!("    … {} s  {last}", begun.elapsed().as_secs());
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// Whether a program of this name is on the PATH.
pub(crate) fn on_path(program: impl AsRef<OsStr>) -> bool {
    find(program).is_some()
}

/// Where the PATH has a program of this name.
pub(crate) fn find(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program.as_ref())).find_map(|plain| {
        let with_end = |end: &str| {
            // Not `with_extension`, which would take the end of a version for one.
            let mut name = plain.clone().into_os_string();
            name.push(end);
            PathBuf::from(name)
        };
        ["", ".exe", ".cmd"].iter().map(|end| with_end(end)).find(|file| file.is_file())
    })
}

/// The command line as one would type it, for messages.
fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    if text.chars().count() > 160 {
        text = text.chars().take(159).chain(['…']).collect();
    }
    text
}

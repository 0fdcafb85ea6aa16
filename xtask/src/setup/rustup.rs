//! What rustc says of itself, and what rustup can add to it.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::process;

/// A rustup that hangs on an unreachable server is given up after this time.
const LIMIT: Duration = Duration::from_mins(2);

/// What `rustc` answers to these arguments.
pub(super) fn rustc(arguments: &[&str]) -> Result<String> {
    process::capture(Command::new("rustc").args(arguments)).map(|text| text.trim().to_owned())
}

/// The value of a line of `rustc -vV`.
pub(super) fn version(of: &str) -> Result<Option<String>> {
    let text = rustc(&["-vV"])?;
    let line = text.lines().find_map(|line| line.strip_prefix(of)?.strip_prefix(": "));
    Ok(line.map(str::to_owned))
}

/// `rustup … add …`; false when there is no rustup, or it cannot.
pub(super) fn add(arguments: &[&str]) -> bool {
    if !process::on_path("rustup") {
        return false;
    }
    println!("  rustup {}", arguments.join(" "));
    Command::new("rustup").args(arguments).spawn().is_ok_and(|child| ends_within(child, LIMIT))
}

fn ends_within(mut child: Child, limit: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(100)),
            Err(_) => return false,
        }
    }
    // Both may fail only if it has ended by itself.
    let _ = child.kill();
    let _ = child.wait();
    false
}

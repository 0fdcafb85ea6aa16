//! Debian's packages, asked of apt-get: the one place that may become root.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

const PROGRAM: &str = "/usr/bin/apt-get";

/// Whether this machine has apt.
pub(super) fn is_here() -> bool {
    Path::new(PROGRAM).is_file()
}

/// Installs these packages in one run; `by_hand` says what to do where it cannot.
pub(super) fn install(packages: &[&str], by_hand: &str) -> Result<()> {
    println!("  apt-get installs {} (some 100 MB each, once)", packages.join(", "));
    run(&["update", "-q"], by_hand)?;
    run(&[&["install", "-yq", "--no-install-recommends"], packages].concat(), by_hand)
}

/// apt-get as root, or through a sudo that does not ask.
fn run(arguments: &[&str], by_hand: &str) -> Result<()> {
    let root = process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = if root {
        Command::new(PROGRAM)
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", PROGRAM]);
        sudo
    };
    command.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    process::capture(&mut command).map(drop).with_context(|| by_hand.to_owned())
}

//! A real Chromium: one that is there, else Debian's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Looked for in this order on the PATH.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Where macOS keeps them.
const APPS: &[&str] = &[
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// The browser's program: `$HEADWATER_CHROMIUM`, one found, or one installed by apt.
pub(crate) fn find_or_install() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    println!("  no Chromium found: installing Debian's (about 100 MB)");
    apt(&["update", "-q"])?;
    apt(&["install", "-yq", "--no-install-recommends", "chromium"])?;
    find().context("apt installed chromium, yet none is on the PATH")
}

fn find() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("HEADWATER_CHROMIUM") {
        return Some(PathBuf::from(chosen));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = NAMES
        .iter()
        .flat_map(|name| {
            std::env::split_paths(&path).map(move |folder| folder.join(name)).collect::<Vec<_>>()
        })
        .find(|file| file.is_file());
    on_path.or_else(|| APPS.iter().map(PathBuf::from).find(|file| file.is_file()))
}

/// apt-get as root, or through a sudo that does not ask.
fn apt(arguments: &[&str]) -> Result<()> {
    const BY_HAND: &str = "install Chromium or Chrome by hand and name it in HEADWATER_CHROMIUM";
    if !Path::new("/usr/bin/apt-get").is_file() {
        bail!("no Chromium found and no apt here: {BY_HAND}");
    }
    let root = process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = if root {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    };
    command.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    process::capture(&mut command).map(drop).with_context(|| BY_HAND.to_owned())
}

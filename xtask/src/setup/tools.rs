//! The Node packages of one folder, as its lock file says. npm keeps what it downloads in its own cache, by checksum,
//! so a second checkout installs without the network.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// The oldest Node that has a stable `node --test` and `fetch`.
const OLDEST_NODE: u32 = 20;

/// Installs `folder`'s packages unless they are installed already.
pub(super) fn install(folder: &Path) -> Result<()> {
    check_node()?;
    let changed = |file: &str| folder.join(file).metadata().and_then(|data| data.modified()).ok();
    // npm writes this file last, so one that is there and no older than the lock file vouches for the rest.
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_some() && installed >= changed("package-lock.json") {
        return Ok(());
    }
    println!("  npm packages of {}", folder.file_name().unwrap_or_default().to_string_lossy());
    process::capture(
        Command::new("npm")
            // None of them needs its install script: their binaries are packages of their own.
            .args(["ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(folder),
    )
    .map(drop)
}

/// Fails with advice when Node or npm is missing or too old.
fn check_node() -> Result<()> {
    let advice =
        format!("Node {OLDEST_NODE} or newer with npm is needed: install it with your package manager");
    if !process::on_path("npm") {
        bail!("npm is not on the PATH. {advice}");
    }
    let version = process::capture(Command::new("node").arg("--version")).context(advice.clone())?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST_NODE) {
        bail!("this is Node {}. {advice}", version.trim());
    }
    Ok(())
}

//! Viceroy, Fastly's runtime for one's own machine: from source, once, into the cache.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::cache;
use crate::process;

/// The release that was tried here.
const VERSION: &str = "0.22.0";

/// The program if it was built; with `must_have`, it is built now.
pub(super) fn find(must_have: bool) -> Result<Option<PathBuf>> {
    let name = format!("viceroy-{VERSION}");
    if !must_have && !cache::folder()?.join(&name).is_dir() {
        return Ok(None);
    }
    let entry = cache::entry(&name, |folder| {
        println!("  Viceroy {VERSION} from source (some 17 CPU minutes, once)");
        let target = tempfile::tempdir()?;
        let mut command = process::cargo(folder);
        command.args(["install", "viceroy", "--version", VERSION, "--locked", "--quiet", "--no-track"]);
        process::run(command.arg("--root").arg(folder).arg("--target-dir").arg(target.path()))
            .with_context(|| format!("by hand: cargo install viceroy --version {VERSION} --locked"))
    })?;
    Ok(Some(entry.join("bin/viceroy")))
}

//! The Fastly program.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::gzipped;
use crate::{process, programs, wasm};

/// Where [`build`] puts it, as Fastly's command line expects it.
pub(super) fn program(root: &Path) -> PathBuf {
    root.join("edge-worker/fastly/bin/main.wasm")
}

/// Builds it; what it is in bytes.
pub(super) fn build(root: &Path) -> Result<String> {
    let name = "headwater-fastly";
    let mut built = programs::build(root, &["-p", name, "--target", wasm::SYSTEM, "--profile", "wasm"])?;
    let linked = built.remove(name).with_context(|| format!("cargo named no program {name}"))?;
    let program = program(root);
    std::fs::create_dir_all(program.parent().context("a file in a folder")?)?;
    let strip = root.join("edge-worker/fastly/tools/strip.mjs");
    process::run(Command::new("node").arg(strip).arg(&linked).arg(&program))?;
    Ok(format!("headwater-fastly: {} bytes gzip, in {}", gzipped(&[&program])?, program.display()))
}

//! Building programs of the workspace, and finding them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    profile: Option<Built>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Built {
    test: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// `cargo build` with these arguments, its progress shown: the programs by name.
pub(crate) fn build(root: &Path, arguments: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    cargo(root, "build", arguments)
}

/// As [`build`], by the build of tests: the programs that they start.
pub(crate) fn build_for_tests(root: &Path, arguments: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    cargo(root, "test", &[&["--no-run"], arguments].concat())
}

fn cargo(root: &Path, command: &str, arguments: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    let output = process::cargo(root)
        .args([command, "--message-format=json-render-diagnostics"])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cargo {command} does not start"))?;
    if !output.status.success() {
        bail!("cargo {command} {} failed", arguments.join(" "));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.profile.as_ref().is_some_and(|profile| !profile.test))
        .filter_map(|message| Some((message.target?.name, message.executable?)))
        .collect())
}

/// Builds all that the tests need. One selection for everything: with another one cargo unifies features differently and
/// compiles DuckDB's bindings a second time.
pub(crate) fn build_everything(root: &Path) -> Result<BTreeMap<String, PathBuf>> {
    build(root, &["--workspace", "--all-targets"])
}

/// Builds program `name` of `package` in release.
pub(crate) fn release(root: &Path, package: &str, name: &str) -> Result<PathBuf> {
    build(root, &["-p", package, "--bin", name, "--release"])?
        .remove(name)
        .with_context(|| format!("cargo named no program {name}"))
}

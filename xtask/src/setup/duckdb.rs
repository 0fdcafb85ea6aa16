//! libduckdb, prebuilt: DuckDB's own Node package carries it, so nobody compiles DuckDB (28 CPU minutes).

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::cache;
use crate::process;

/// The DuckDB that the `duckdb` crate 1.10506 speaks to.
const VERSION: &str = "1.5.6";
/// The npm release of its Node bindings.
const PACKAGE: &str = "1.5.6-r.1";
/// npm's integrity of the packages that were tried here: (platform, integrity).
const PINNED: &[(&str, &str)] = &[(
    "linux-x64",
    "sha512-IXcrZJE6kEqM0Z4wwdVnGBHX/frOS33VPNAwDXQ/Q+Fs84b058Qe94chrCCIcNJlG8Y3UHIUU4eBeCQxW5mN1Q==",
)];

/// Puts libduckdb into the cache and `.deps/duckdb` (see `.cargo/config.toml`) in front of it.
pub(super) fn install(root: &Path) -> Result<()> {
    let link = root.join(".deps/duckdb");
    let (platform, library) = platform()?;
    if let Some(own) = own_library(&link, library) {
        println!("  using {}", own.display());
        return Ok(());
    }
    let entry = cache::entry(&format!("duckdb-{VERSION}"), |folder| download(folder, platform, library))?;
    cache::link(&entry, &link)
}

/// A directory (not a link of ours) with a library in it was put there by hand.
fn own_library(place: &Path, library: &str) -> Option<std::path::PathBuf> {
    let file = place.join(library);
    (!place.is_symlink() && file.is_file()).then_some(file)
}

fn platform() -> Result<(&'static str, &'static str)> {
    Ok(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "aarch64") => ("linux-arm64", "libduckdb.so"),
        ("linux", "x86_64") => ("linux-x64", "libduckdb.so"),
        ("macos", "aarch64") => ("darwin-arm64", "libduckdb.dylib"),
        ("macos", "x86_64") => ("darwin-x64", "libduckdb.dylib"),
        (os, arch) => bail!(
            "no prebuilt libduckdb is known for {os} on {arch}. Put DuckDB {VERSION} (library and import library, \
             from its \"libduckdb\" release archive) into .deps/duckdb and run this again"
        ),
    })
}

#[derive(Deserialize)]
struct Lock {
    packages: std::collections::BTreeMap<String, Locked>,
}

#[derive(Deserialize)]
struct Locked {
    integrity: Option<String>,
}

fn download(folder: &Path, platform: &str, library: &str) -> Result<()> {
    let name = format!("@duckdb/node-bindings-{platform}");
    println!("  {name} {PACKAGE} from npm (70 MB)");
    let scratch = tempfile::tempdir_in(folder)?;
    std::fs::write(scratch.path().join("package.json"), "{\"private\":true}")?;
    process::capture(
        Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"])
            .arg(format!("{name}@{PACKAGE}"))
            .current_dir(scratch.path()),
    )
    .context("npm could not bring DuckDB; Node 20 or newer with npm is needed")?;
    check_integrity(scratch.path(), &name, platform)?;
    let package = scratch.path().join("node_modules").join(&name);
    for file in [library, "LICENSE"] {
        std::fs::rename(package.join(file), folder.join(file))
            .with_context(|| format!("{name} {PACKAGE} has no {file}"))?;
    }
    Ok(())
}

/// npm has checked the archive against the integrity it wrote into its lock file; here that is checked against ours.
fn check_integrity(folder: &Path, name: &str, platform: &str) -> Result<()> {
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    let lock: Lock = serde_json::from_slice(&lock).context("npm's lock file")?;
    let found = lock
        .packages
        .get(&format!("node_modules/{name}"))
        .and_then(|locked| locked.integrity.as_deref())
        .unwrap_or("none");
    match PINNED.iter().find(|(known, _)| *known == platform) {
        Some((_, pinned)) if *pinned == found => {}
        Some((_, pinned)) => bail!("{name} {PACKAGE}: integrity {found}, expected {pinned}"),
        None => println!("  no checksum is pinned for {platform}; npm reports {found}"),
    }
    Ok(())
}

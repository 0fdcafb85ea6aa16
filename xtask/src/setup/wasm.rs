//! The standard library for a target of WebAssembly: already there, or by rustup, or built from Debian's sources of
//! the same Rust (a machine whose network reaches package mirrors but not rustup's server).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{cache, rustup};
use crate::process;

/// Releases of Debian that carry newer Rust sources than its stable one.
const SUITES: [&str; 2] = ["trixie-backports", "sid"];

pub(super) fn install(target: &str) -> Result<()> {
    if is_there(target)? {
        return Ok(());
    }
    if rustup::add(&["target", "add", target]) && is_there(target)? {
        return Ok(());
    }
    if !process::on_path("apt-get") {
        bail!(
            "the Rust target {target} is missing: `rustup target add {target}` (or your distribution's package)"
        );
    }
    println!("  rustup could not: building std from Debian's rust-src (about 3 CPU minutes, once)");
    build_from_debian(target)
        .with_context(|| format!("std for {target}; by hand: rustup target add {target}"))
}

fn is_there(target: &str) -> Result<bool> {
    let folder = rustup::rustc(&["--print", "target-libdir", "--target", target])?;
    let Ok(items) = std::fs::read_dir(folder) else { return Ok(false) };
    Ok(items.flatten().any(|item| {
        let std = item.file_name().to_string_lossy().starts_with("libstd-");
        std && item.path().extension().is_some_and(|end| end == "rlib")
    }))
}

fn build_from_debian(target: &str) -> Result<()> {
    let version = rustup::version("release")?.context("rustc -vV names no release")?;
    let work = cache::folder()?.join(format!("rust-src-{version}"));
    std::fs::create_dir_all(&work)?;
    let library = work.join("library");
    if !library.is_dir() {
        download_sources(&work, &version)?;
    }
    let output = work.join("target");
    process::run(
        process::cargo(&work)
            .args([
                "build",
                "--profile",
                "dist",
                "--features",
                "backtrace",
                "--target",
                target,
                "--manifest-path",
            ])
            .arg(library.join("sysroot/Cargo.toml"))
            .env("CARGO_TARGET_DIR", &output)
            // What rustc's own build sets so that the result is accepted as its standard library.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_DEFAULT_LIB_METADATA", "stablestd")
            .env("RUSTFLAGS", "-Zforce-unstable-if-unmarked"),
    )?;
    let place = PathBuf::from(rustup::rustc(&["--print", "target-libdir", "--target", target])?);
    std::fs::create_dir_all(&place)?;
    for item in std::fs::read_dir(output.join(target).join("dist/deps"))?.flatten() {
        let name = item.file_name().to_string_lossy().into_owned();
        let library = Path::new(&name).extension().is_some_and(|end| end == "rlib");
        if library && !name.starts_with("libsysroot-") {
            std::fs::copy(item.path(), place.join(&name))?;
        }
    }
    if !is_there(target)? {
        bail!("the build left no libstd in {}", place.display());
    }
    Ok(())
}

/// Fetches `rust-src` of exactly this version through an apt configuration of its own: nothing of the system's changes,
/// and the mirror is the one this machine already uses.
fn download_sources(work: &Path, version: &str) -> Result<()> {
    let apt = work.join("apt");
    for folder in ["lists/partial", "cache/archives/partial"] {
        std::fs::create_dir_all(apt.join(folder))?;
    }
    let mirrors = process::capture(Command::new("apt-get").args([
        "indextargets",
        "Created-By: Packages",
        "Label: Debian",
        "--format",
        "$(REPO_URI)",
    ]))?;
    let mirror = mirrors.lines().next().context("apt knows no mirror")?;
    let key = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let lines = SUITES.map(|suite| format!("deb [signed-by={key}] {mirror} {suite} main\n")).concat();
    let list = apt.join("sources.list");
    std::fs::write(&list, lines)?;
    let options = [
        format!("Dir::Etc::sourcelist={}", list.display()),
        "Dir::Etc::sourceparts=-".to_owned(),
        format!("Dir::State::lists={}", apt.join("lists").display()),
        format!("Dir::Cache={}", apt.join("cache").display()),
        "APT::Sandbox::User=root".to_owned(),
        "Acquire::Languages=none".to_owned(),
    ];
    let with_options = |program: &str| {
        let mut command = Command::new(program);
        command.arg("-qq").current_dir(work);
        for option in &options {
            command.args(["-o", option]);
        }
        command
    };
    process::capture(with_options("apt-get").arg("update"))?;
    let known = process::capture(with_options("apt-cache").args(["madison", "rust-src"]))?;
    let exact = known
        .lines()
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .find(|candidate| candidate.starts_with(&format!("{version}+dfsg")))
        .with_context(|| format!("Debian has no rust-src {version}"))?;
    process::capture(with_options("apt-get").args(["download", &format!("rust-src={exact}")]))?;
    let archive = std::fs::read_dir(work)?
        .flatten()
        .map(|item| item.path())
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .context("apt-get download left no package")?;
    let unpacked = tempfile::tempdir_in(work)?;
    process::capture(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(unpacked.path()))?;
    let sources = unpacked.path().join(format!("usr/src/rustc-{version}/library"));
    std::fs::rename(sources, work.join("library"))?;
    std::fs::remove_file(archive)?;
    Ok(())
}

//! A real schema registry: Apicurio's program from Maven's registry by the machine's own `mvn`. It speaks Confluent's API.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{cache, kafka};
use crate::process;

/// The last release that Java 17 runs.
const VERSION: &str = "3.0.9";
/// SHA-256 of its archive.
const PINNED: &str = "2b28181501a20cbf6efcd77f9b7153908fc01f3d3a7c32024c0bd9e1b04c8a43";

/// What starts a registry.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    pub(crate) java: PathBuf,
    /// Of its jars.
    pub(crate) folder: PathBuf,
    /// In the folder.
    pub(crate) jar: PathBuf,
}

/// Finds or brings it.
pub(super) fn install() -> Result<Registry> {
    let java = kafka::java_or_install()?;
    let folder = cache::entry(&format!("apicurio-{VERSION}-{}", &PINNED[..12]), download)?;
    let files = std::fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?;
    let is_it = |path: &&PathBuf| path.to_string_lossy().ends_with("-runner.jar");
    let jar = files.iter().find(is_it).context("the registry's archive has no program")?.clone();
    Ok(Registry { java, folder, jar })
}

fn download(folder: &Path) -> Result<()> {
    kafka::need_maven()?;
    println!("  Apicurio Registry {VERSION} by Maven (109 MB, once)");
    let scratch = tempfile::tempdir()?;
    let artifact = format!("io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all");
    process::capture(
        Command::new("mvn")
            .args(["-q", "-B", "dependency:copy"])
            .arg(format!("-Dartifact={artifact}"))
            .arg(format!("-DoutputDirectory={}", scratch.path().display()))
            .current_dir(scratch.path()),
    )
    .context("Maven could not bring the registry")?;
    let archive = scratch.path().join(format!("apicurio-registry-app-{VERSION}-all.tar.gz"));
    let found = kafka::hex(&std::fs::read(&archive)?);
    if found != PINNED {
        bail!("the archive of Apicurio Registry {VERSION} has the checksum {found}, expected {PINNED}");
    }
    process::capture(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder)).map(drop)
}

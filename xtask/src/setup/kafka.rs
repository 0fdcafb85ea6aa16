//! A real Kafka: its jars from Maven's registry by the machine's own `mvn`, and a Java to run them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use headwater_rig::kafka::Kafka;
use sha2::{Digest, Sha256};

use super::{apt, cache};
use crate::process;

/// The release that was tried here.
const VERSION: &str = "4.3.1";
/// What Kafka writes its log with; not one of its own dependencies.
const LOG4J: &str = "2.25.4";
/// SHA-256 over the lines `NAME SHA-256` of its 92 jars, by name.
const PINNED: &str = "0edf25af69fbdc0117d1abd7e7f3774a9b1feb0bae9ea76667041600b47e0cad";
/// The oldest Java that runs it.
const OLDEST_JAVA: u32 = 17;

const ADVICE: &str = "a Java 17 or newer on the PATH runs Kafka (Debian: apt-get install openjdk-17-jre-headless), \
                      and Maven brings it (apt-get install maven)";

/// Finds or brings it.
pub(super) fn install() -> Result<Kafka> {
    let java = java_or_install()?;
    let jars = cache::entry(&format!("kafka-{VERSION}-{}", &PINNED[..12]), download)?;
    Ok(Kafka { java, jars })
}

/// A Java that runs it, installed if need be.
pub(super) fn java_or_install() -> Result<PathBuf> {
    match java()? {
        Some(java) => Ok(java),
        None if apt::is_here() => {
            apt::install(&["openjdk-17-jre-headless"], ADVICE)?;
            java()?.context(ADVICE)
        }
        None => bail!("{ADVICE}"),
    }
}

/// The Java on the PATH, if it is new enough.
fn java() -> Result<Option<PathBuf>> {
    let Some(java) = process::find("java") else { return Ok(None) };
    // It writes its version to standard error, and as a setting to standard output.
    let settings = process::capture(Command::new(&java).args(["--version"]))?;
    let found = settings.split_whitespace().nth(1).unwrap_or_default();
    let major: u32 = found.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default();
    if major < OLDEST_JAVA {
        println!("  {} is Java {found}", java.display());
        return Ok(None);
    }
    Ok(Some(java))
}

fn download(folder: &Path) -> Result<()> {
    need_maven()?;
    println!("  Kafka {VERSION} by Maven (92 jars, 55 MB, once)");
    let scratch = tempfile::tempdir()?;
    let pom = scratch.path().join("pom.xml");
    let wanted = [
        ("org.apache.kafka", "kafka_2.13", VERSION),
        ("org.apache.kafka", "kafka-tools", VERSION),
        ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J),
    ];
    let wanted = wanted.map(|(group, name, version)| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        )
    });
    let text = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
         <groupId>dev.headwater</groupId><artifactId>kafka</artifactId><version>1</version>\
         <dependencies>{}</dependencies></project>",
        wanted.concat()
    );
    std::fs::write(&pom, text)?;
    process::capture(
        Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(&pom)
            .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
            .arg(format!("-DoutputDirectory={}", folder.display())),
    )
    .context("Maven could not bring Kafka")?;
    let found = checksum(folder)?;
    if found != PINNED {
        bail!("the jars of Kafka {VERSION} have the checksum {found}, expected {PINNED}");
    }
    Ok(())
}

pub(super) fn need_maven() -> Result<()> {
    if process::on_path("mvn") {
        return Ok(());
    }
    if !apt::is_here() {
        bail!("{ADVICE}");
    }
    apt::install(&["maven"], ADVICE)
}

/// SHA-256 over the names and the SHA-256 of all files.
fn checksum(folder: &Path) -> Result<String> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.sort();
    let mut lines = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        writeln!(lines, "{name} {}", hex(&std::fs::read(&file)?))?;
    }
    Ok(hex(lines.as_bytes()))
}

/// SHA-256 as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        // Writing into a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

//! The data: 31,106 shop events out of the PyPI package `retentioneering` 5.2.4 (Apache-2.0), fetched at run time.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde::Deserialize;
use uuid::Uuid;

use super::SITE;
use crate::process;
use crate::setup::{cache, python};

/// Where the file lies inside the package.
const INSIDE: &str = "retentioneering/datasets/ecom.csv.gz";

/// One row as an event.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) session: String,
    /// Unix ms.
    pub(super) ts: i64,
}

/// One user's rows, in the order of the file: a stream, whose position is `seq`.
pub(super) struct Stream {
    pub(super) id: Uuid,
    pub(super) user: String,
    pub(super) rows: Vec<Row>,
}

/// The file in the cache; pip downloads the package and checks its pinned hash the first time.
pub(super) fn fetch(root: &Path) -> Result<PathBuf> {
    let entry = cache::entry("retentioneering-5.2.4", |folder| {
        println!("  retentioneering 5.2.4 from PyPI (1.2 MB)");
        let python = python::find()?;
        let scratch = tempfile::tempdir_in(folder)?;
        process::capture(
            Command::new(python)
                .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
                .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
                .arg(root.join("tests/replay/requirements.txt"))
                .arg("--dest")
                .arg(scratch.path()),
        )
        .context("pip could not bring the data (Debian: apt-get install python3-pip)")?;
        let package = std::fs::read_dir(scratch.path())?.next().context("pip downloaded nothing")??.path();
        // A wheel is a zip archive.
        let unpacked = scratch.path().join("unpacked");
        process::capture(Command::new(python).args(["-m", "zipfile", "-e"]).arg(package).arg(&unpacked))?;
        std::fs::rename(unpacked.join(INSIDE), folder.join("ecom.csv.gz")).context(INSIDE)
    })?;
    Ok(entry.join("ecom.csv.gz"))
}

/// Reads the file into one stream per user.
pub(super) fn read(file: &Path) -> Result<Vec<Stream>> {
    #[derive(Deserialize)]
    struct Line {
        user_id: String,
        session_id: String,
        event: String,
        timestamp: String,
    }
    let mut streams: Vec<Stream> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let text = GzDecoder::new(File::open(file).with_context(|| file.display().to_string())?);
    for line in csv::Reader::from_reader(text).deserialize() {
        let line: Line = line?;
        let number = *known.entry(line.user_id.clone()).or_insert_with(|| {
            // The same user is the same stream in every replay, so a second replay is copies, not new events.
            let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{SITE}/{}", line.user_id).as_bytes());
            streams.push(Stream { id, user: line.user_id, rows: Vec::new() });
            streams.len() - 1
        });
        let ts = unix_ms(&line.timestamp).with_context(|| format!("timestamp {:?}", line.timestamp))?;
        streams[number].rows.push(Row { name: line.event, session: line.session_id, ts });
    }
    Ok(streams)
}

/// `YYYY-MM-DD hh:mm:ss` in UTC as Unix ms.
fn unix_ms(text: &str) -> Option<i64> {
    let time: jiff::civil::DateTime = text.parse().ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_utc() {
        assert_eq!(unix_ms("2024-03-13 10:21:14"), Some(1_710_325_274_000));
        assert_eq!(unix_ms("2024-03-13"), Some(1_710_288_000_000));
        assert_eq!(unix_ms("yesterday"), None);
    }
}

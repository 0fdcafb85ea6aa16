//! Records as lines of a file.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use headwater_bridge_flow::To;
use headwater_service::lock;
use serde::Serialize;

use super::{
    Produce,
    disk::{Opener, Store},
    incarnation,
};

pub(super) struct Lines {
    incarnation: u128,
    events: File,
    letters: File,
    pending: Vec<u8>,
    _lock: File,
}

impl Lines {
    pub(super) fn opener(path: PathBuf) -> Opener<Self> {
        Box::new(move || {
            Ok(Self {
                _lock: lock::take_file(&beside(&path, ".lock"))?,
                incarnation: incarnation::of(&beside(&path, ".incarnation"))?,
                events: open(&path)?,
                letters: open(&beside(&path, ".dead-letters"))?,
                pending: Vec::new(),
            })
        })
    }
}

impl Store for Lines {
    fn incarnation(&self) -> u128 {
        self.incarnation
    }

    fn append(&mut self, record: &Produce) -> io::Result<Result<(), String>> {
        match &record.to {
            To::DeadLetters { reason, cut } => {
                let mut line = letter(&record.body, reason, *cut);
                line.push(b'\n');
                self.letters.write_all(&line)?;
            }
            To::Events { .. } => {
                self.pending.extend_from_slice(&record.body);
                self.pending.push(b'\n');
            }
        }
        Ok(Ok(()))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.events.write_all(&self.pending)?;
        self.pending.clear();
        self.letters.sync_data()?;
        self.events.sync_data()
    }
}

/// For appending; a line that a crash cut short is ended, so that the next one begins a line.
fn open(path: &Path) -> io::Result<File> {
    let mut file = File::options().create(true).append(true).read(true).open(path)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A dead letter where there are no headers: its bytes as text, or in hexadecimal if they are none.
pub(super) fn letter(body: &[u8], reason: &str, cut: bool) -> Vec<u8> {
    #[derive(Serialize)]
    struct Letter<'a> {
        reason: &'a str,
        cut: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        hex: Option<String>,
    }
    let text = std::str::from_utf8(body).ok();
    let hex = text.is_none().then(|| crate::hex::encode(body));
    serde_json::to_vec(&Letter { reason, cut, text, hex }).expect("text into memory")
}

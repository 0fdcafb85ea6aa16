//! What a sender was told is accepted: a file of lines, one per event, written after `track` returned.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Events of one life of one sender: they carry a name of their own.
pub(crate) fn event_name(sender: usize, life: usize) -> String {
    format!("sender-{sender}-life-{life}")
}

/// Where a life writes its tally.
pub(crate) fn path(dir: &Path, sender: usize, life: usize) -> PathBuf {
    dir.join(format!("{}.tally", event_name(sender, life)))
}

pub(crate) struct Tally(File);

impl Tally {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        OpenOptions::new().append(true).create_new(true).open(path).map(Self)
    }

    /// One write, so that a kill leaves it in the file or not.
    pub(crate) fn accepted(&mut self) -> io::Result<()> {
        self.0.write_all(b"+\n")
    }
}

/// How many events the sender wrote down; 0 if it died before it began.
pub(crate) fn count(path: &Path) -> io::Result<u64> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() / 2),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

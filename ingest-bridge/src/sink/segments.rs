//! Records in segment files, as the embedded log has them.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
};

use headwater_bridge_flow::To;
use headwater_segments::{Error, Log, Options};
use headwater_service::lock;

use super::{
    Produce,
    disk::{Opener, Store},
    file::letter,
    incarnation,
};

pub(super) struct Segments {
    incarnation: u128,
    events: Log,
    letters: Log,
    _lock: File,
}

impl Segments {
    pub(super) fn opener(dir: PathBuf) -> Opener<Self> {
        Box::new(move || {
            fs::create_dir_all(&dir)?;
            let lock = lock::take(&dir)?;
            let open = |dir: PathBuf| Log::open(dir, Options::default()).map_err(io::Error::other);
            Ok(Self {
                incarnation: incarnation::of(&dir.join("incarnation"))?,
                events: open(dir.clone())?,
                letters: open(dir.join("dead-letters"))?,
                _lock: lock,
            })
        })
    }
}

impl Store for Segments {
    fn incarnation(&self) -> u128 {
        self.incarnation
    }

    fn append(&mut self, record: &Produce) -> io::Result<Result<(), String>> {
        let appended = match &record.to {
            To::DeadLetters { reason, cut } => self.letters.append(&[letter(&record.body, reason, *cut)]),
            To::Events { .. } => self.events.append(&[&record.body]),
        };
        match appended {
            Ok(_) => Ok(Ok(())),
            Err(error @ Error::RecordSize(_)) => Ok(Err(error.to_string())),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.letters.sync().and_then(|_| self.events.sync()).map(drop).map_err(io::Error::other)
    }
}

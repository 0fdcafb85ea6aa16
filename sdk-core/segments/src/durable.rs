//! The file `durable`: how far the log was fsynced, as a lower bound.
//!
//! It is written after each fsync and never fsynced itself: after the death of the process it is
//! exact, after power loss it may be older. So records below it were acknowledged for certain, and
//! damage there is never mistaken for a torn tail.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use headwater_core::frame::{self, Header};

use crate::Error;

const NAME: &str = "durable";

pub(crate) struct Mark {
    file: File,
}

impl Mark {
    /// Opens or creates it; a mark that is missing or torn says 0.
    pub(crate) fn open(dir: &Path) -> Result<(Self, u64), Error> {
        let path = dir.join(NAME);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let mut bytes = Vec::new();
        (&mut file).take(64).read_to_end(&mut bytes).map_err(Error::io("read", &path))?;
        let durable = frame::frames(&bytes)
            .next()
            .and_then(|content| content.try_into().ok())
            .map_or(0, u64::from_le_bytes);
        Ok((Self { file }, durable))
    }

    pub(crate) fn write(&mut self, durable: u64) -> io::Result<()> {
        let content = durable.to_le_bytes();
        let header = Header::of(&content).map_err(io::Error::other)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&[&header.to_bytes()[..], &content].concat())
    }
}

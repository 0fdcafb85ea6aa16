use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use crate::{
    Error, Problem, files,
    scan::{Frames, Next},
};

/// Reads a log by offset, in this or another process, also while it is written.
pub struct Reader {
    dir: PathBuf,
    base: u64,
    path: PathBuf,
    frames: Frames,
    offset: u64,
}

impl Reader {
    /// A reader whose next record is `offset`, which may be the end of the log.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when `offset` was dropped or lies beyond the end, [`Error::Corrupt`] when
    /// a record before it in the same segment is damaged.
    pub fn open(dir: impl Into<PathBuf>, offset: u64) -> Result<Self, Error> {
        let dir = dir.into();
        let bases = files::segment_bases(&dir)?;
        let last = bases.last().copied().unwrap_or(0);
        let Some(base) = bases.iter().copied().rfind(|base| *base <= offset) else {
            let first = bases.first().copied().unwrap_or(0);
            return Err(Error::OutOfRange { offset, first, end: last });
        };
        let path = files::segment_path(&dir, base);
        let frames = open_frames(&path)?;
        let mut reader = Self { dir, base, path, frames, offset: base };
        while reader.offset < offset {
            match reader.frames.next().map_err(Error::io("read", &reader.path))? {
                Next::Record(_) => reader.offset += 1,
                Next::End | Next::Torn if base == last => {
                    return Err(Error::OutOfRange { offset, first: bases[0], end: reader.offset });
                }
                Next::End => return Err(reader.corrupt(Problem::Gap)),
                Next::Bad | Next::Torn => return Err(reader.corrupt(Problem::BadFrame)),
            }
        }
        reader.forget_ahead()?;
        Ok(reader)
    }

    /// The offset of the next record.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next records below offset `below`, with their offsets, until they add up to `max_bytes` or
    /// more; empty only when there are none. `below` must not exceed what was written;
    /// who acknowledges or commits what it read gives the fsynced end
    /// ([`Log::durable_end`](crate::Log::durable_end)), since power loss takes back what lies beyond.
    ///
    /// # Errors
    /// [`Error::Corrupt`] names the record that is damaged or missing; the records before it have been
    /// returned by then, and a further call fails again.
    pub fn read_batch(&mut self, max_bytes: usize, below: u64) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let outcome = self.read_into(&mut batch, &mut bytes, max_bytes, below);
        self.forget_ahead()?;
        match outcome {
            Err(error) if batch.is_empty() => Err(error),
            _ => Ok(batch),
        }
    }

    fn read_into(
        &mut self,
        batch: &mut Vec<(u64, Vec<u8>)>,
        bytes: &mut usize,
        max_bytes: usize,
        below: u64,
    ) -> Result<(), Error> {
        while self.offset < below && (batch.is_empty() || *bytes < max_bytes) {
            match self.frames.next().map_err(Error::io("read", &self.path))? {
                Next::Record(record) => {
                    *bytes += record.len();
                    batch.push((self.offset, record.to_vec()));
                    self.offset += 1;
                }
                Next::End => self.advance(below)?,
                Next::Bad | Next::Torn => return Err(self.corrupt(Problem::BadFrame)),
            }
        }
        Ok(())
    }

    /// Goes on to the segment that begins where this one ends.
    fn advance(&mut self, below: u64) -> Result<(), Error> {
        if self.base == self.offset {
            return Err(self.corrupt(Problem::EndsBeforeDurable { durable: below }));
        }
        let path = files::segment_path(&self.dir, self.offset);
        match open_frames(&path) {
            Ok(frames) => {
                (self.base, self.path, self.frames) = (self.offset, path, frames);
                Ok(())
            }
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(self.no_next_segment(below)?)
            }
            Err(error) => Err(error),
        }
    }

    fn no_next_segment(&self, below: u64) -> Result<Error, Error> {
        let bases = files::segment_bases(&self.dir)?;
        Ok(match (bases.first(), bases.last()) {
            (Some(&first), Some(&end)) if first > self.offset => {
                Error::OutOfRange { offset: self.offset, first, end }
            }
            (_, Some(&last)) if last > self.offset => self.corrupt(Problem::Gap),
            _ => self.corrupt(Problem::EndsBeforeDurable { durable: below }),
        })
    }

    fn forget_ahead(&mut self) -> Result<(), Error> {
        self.frames.forget_ahead().map_err(Error::io("seek", &self.path))
    }

    fn corrupt(&self, problem: Problem) -> Error {
        Error::Corrupt {
            file: self.path.clone(),
            offset: self.offset,
            position: self.frames.position(),
            problem,
        }
    }
}

fn open_frames(path: &Path) -> Result<Frames, Error> {
    File::open(path).map(Frames::new).map_err(Error::io("open", path))
}

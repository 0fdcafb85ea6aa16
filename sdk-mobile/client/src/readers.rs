//! Reads event bodies back from the journal.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use headwater_segments::{Error, Reader};

use crate::journal::{Location, body_of_call};

/// A reader that would have to pass over more records than this is opened anew where the next body is.
const NEAR: u64 = 1_000;

/// How much is read at once, in bytes: about one request.
const CHUNK_BYTES: usize = 512 << 10;

/// One reader per opening, left where the last request ended: requests mostly follow one another.
#[derive(Default)]
pub(crate) struct Readers(BTreeMap<u32, Reader>);

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("it is gone or damaged")]
    Gone,
    /// Perhaps later.
    #[error(transparent)]
    NotNow(Error),
}

impl Readers {
    /// The bodies at `locations`, which ascend within an opening. `dir_of` knows where openings are.
    pub(crate) fn read(
        &mut self,
        locations: &[Location],
        dir_of: impl Fn(u32) -> Option<PathBuf>,
    ) -> Result<Vec<String>, ReadError> {
        let mut bodies = Vec::with_capacity(locations.len());
        for run in locations.chunk_by(|a, b| a.opening == b.opening && a.offset < b.offset) {
            let dir = dir_of(run[0].opening).ok_or(ReadError::Gone)?;
            match self.read_run(&dir, run) {
                // There may be damage between two of them.
                Err(ReadError::Gone) if run.len() > 1 => {
                    for location in run.chunks(1) {
                        bodies.extend(self.read_run(&dir, location)?);
                    }
                }
                read => bodies.extend(read?),
            }
        }
        Ok(bodies)
    }

    /// Keeps the readers of openings that are still there.
    pub(crate) fn retain(&mut self, is_there: impl Fn(u32) -> bool) {
        self.0.retain(|opening, _| is_there(*opening));
    }

    fn read_run(&mut self, dir: &Path, run: &[Location]) -> Result<Vec<String>, ReadError> {
        let mut bodies = Vec::with_capacity(run.len());
        let Some((&Location { opening, offset: first }, last)) = run.first().zip(run.last()) else {
            return Ok(bodies);
        };
        let near = |reader: &Reader| reader.offset() <= first && first - reader.offset() < NEAR;
        let mut reader = match self.0.remove(&opening).filter(near) {
            Some(reader) => reader,
            None => Reader::open(dir, first)?,
        };
        let mut wanted = run.iter().map(|location| location.offset).peekable();
        while reader.offset() <= last.offset {
            for (offset, bytes) in reader.read_batch(CHUNK_BYTES, last.offset + 1)? {
                if wanted.next_if_eq(&offset).is_some() {
                    bodies.push(body_of_call(&bytes).ok_or(ReadError::Gone)?.to_owned());
                }
            }
        }
        self.0.insert(opening, reader);
        Ok(bodies)
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        match error {
            Error::Corrupt { .. } | Error::OutOfRange { .. } => Self::Gone,
            Error::Io { ref source, .. } if source.kind() == io::ErrorKind::NotFound => Self::Gone,
            error => Self::NotNow(error),
        }
    }
}

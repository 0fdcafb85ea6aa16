use std::{io, path::PathBuf};

/// Why a log could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The files do not hold what was acknowledged. Nothing was skipped or changed.
    #[error("{}: record {offset} at byte {position}: {problem}", file.display())]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// The record that is damaged or missing.
        offset: u64,
        /// Where it begins in `file`.
        position: u64,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The operating system refused.
    #[error("{operation} {}: {source}", path.display())]
    Io {
        /// What was tried ("open", "fsync", …).
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The offset asked for is not in this log: dropped, or beyond its end.
    #[error("offset {offset} is outside the log, which holds {first}..{end}")]
    OutOfRange {
        /// The offset asked for.
        offset: u64,
        /// The oldest record there is.
        first: u64,
        /// One more than the newest record there is.
        end: u64,
    },
    /// An earlier write or fsync failed; the log must be opened anew.
    #[error("an earlier write to the log failed; it must be opened anew")]
    Poisoned,
    /// A record is empty or longer than [`MAX_RECORD_BYTES`](crate::MAX_RECORD_BYTES).
    #[error("a record of {0} bytes cannot be written (1 to {max} can)", max = crate::MAX_RECORD_BYTES)]
    RecordSize(usize),
}

impl Error {
    pub(crate) fn io(operation: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { operation, path, source }
    }
}

/// What is wrong with a record of a damaged log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Length or checksum do not fit the bytes.
    #[error("length and checksum do not fit the bytes")]
    BadFrame,
    /// The log ends before a record that was fsynced. If this is wanted (a partial restore), remove
    /// the file `durable` beside the segments: opening then takes the log as it is.
    #[error(
        "the log ends here, but records up to {durable} had been fsynced (removing the file `durable` \
         accepts the loss)"
    )]
    EndsBeforeDurable {
        /// One more than the newest record known to have been fsynced.
        durable: u64,
    },
    /// The file ends although a later segment follows, or the segment that should follow is not there.
    #[error("the next segment does not begin where this one ends")]
    Gap,
}

//! Append-only segment files: the log of the embedded server, the spool of the bridge and the journal
//! of every client that has a file system.
//!
//! A log is a directory. Its records are numbered from 0 by [`u64`] *offsets*; each segment file is
//! named after the offset of its first record (`00000000000000000042.seg`) and holds frames of
//! [`headwater_core::frame`] and nothing else. Beside them the file `durable` remembers how far the
//! log was fsynced, so that opening can tell a *torn tail* (records nobody was told of: cut) from
//! *damage* (records that were acknowledged: [`Error::Corrupt`], never skipped).
//!
//! | | |
//! |---|---|
//! | [`Log`] | the one writer: append, sync, roll, drop whole segments |
//! | [`Reader`] | reads by offset, also while the writer appends, never beyond the end its caller names |
//! | [`GroupCommit`] | a thread that owns a [`Log`] and answers many appends after one fsync |
//! | [`Mark`] | remembers how far a reader is |
//! | [`salvage()`] | reads what can be read of a dead log, whatever happened to it |
//!
//! **Invariants.** A record never changes once written. Nothing is acknowledged before `fdatasync`
//! returned for it and for the directory entry of its file. After a failed write or fsync the log
//! refuses everything ([`Error::Poisoned`]): the kernel may have dropped the dirty pages, so only
//! reading the files again tells what is there. The last segment is never dropped, so an offset is
//! never given out twice. One process writes; keeping a second one out is the caller's duty.
//!
//! ```
//! use headwater_segments::{Log, Options, Reader};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let mut log = Log::open(dir.path(), Options::default())?;
//! assert_eq!(log.append(&["a", "b"])?, 0);
//! let durable = log.sync()?;
//!
//! let mut reader = Reader::open(dir.path(), 1)?;
//! assert_eq!(reader.read_batch(1_000_000, durable)?, vec![(1, b"b".to_vec())]);
//! # Ok(())
//! # }
//! ```

mod durable;
mod error;
mod files;
mod group;
mod log;
mod mark;
mod reader;
mod salvage;
mod scan;

pub use error::{Error, Problem};
pub use files::segments;
pub use group::{AppendError, GroupCommit, GroupOptions, Receipt, ReceiptFuture};
pub use log::{Log, Options, PendingSync, Synced, TornTail};
pub use mark::Mark;
pub use reader::Reader;
pub use salvage::salvage;

/// The longest record, in bytes: 16 MiB, what a frame can hold. The shortest has one byte.
pub const MAX_RECORD_BYTES: usize = headwater_core::frame::MAX_LEN as usize;

//! Room that is taken in advance, so that a loss can be named when the disk is full.
//!
//! The file `reserve` of an opening is full of zeros from the start. When the log cannot be written, names (and the
//! headers they need) are written over them, as frames; that takes no new room on a file system that overwrites in
//! place.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use headwater_core::{client::StreamNo, frame};

const NAME: &str = "reserve";

/// Some 600 names beside the header of a stream. A name that continues another is one more entry, so it is many more
/// than a full disk leads to before somebody makes room.
const BYTES: u64 = 32 << 10;

pub(super) struct Reserve {
    file: File,
    position: u64,
    /// The number of the opening it lies in.
    pub(super) opening: u32,
    /// Streams whose header is in it.
    pub(super) headers: BTreeSet<StreamNo>,
}

impl Reserve {
    pub(super) fn create(dir: &Path, opening: u32) -> io::Result<Self> {
        let path = dir.join(NAME);
        let created = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
        let created = created.and_then(|mut file| {
            file.write_all(&vec![0; usize::try_from(BYTES).unwrap_or_default()])?;
            Ok(file)
        });
        match created {
            Ok(file) => Ok(Self { file, position: 0, opening, headers: BTreeSet::new() }),
            Err(error) => {
                // A part of it would only be in the way.
                let _ = fs::remove_file(path);
                Err(error)
            }
        }
    }

    /// Writes entries durably, or nothing: a write that failed is overwritten by the next.
    pub(super) fn write(&mut self, entries: &[Vec<u8>]) -> io::Result<()> {
        let mut frames = Vec::new();
        for entry in entries {
            frame::write(&mut frames, entry).map_err(io::Error::other)?;
        }
        let end = self.position + frames.len() as u64;
        if end > BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.seek(SeekFrom::Start(self.position))?;
        self.file.write_all(&frames)?;
        self.file.sync_data()?;
        self.position = end;
        Ok(())
    }
}

/// What lies in `dir`; nothing if there is none.
pub(super) fn read(dir: &Path) -> Vec<u8> {
    fs::read(dir.join(NAME)).unwrap_or_default()
}

/// The entries up to the first byte that was never written.
pub(super) fn entries(reserve: &[u8]) -> impl Iterator<Item = &[u8]> {
    frame::frames(reserve)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_written_in_the_room_that_was_taken() {
        let dir = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::create(dir.path(), 0).unwrap();
        assert_eq!(entries(&read(dir.path())).count(), 0);
        reserve.write(&[b"a".to_vec(), b"bc".to_vec()]).unwrap();
        reserve.write(&[b"d".to_vec()]).unwrap();
        let bytes = read(dir.path());
        assert_eq!(bytes.len() as u64, BYTES);
        assert_eq!(entries(&bytes).collect::<Vec<_>>(), [b"a".as_slice(), b"bc", b"d"]);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::create(dir.path(), 0).unwrap();
        let mut written = 0;
        let full = loop {
            match reserve.write(&[vec![1; 1_000]]) {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert_eq!(written, 32);
        assert_eq!(entries(&read(dir.path())).count(), written);
        assert_eq!(read(dir.path()).len() as u64, BYTES);
    }

    #[test]
    fn a_directory_without_a_reserve_has_no_entries() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(entries(&read(dir.path())).count(), 0);
    }
}

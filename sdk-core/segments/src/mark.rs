//! How far a reader of a log is, kept beside it.

use std::{
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use crate::Error;

/// A file with an offset. It is never fsynced: after a crash it is a lower bound of what it said last, so its reader may see
/// records again.
#[derive(Debug)]
pub struct Mark(File);

impl Mark {
    /// Opens the mark of this name in the directory of a log whose records are `first..end`; returns the offset that it
    /// says, within them. One beyond the end belongs to another log.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(dir: &Path, name: &str, first: u64, end: u64) -> Result<(Self, u64), Error> {
        let path = dir.join(name);
        let marked = fs::read(&path).ok().and_then(|bytes| parse(&bytes)).unwrap_or(0);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(Error::io("open", path))?;
        Ok((Self(file), if marked <= end { marked.max(first) } else { first }))
    }

    /// Everything below is done with.
    ///
    /// # Errors
    /// As the file system says; what was marked before may be lost.
    pub fn set(&mut self, offset: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(&[offset.to_le_bytes(), (!offset).to_le_bytes()].concat())
    }
}

/// An offset and, against a torn write, its complement.
fn parse(bytes: &[u8]) -> Option<u64> {
    let (offset, complement) = bytes.split_first_chunk()?;
    let offset = u64::from_le_bytes(*offset);
    (complement == (!offset).to_le_bytes()).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_again_and_a_torn_or_foreign_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let open = |first, end| Mark::open(dir.path(), "mark", first, end).unwrap();
        let (mut mark, at) = open(3, 9);
        assert_eq!(at, 3);
        mark.set(7).unwrap();
        assert_eq!(open(3, 9).1, 7);
        assert_eq!(open(8, 9).1, 8, "what was dropped is done with");
        assert_eq!(open(0, 6).1, 0, "another log's");
        let path = dir.path().join("mark");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..7], &[1], &whole[8..]].concat()).unwrap();
        assert_eq!(open(3, u64::MAX).1, 3);
    }
}

//! Names of segment files, and the directory itself.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::Error;

/// `u64::MAX` has 20 digits, so names sort as their offsets do.
const DIGITS: usize = 20;

pub(crate) fn segment_path(dir: &Path, base: u64) -> PathBuf {
    dir.join(format!("{base:0DIGITS$}.seg"))
}

/// The bases of all segments, ascending. Other files are none of our business.
pub(crate) fn segment_bases(dir: &Path) -> Result<Vec<u64>, Error> {
    let mut bases = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let entry = entry.map_err(Error::io("list", dir))?;
        bases.extend(entry.file_name().to_str().and_then(parse_name));
    }
    bases.sort_unstable();
    Ok(bases)
}

/// The segments of the log in `dir`, oldest first: the offset of the first record and the file of each.
pub fn segments(dir: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    Ok(segment_bases(dir)?.into_iter().map(|base| (base, segment_path(dir, base))).collect())
}

fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Makes created and removed names survive power loss.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    // Windows cannot open a directory as a file; NTFS journals names itself.
    if cfg!(unix) {
        let opened = fs::File::open(dir).map_err(Error::io("open", dir))?;
        opened.sync_all().map_err(Error::io("fsync", dir))?;
    }
    Ok(())
}

/// Creates `dir` and what is missing above it, each name durable.
pub(crate) fn create_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_dir(parent)?;
    }
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::io("create", dir)(error));
        }
        _ => {}
    }
    sync_dir(parent.unwrap_or(Path::new(".")))
}

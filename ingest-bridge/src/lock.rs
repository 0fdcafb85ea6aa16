//! One process writes into a directory.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

/// Takes the lock of a directory; it is free again when the file is dropped.
pub(crate) fn take(dir: &Path) -> io::Result<File> {
    take_file(&dir.join("LOCK"))
}

/// Takes the lock that this file is.
pub(crate) fn take_file(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::other(format!("{} is locked by another process", path.display())))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

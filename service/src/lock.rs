//! One process writes into a directory.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::Path,
};

/// Takes the lock of a directory; it is free again when the file is dropped.
pub fn take(dir: &Path) -> io::Result<File> {
    take_file(&dir.join("LOCK"))
}

/// Takes the lock that this file is.
pub fn take_file(path: &Path) -> io::Result<File> {
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(path).unwrap_or_default();
            let holder = format!("{} is in use by another process ({})", path.display(), holder.trim());
            return Err(io::Error::other(holder));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // For the message above only.
    file.set_len(0)?;
    writeln!(file, "pid {}", std::process::id())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_with_the_holder_named_and_a_dropped_one_is_free() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = take(dir.path()).expect("free");
        let error = take(dir.path()).expect_err("taken").to_string();
        assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");
        drop(first);
        take(dir.path()).expect("free again");
    }
}

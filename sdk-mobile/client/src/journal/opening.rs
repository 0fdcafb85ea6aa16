//! Directories of openings, and who may touch them.
//!
//! An opening is `<uuid>/` beside the file `<uuid>.lock`, which its owner holds locked as long as it
//! lives; the kernel lets go of it when the process dies, however it dies. The lock is taken before the
//! directory appears and removed after it, so a directory whose lock is free has no owner.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

/// A directory being removed: renamed first, so that nobody finds a half.
const REMOVED: &str = "removed-";

#[derive(Debug)]
pub(crate) struct Opening {
    name: Uuid,
    root: PathBuf,
    /// Held, never read.
    _lock: File,
}

impl Opening {
    /// Locks a new name; the caller creates the directory.
    pub(crate) fn create(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        loop {
            let name = Uuid::new_v4();
            let path = lock_path(root, name);
            let lock = OpenOptions::new().write(true).create_new(true).open(&path)?;
            // An adopter that tidies up may have taken it for a leftover before it was locked. Once it is
            // locked and still there, nobody else can remove it.
            match lock.try_lock() {
                Ok(()) if path.exists() => return Ok(Self { name, root: root.to_owned(), _lock: lock }),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// The openings in `root` whose owners are dead. They are ours now.
    pub(crate) fn dead(root: &Path) -> io::Result<Vec<Self>> {
        let mut dead = Vec::new();
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str() else { continue };
            if file_name.starts_with(REMOVED) {
                // Its owner may be at it as well.
                let _ = fs::remove_dir_all(entry.path());
            } else if let Some(name) = file_name.strip_suffix(".lock").and_then(parse_name) {
                // Left by a death between the two steps of `create` or of `remove`.
                if !root.join(name.to_string()).exists() {
                    let _ = Self::lock(root, name)?.map(Self::remove);
                }
            } else if let Some(name) = parse_name(file_name) {
                dead.extend(Self::lock(root, name)?.filter(|opening| opening.dir().exists()));
            }
        }
        Ok(dead)
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.join(self.name.to_string())
    }

    /// Removes the directory, and its lock last.
    pub(crate) fn remove(self) -> io::Result<()> {
        let removed = self.root.join(format!("{REMOVED}{}", self.name));
        let renamed = match fs::rename(self.dir(), &removed) {
            Ok(()) => fs::remove_dir_all(&removed),
            Err(error) => Err(error),
        };
        match renamed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::remove_file(lock_path(&self.root, self.name)),
        }
    }

    /// `None` if it has a living owner.
    fn lock(root: &Path, name: Uuid) -> io::Result<Option<Self>> {
        let path = lock_path(root, name);
        let opened = match OpenOptions::new().write(true).open(&path) {
            // A journal that was copied without its lock.
            Err(error) if error.kind() == io::ErrorKind::NotFound && root.join(name.to_string()).exists() => {
                OpenOptions::new().write(true).create(true).truncate(false).open(&path)
            }
            opened => opened,
        };
        let lock = match opened {
            Ok(lock) => lock,
            // Its owner has just removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { name, root: root.to_owned(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn parse_name(name: &str) -> Option<Uuid> {
    Uuid::try_parse(name).ok().filter(|uuid| uuid.hyphenated().to_string() == name)
}

fn lock_path(root: &Path, name: Uuid) -> PathBuf {
    root.join(format!("{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> Vec<String> {
        let entries = fs::read_dir(root).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn an_opening_is_dead_only_when_its_owner_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let opening = Opening::create(root.path()).unwrap();
        fs::create_dir(opening.dir()).unwrap();
        assert_eq!(Opening::dead(root.path()).unwrap().len(), 0);
        drop(opening);
        let dead = Opening::dead(root.path()).unwrap();
        assert_eq!(dead.len(), 1);
        assert_eq!(Opening::dead(root.path()).unwrap().len(), 0, "the adopter lives");
    }

    #[test]
    fn creating_and_tidying_at_once_harms_nobody() {
        let root = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let creator = scope.spawn(|| {
                for _ in 0..500 {
                    let opening = Opening::create(root.path()).unwrap();
                    fs::create_dir(opening.dir()).unwrap();
                    assert!(
                        lock_path(root.path(), opening.name).exists(),
                        "a living owner's lock was removed"
                    );
                    opening.remove().unwrap();
                }
            });
            while !creator.is_finished() {
                assert_eq!(Opening::dead(root.path()).unwrap().len(), 0);
            }
        });
    }

    #[test]
    fn a_removed_opening_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let opening = Opening::create(root.path()).unwrap();
        fs::create_dir(opening.dir()).unwrap();
        fs::write(opening.dir().join("a"), "a").unwrap();
        opening.remove().unwrap();
        assert_eq!(names(root.path()), Vec::<String>::new());
    }

    #[test]
    fn what_a_death_left_of_creating_or_removing_is_tidied_up() {
        let root = tempfile::tempdir().unwrap();
        drop(Opening::create(root.path()).unwrap());
        fs::create_dir(root.path().join(format!("{REMOVED}x"))).unwrap();
        fs::write(root.path().join("identity"), "kept").unwrap();
        assert_eq!(Opening::dead(root.path()).unwrap().len(), 0);
        assert_eq!(names(root.path()), ["identity"]);
    }

    #[test]
    fn a_journal_copied_without_its_lock_is_found() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(Uuid::new_v4().to_string())).unwrap();
        assert_eq!(Opening::dead(root.path()).unwrap().len(), 1);
    }
}

//! The salts by which addresses are hashed: one a day, destroyed 48 hours after its day began (UTC).

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use headwater_collector::IpSalt;
use uuid::Uuid;

const DAY_MS: i64 = 86_400_000;
/// Days that a salt lives, its own included.
const DAYS: i64 = 2;
const PREFIX: &str = "ip-salt-";

/// The salts of a process, or of all that share a directory. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct IpSalts(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    directory: Option<PathBuf>,
    /// The salt in use, with the number of its day.
    today: Mutex<Option<(i64, IpSalt)>>,
}

impl IpSalts {
    /// Salts in files of their own in this directory, created if it is not there: a restart goes on with the day's salt.
    /// Without a directory ([`default`](Self::default)) each start draws another.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Self {
        Self(Arc::new(Inner { directory: Some(directory.to_owned()), today: Mutex::default() }))
    }

    /// The salt of the day of this Unix ms. When its file cannot be kept, it lives in memory only.
    #[must_use]
    pub fn of(&self, unix_ms: i64) -> IpSalt {
        let day = unix_ms.div_euclid(DAY_MS);
        let mut today = self.today();
        if let Some((_, salt)) = today.as_ref().filter(|(of, _)| *of == day) {
            return salt.clone();
        }
        let salt = match &self.0.directory {
            None => random(),
            Some(directory) => kept(directory, day).unwrap_or_else(|error| {
                tracing::error!(%error, "the salt for addresses is not kept in a file");
                random()
            }),
        };
        let salt = IpSalt::new(salt);
        *today = Some((day, salt.clone()));
        salt
    }

    /// Destroys what is too old at this Unix ms.
    pub fn sweep(&self, unix_ms: i64) {
        let is_over = |day: i64| day + DAYS <= unix_ms.div_euclid(DAY_MS);
        let mut today = self.today();
        if today.as_ref().is_some_and(|(day, _)| is_over(*day)) {
            *today = None;
        }
        drop(today);
        let Some(Ok(entries)) = self.0.directory.as_ref().map(fs::read_dir) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let day = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
            let day = day.and_then(|rest| rest.split('.').next()?.parse().ok());
            if day.is_some_and(is_over)
                && let Err(error) = destroy(&entry.path())
            {
                tracing::error!(%error, "a salt for addresses is not destroyed");
            }
        }
    }

    fn today(&self) -> MutexGuard<'_, Option<(i64, IpSalt)>> {
        self.0.today.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 244 random bits of the system's.
fn random() -> [u8; 32] {
    let halves = [Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes);
    std::array::from_fn(|at| halves[at / 16][at % 16])
}

/// The salt of a day's file, which is made if it is not there. Whole when it appears, so that two processes that start at
/// once have the same.
fn kept(directory: &Path, day: i64) -> io::Result<[u8; 32]> {
    let path = directory.join(format!("{PREFIX}{day}"));
    if let Ok(salt) = read(&path) {
        return Ok(salt);
    }
    fs::create_dir_all(directory)?;
    let draft = directory.join(format!("{PREFIX}{day}.{}", Uuid::new_v4()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&draft)?.write_all(&random())?;
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => read(&path),
    }
}

fn read(path: &Path) -> io::Result<[u8; 32]> {
    let mut salt = [0; 32];
    fs::File::open(path)?.read_exact(&mut salt)?;
    Ok(salt)
}

/// Its bytes first: a name that is gone may leave them on the disk.
fn destroy(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&[0; 32])?;
    file.sync_all()?;
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 20_000 * DAY_MS + DAY_MS / 2;

    fn files(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_salt_is_its_days_and_is_destroyed_48_hours_after_the_day_began() {
        let directory = tempfile::tempdir().expect("a directory");
        let salts = IpSalts::in_directory(directory.path());
        let bytes = |name: &str| fs::read(directory.path().join(name)).expect("a file");
        let _first = salts.of(NOON);
        let first = bytes("ip-salt-20000");
        let _restarted = IpSalts::in_directory(directory.path()).of(NOON + 1);
        assert_eq!((bytes("ip-salt-20000"), files(directory.path()).len()), (first.clone(), 1));
        let _second = salts.of(NOON + DAY_MS);
        assert_ne!(bytes("ip-salt-20001"), first);

        salts.sweep(20_002 * DAY_MS - 1);
        assert_eq!(files(directory.path()), ["ip-salt-20000", "ip-salt-20001"]);
        salts.sweep(20_002 * DAY_MS);
        assert_eq!(files(directory.path()), ["ip-salt-20001"], "without a request too");
        fs::write(directory.path().join("ip-salt-20000.torn"), "").expect("what a kill left");
        fs::write(directory.path().join("other"), "").expect("another's");
        salts.sweep(20_003 * DAY_MS);
        assert_eq!(files(directory.path()), ["other"]);
        assert!(salts.today().is_none(), "nor is it in memory");
    }

    #[test]
    fn a_torn_file_is_no_salt() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("ip-salt-20000"), [7; 31]).expect("written");
        assert!(kept(directory.path(), 20_000).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_a_salt() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a directory");
        kept(directory.path(), 1).expect("kept");
        let mode = fs::metadata(directory.path().join("ip-salt-1")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

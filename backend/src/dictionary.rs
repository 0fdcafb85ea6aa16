//! Identifiers, written once: a file of frames beside the database that gives each site, client, user,
//! session, device and stream a small number. The database holds numbers only, so it is pseudonymous and
//! small.
//!
//! A name is durable here before a commit uses its number, so the file may know more than the database and
//! never less. Numbers begin at 1, are dense per kind, and are never given out twice.

mod file;
mod names;

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use headwater_consumer::{Counts, Kind, Numbers};
use uuid::Uuid;

use file::File;
pub use names::Names;

/// The one writer. Readers share [`names`](Self::names).
#[derive(Debug)]
pub struct Dictionary {
    store: Uuid,
    names: Arc<RwLock<Names>>,
    file: File,
    /// Frames of names that were given out and are not in the file yet.
    pending: Vec<u8>,
}

/// Why the dictionary cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A whole frame does not say what a dictionary says there.
    #[error("{file}: entry {entry}: {problem}; restore the file from a backup made with its database")]
    Damaged {
        /// The dictionary.
        file: String,
        /// Number of the entry, from 0.
        entry: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The operating system refused.
    #[error("{operation} {file}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The dictionary.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A name is longer than a frame can hold.
    #[error("a name of {0} bytes is too long")]
    TooLong(usize),
}

impl Dictionary {
    /// Reads the file, or begins a new one. A torn tail stays in the file until the first write.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (file, loaded) = File::open(path)?;
        let mut dictionary = Self {
            store: loaded.store.unwrap_or_else(Uuid::new_v4),
            names: Arc::new(RwLock::new(loaded.names)),
            file,
            pending: Vec::new(),
        };
        if loaded.store.is_none() {
            file::write_store(&mut dictionary.pending, dictionary.store);
            dictionary.write_pending()?;
        }
        Ok(dictionary)
    }

    /// Which store this is the dictionary of.
    #[must_use]
    pub fn store(&self) -> Uuid {
        self.store
    }

    /// The names, for readers.
    #[must_use]
    pub fn names(&self) -> Arc<RwLock<Names>> {
        Arc::clone(&self.names)
    }

    fn write_pending(&mut self) -> Result<(), Error> {
        if !self.pending.is_empty() {
            self.file.append(&self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }
}

impl Numbers for Dictionary {
    fn number(&mut self, kind: Kind, site: u64, name: &[u8]) -> anyhow::Result<u64> {
        if let Some(number) = read(&self.names).number(kind, site, name) {
            return Ok(number);
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let number = names.counts().of(kind) + 1;
        file::write_name(&mut self.pending, kind, number, site, name)?;
        names.add(kind, site, name);
        Ok(number)
    }

    fn sync(&mut self) -> anyhow::Result<()> {
        Ok(self.write_pending()?)
    }

    /// Reads the file again.
    fn reopen(&mut self) -> anyhow::Result<()> {
        let (file, loaded) = File::open(self.file.path())?;
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = loaded.names;
        self.file = file;
        self.pending.clear();
        Ok(())
    }

    fn counts(&self) -> Counts {
        read(&self.names).counts()
    }
}

/// Names are only ever added, one whole name at a time, so a writer that panicked left nothing half done.
pub fn read(names: &RwLock<Names>) -> RwLockReadGuard<'_, Names> {
    names.read().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn open(dir: &tempfile::TempDir) -> Result<Dictionary, Error> {
        Dictionary::open(&dir.path().join("dictionary.log"))
    }

    #[test]
    fn a_name_keeps_its_number_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut dictionary = open(&dir).unwrap();
        let store = dictionary.store();
        let site = dictionary.site("shop").unwrap();
        assert_eq!(dictionary.number(Kind::Client, site, b"a").unwrap(), 1);
        assert_eq!(dictionary.number(Kind::Client, site, b"b").unwrap(), 2);
        assert_eq!(dictionary.number(Kind::Client, site, b"a").unwrap(), 1);
        assert_eq!(dictionary.number(Kind::Session, site, b"a").unwrap(), 1);
        dictionary.sync().unwrap();

        let mut again = open(&dir).unwrap();
        assert_eq!((again.store(), again.counts()), (store, dictionary.counts()));
        assert_eq!(again.number(Kind::Client, site, b"b").unwrap(), 2);
        assert_eq!(again.number(Kind::Client, site, b"c").unwrap(), 3);
    }

    #[test]
    fn two_sites_may_call_two_clients_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let mut dictionary = open(&dir).unwrap();
        let (one, two) = (dictionary.site("one").unwrap(), dictionary.site("two").unwrap());
        let number = dictionary.number(Kind::Client, one, b"a").unwrap();
        assert_ne!(dictionary.number(Kind::Client, two, b"a").unwrap(), number);
    }

    #[test]
    fn a_stream_is_found_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let mut dictionary = open(&dir).unwrap();
        let stream = Uuid::from_u128(7 << 64 | 5);
        let number = dictionary.number(Kind::Stream, 1, stream.as_bytes()).unwrap();
        assert_eq!(read(&dictionary.names()).stream(number), Some(stream.as_u128()));
        assert_eq!(read(&dictionary.names()).stream(number + 1), None);
    }

    #[test]
    fn names_that_were_not_synced_are_forgotten_and_their_numbers_given_out_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut dictionary = open(&dir).unwrap();
        dictionary.site("kept").unwrap();
        dictionary.sync().unwrap();
        dictionary.site("lost").unwrap();
        dictionary.reopen().unwrap();
        assert_eq!(dictionary.counts().of(Kind::Site), 1);
        assert_eq!(dictionary.site("next").unwrap(), 2);
        assert_eq!(dictionary.site("kept").unwrap(), 1);
    }

    #[test]
    fn a_torn_tail_is_cut_by_the_next_write_and_the_rest_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dictionary.log");
        let mut dictionary = open(&dir).unwrap();
        dictionary.site("kept").unwrap();
        dictionary.sync().unwrap();
        let sound = fs::read(&path).unwrap();
        let mut frame = Vec::new();
        file::write_name(&mut frame, Kind::Site, 2, 0, b"torn").unwrap();
        for torn in [&frame[..frame.len() - 1], &frame[..3], &[0; 64]] {
            fs::write(&path, [&sound, torn].concat()).unwrap();
            let mut again = open(&dir).unwrap();
            assert_eq!(again.counts().of(Kind::Site), 1);
            assert_eq!(again.site("next").unwrap(), 2);
            again.sync().unwrap();
            assert_eq!(open(&dir).unwrap().counts().of(Kind::Site), 2);
        }
    }

    #[test]
    fn an_entry_out_of_sequence_is_damage_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dictionary.log");
        open(&dir).unwrap().sync().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        file::write_name(&mut bytes, Kind::Site, 2, 0, b"shop").unwrap();
        fs::write(&path, bytes).unwrap();
        let error = open(&dir).unwrap_err().to_string();
        assert!(error.contains("entry 1") && error.contains("dictionary.log"), "{error}");
    }
}

//! The database: one DuckDB file, written by one append-only transaction per batch.
//!
//! **One last transaction**: events, ledger rows, the window of names without a stream and the offsets of
//! the sources are committed together or not at all. Everything kept in memory is a fold of these tables
//! ([`Store::load`]), so a restart at any moment continues where the last commit ended.

mod append;
mod load;
pub mod rows;
pub mod schema;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use duckdb::{Config, Connection, params};

use crate::{
    dictionary::{Counts, Dictionary, Kind},
    fold::State,
};
use rows::{Commit, Offset};

/// A checkpoint stalls commits for 0.4 to 2.4 s (measured), so it is made rarely; reading back this much
/// of the write-ahead log after a kill takes some 5 s.
const CHECKPOINT_THRESHOLD: &str = "256MB";

/// Offsets rows are superseded by every commit; more than these are thinned out at the next start.
const OFFSETS_KEPT: i64 = 10_000;

/// The one writer.
pub struct Store {
    connection: Connection,
    /// Of the last commit.
    number: i64,
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// DuckDB refused.
    #[error("the database: {0}")]
    Database(#[from] duckdb::Error),
    /// The dictionary is another store's.
    #[error(
        "dictionary.log does not belong to headwater.duckdb (it names store {dictionary}, the database {database}); \
         restore the one that was kept with this database"
    )]
    ForeignDictionary {
        /// As the dictionary says.
        dictionary: String,
        /// As the database says.
        database: String,
    },
    /// The database was written by a later version of this program.
    #[error("the database has version {0}, this program knows versions up to {known}", known = schema::VERSION)]
    Newer(u32),
    /// The data uses a number that the dictionary does not know.
    #[error(
        "the database uses {kind} numbers up to {used}, but dictionary.log knows only {known}; restore the \
         dictionary.log that was kept with this database"
    )]
    UnknownNumber {
        /// Of what.
        kind: &'static str,
        /// Highest number in the data.
        used: u64,
        /// Highest number in the dictionary.
        known: u64,
    },
}

impl Store {
    /// Opens the database at `path`, creating what is missing.
    pub fn open(path: &Path, dictionary: &Dictionary) -> Result<Self, Error> {
        let config = Config::default()
            // Otherwise a query that needs a missing extension tries to download it.
            .enable_autoload_extension(false)?
            .with("checkpoint_threshold", CHECKPOINT_THRESHOLD)?;
        let connection = Connection::open_with_flags(path, config)?;
        connection.execute_batch(&schema::ddl())?;
        let mut store = Self { connection, number: 0 };
        store.check(dictionary)?;
        store.thin_offsets()?;
        Ok(store)
    }

    /// Commits everything in `commit`, which may use `names` of the dictionary. Nothing of it is there
    /// after an error, except when the error came from the last step; reading back tells.
    pub fn commit(&mut self, commit: &Commit, source: &str, names: Counts, now: i64) -> Result<(), Error> {
        let number = self.number + 1;
        let transaction = self.connection.transaction()?;
        append::append(&transaction, number, now, names, source, commit)?;
        transaction.commit()?;
        self.number = number;
        Ok(())
    }

    /// Reads back everything that is kept in memory, as of `now` (Unix milliseconds).
    pub fn load(&mut self, now: i64) -> Result<State, Error> {
        // A commit that reported an error may have happened all the same.
        let last = self
            .connection
            .query_row("SELECT coalesce(max(commit_no), 0) FROM commits", [], |row| row.get(0));
        self.number = last?;
        Ok(load::load(&self.connection, now)?)
    }

    /// How far each part of a source was read.
    pub fn offsets(&self, source: &str) -> Result<BTreeMap<i32, Offset>, Error> {
        let mut statement = self.connection.prepare(
            "SELECT part, arg_max(next, commit_no), arg_max(fingerprint, commit_no) FROM offsets \
             WHERE source = ? GROUP BY part",
        )?;
        let offsets = statement.query_map([source], |row| {
            let (part, next, fingerprint) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((part, Offset { part, next, fingerprint }))
        })?;
        Ok(offsets.collect::<duckdb::Result<_>>()?)
    }

    /// Connections for queries; they see what was committed and never block the writer.
    pub fn readers(&self) -> Result<Readers, Error> {
        Ok(Readers(Mutex::new(self.connection.try_clone()?)))
    }

    /// Moves the write-ahead log into the database, so that the next start is quick.
    pub fn checkpoint(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("CHECKPOINT")?)
    }

    fn check(&mut self, dictionary: &Dictionary) -> Result<(), Error> {
        let known = dictionary.counts();
        let used = load::names_used(&self.connection)?;
        let meta = self.connection.query_row("SELECT version, store FROM meta", [], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?))
        });
        let own = dictionary.store().to_string();
        match meta {
            Err(duckdb::Error::QueryReturnedNoRows) => {
                let meta = params![schema::VERSION, own];
                self.connection.execute("INSERT INTO meta VALUES (?, ?)", meta)?;
            }
            Err(error) => return Err(error.into()),
            Ok((version, _)) if version > schema::VERSION => return Err(Error::Newer(version)),
            Ok((_, database)) => {
                for kind in Kind::ALL {
                    let (used, known) = (used.of(kind), known.of(kind));
                    if used > known {
                        return Err(Error::UnknownNumber { kind: kind.name(), used, known });
                    }
                }
                if database != own {
                    return Err(Error::ForeignDictionary { dictionary: own, database });
                }
            }
        }
        Ok(())
    }

    fn thin_offsets(&self) -> Result<(), Error> {
        let rows: i64 = self.connection.query_row("SELECT count(*) FROM offsets", [], |row| row.get(0))?;
        if rows > OFFSETS_KEPT {
            self.connection.execute_batch(
                "DELETE FROM offsets WHERE (source, part, commit_no) NOT IN \
                 (SELECT (source, part, max(commit_no)) FROM offsets GROUP BY source, part)",
            )?;
        }
        Ok(())
    }
}

/// Gives each query a connection of its own.
pub struct Readers(Mutex<Connection>);

impl Readers {
    /// A connection to the same database.
    pub fn connection(&self) -> Result<Connection, Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).try_clone()?)
    }
}

#[cfg(test)]
mod tests;

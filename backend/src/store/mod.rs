//! The database: one DuckDB file, written by one append-only transaction per batch.
//!
//! **One last transaction**: events, ledger rows, the window of names without a stream and the offsets of
//! the sources are committed together or not at all. Everything kept in memory is a fold of these tables
//! ([`load`](headwater_consumer::Store::load)), so a restart at any moment continues where the last commit ended.

mod append;
mod load;
pub mod schema;

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use duckdb::{Config, Connection, params};
use headwater_consumer::{
    Counts, Kind, Numbers, State,
    rows::{Commit, Offset},
};

use crate::dictionary::Dictionary;

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
        let store = Self { connection, number: 0 };
        store.check(dictionary)?;
        store.thin_offsets()?;
        Ok(store)
    }

    /// Connections for queries; they see what was committed and never block the writer.
    pub fn readers(&self) -> Result<Readers, Error> {
        Ok(Readers(Mutex::new(self.connection.try_clone()?)))
    }

    /// Moves the write-ahead log into the database, so that the next start is quick.
    pub fn checkpoint(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("CHECKPOINT")?)
    }

    /// Whether this program and this dictionary are the database's; creates what is missing.
    fn check(&self, dictionary: &Dictionary) -> Result<(), Error> {
        let database = &self.connection;
        database.execute_batch(schema::META)?;
        let meta = database.query_row("SELECT version, store FROM meta", [], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?))
        });
        let own = dictionary.store().to_string();
        let (version, store) = match meta {
            Err(duckdb::Error::QueryReturnedNoRows) => {
                database.execute("INSERT INTO meta VALUES (?, ?)", params![schema::VERSION, own])?;
                (schema::VERSION, own.clone())
            }
            meta => meta?,
        };
        if version > schema::VERSION {
            return Err(Error::Newer(version));
        }
        database.execute_batch(&schema::ddl())?;
        let (used, known) = (load::names_used(database)?, dictionary.counts());
        for kind in Kind::ALL {
            let (used, known) = (used.of(kind), known.of(kind));
            if used > known {
                return Err(Error::UnknownNumber { kind: kind.name(), used, known });
            }
        }
        if store != own {
            return Err(Error::ForeignDictionary { dictionary: own, database: store });
        }
        if version < schema::VERSION {
            database.execute("UPDATE meta SET version = ?", params![schema::VERSION])?;
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

impl headwater_consumer::Store for Store {
    /// Nothing of it is there after an error, except when the error came from the last step.
    fn commit(&mut self, commit: Commit, source: &str, names: Counts, now: i64) -> anyhow::Result<()> {
        let number = self.number + 1;
        let transaction = self.connection.transaction()?;
        append::append(&transaction, number, now, names, source, &commit)?;
        transaction.commit()?;
        self.number = number;
        Ok(())
    }

    fn load(&mut self, now: i64) -> anyhow::Result<State> {
        // A commit that reported an error may have happened all the same.
        let last = self
            .connection
            .query_row("SELECT coalesce(max(commit_no), 0) FROM commits", [], |row| row.get(0));
        self.number = last?;
        Ok(load::load(&self.connection, now)?)
    }

    fn offsets(&mut self, source: &str) -> anyhow::Result<Vec<Offset>> {
        let mut statement = self.connection.prepare(
            "SELECT part, arg_max(next, commit_no), arg_max(fingerprint, commit_no) FROM offsets \
             WHERE source = ? GROUP BY part",
        )?;
        let offsets = statement.query_map([source], |row| {
            Ok(Offset { part: row.get(0)?, next: row.get(1)?, fingerprint: row.get(2)? })
        })?;
        Ok(offsets.collect::<duckdb::Result<_>>()?)
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

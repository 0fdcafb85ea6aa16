//! Answers from committed rows. Each question gets a connection of its own and blocks its caller's
//! thread, never the writer. Whatever comes from outside is a bound parameter.

mod realtime;
mod report;
mod sessions;

use std::sync::{Arc, PoisonError, RwLock};

use headwater_consumer::{Delivery, State};
use headwater_numbers::report::{Answer, Question};

pub use realtime::{Realtime, TOP_PAGES, TopPage};

use crate::{
    dictionary::{self, Names},
    store::{self, Readers},
};

/// Everything that can be asked.
pub struct Queries {
    readers: Readers,
    names: Arc<RwLock<Names>>,
    state: Arc<RwLock<State>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// DuckDB refused.
    #[error("the database: {0}")]
    Database(#[from] duckdb::Error),
    /// No connection.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The answer would have more rows than this.
    #[error("more than {0} rows")]
    TooManyRows(usize),
}

/// How many rows an answer may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rows {
    /// All of them, or [`Error::TooManyRows`] if there are more.
    AtMost(usize),
    /// The first so many.
    First(usize),
}

impl Rows {
    fn limit(self, answers: &mut Vec<Answer>) -> Result<(), Error> {
        match self {
            Self::AtMost(most) if answers.len() > most => return Err(Error::TooManyRows(most)),
            Self::AtMost(_) => {}
            Self::First(count) => answers.truncate(count),
        }
        Ok(())
    }
}

impl Queries {
    /// Asks the database behind `readers`, and what is kept in memory.
    #[must_use]
    pub fn new(readers: Readers, names: Arc<RwLock<Names>>, state: Arc<RwLock<State>>) -> Self {
        Self { readers, names, state }
    }

    /// What happened in the last minute before `now` (Unix milliseconds).
    pub fn realtime(&self, site: &str, now: i64) -> Result<Realtime, Error> {
        let Some(site) = self.site(site) else { return Ok(Realtime::default()) };
        realtime::realtime(&self.readers.connection()?, site, now)
    }

    /// A metric by groups over days.
    pub fn report(&self, site: &str, question: &Question, rows: Rows) -> Result<Vec<Answer>, Error> {
        let Some(site) = self.site(site) else {
            return Ok(headwater_numbers::report::report(&[], question));
        };
        let connection = self.readers.connection()?;
        if question.metric == headwater_numbers::report::Metric::Sessions {
            sessions::report(&connection, &self.names, site, question, rows)
        } else {
            report::report(&connection, site, question, rows)
        }
    }

    /// What became of every event, as of `now` (Unix milliseconds), with at most `streams` streams.
    #[must_use]
    pub fn delivery(&self, site: &str, now: i64, streams: usize) -> Delivery {
        let Some(site) = self.site(site) else { return Delivery::default() };
        self.state.read().unwrap_or_else(PoisonError::into_inner).delivery(site, now, streams)
    }

    fn site(&self, id: &str) -> Option<u64> {
        dictionary::read(&self.names).site(id)
    }
}

#[cfg(test)]
mod tests;

//! The database in memory: committed rows, in the order of their commits, and nothing else.

use std::{mem, rc::Rc};

use anyhow::{bail, ensure};
use headwater_consumer::{
    Counts, Kind, State,
    rows::{Commit, Offset},
};

/// What becomes of a commit that is told as failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// It happened all the same: its outcome was unknown.
    After,
    /// Nothing of it happened.
    Before,
}

/// A store whose next commit can be told to fail, and which can be put back to what it was.
#[derive(Debug, Default)]
pub struct Store {
    commits: Vec<Rc<Committed>>,
    next_commit: Option<Failure>,
    next_load_fails: bool,
}

/// What a store held at some moment.
#[derive(Clone, Debug)]
pub struct Backup(Vec<Rc<Committed>>);

#[derive(Debug)]
struct Committed {
    rows: Commit,
    source: String,
    names: Counts,
}

impl Store {
    /// The next commit fails.
    pub fn fail_next_commit(&mut self, failure: Failure) {
        self.next_commit = Some(failure);
    }

    /// The next reading back fails.
    pub fn fail_next_load(&mut self) {
        self.next_load_fails = true;
    }

    /// Copies what is committed now.
    #[must_use]
    pub fn backup(&self) -> Backup {
        Backup(self.commits.clone())
    }

    /// Puts back what was copied. Its consumer must be started again.
    pub fn restore(&mut self, backup: &Backup) {
        self.commits.clone_from(&backup.0);
    }

    /// Every commit, oldest first.
    pub fn commits(&self) -> impl Iterator<Item = &Commit> + Clone {
        self.commits.iter().map(|committed| &committed.rows)
    }

    /// The largest number of each kind that rows may use. The dictionary must know as many.
    #[must_use]
    pub fn names_used(&self) -> Counts {
        let most = |kind| self.commits.iter().map(|committed| committed.names.of(kind)).max().unwrap_or(0);
        Kind::ALL.into_iter().fold(Counts::default(), |counts, kind| counts.with(kind, most(kind)))
    }

    /// What the rows say at `now`, Unix milliseconds: what every consumer's memory must equal.
    #[must_use]
    pub fn refold(&self, now: i64) -> State {
        State::refold(self.commits(), now)
    }
}

impl headwater_consumer::Store for Store {
    fn commit(&mut self, rows: Commit, source: &str, names: Counts, _now: i64) -> anyhow::Result<()> {
        let failure = self.next_commit.take();
        if failure != Some(Failure::Before) {
            self.commits.push(Rc::new(Committed { rows, source: source.to_owned(), names }));
        }
        match failure {
            Some(failure) => bail!("the commit failed, its rows came {failure:?}"),
            None => Ok(()),
        }
    }

    fn load(&mut self, now: i64) -> anyhow::Result<State> {
        ensure!(!mem::take(&mut self.next_load_fails), "the tables cannot be read");
        Ok(self.refold(now))
    }

    fn offsets(&mut self, source: &str) -> anyhow::Result<Vec<Offset>> {
        let of_source = self.commits.iter().rev().filter(|committed| committed.source == source);
        let mut last: Vec<Offset> = Vec::new();
        for offset in of_source.flat_map(|committed| &committed.rows.offsets) {
            if last.iter().all(|known| known.part != offset.part) {
                last.push(*offset);
            }
        }
        Ok(last)
    }
}

#[cfg(test)]
mod tests;

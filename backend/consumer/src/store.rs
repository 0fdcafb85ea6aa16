//! Where a consumer commits.

use crate::{
    State,
    numbers::Counts,
    rows::{Commit, Offset},
};

/// Tables that are written by one transaction per commit. Everything the consumer keeps in memory is a fold of
/// them, so a restart at any moment continues where the last commit ended.
pub trait Store {
    /// Commits all rows or none. Rows may use the numbers up to `names`; `source` is whose offsets they are; `now` is
    /// in Unix milliseconds.
    ///
    /// # Errors
    /// It may have happened all the same: reading back tells.
    fn commit(&mut self, commit: Commit, source: &str, names: Counts, now: i64) -> anyhow::Result<()>;

    /// Reads back everything that is kept in memory, as of `now` (Unix milliseconds). Equals
    /// [`State::refold`] of the commits.
    fn load(&mut self, now: i64) -> anyhow::Result<State>;

    /// How far each part of a source was read: of each part the offset that was committed last.
    fn offsets(&mut self, source: &str) -> anyhow::Result<Vec<Offset>>;
}

//! When the counters of refused calls are told: with whatever goes next, or alone after the usual wait.
//!
//! Refusing comes before the seq and is not loss, so nothing of the promise rests on these. They only grow, and the
//! server takes the maximum: a total may be told twice or overtaken.

use crate::refusal::Refusal;

/// The counters of one stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Refused {
    /// By verdict, in the order of [`Refusal::ALL`].
    totals: [u32; Refusal::ALL.len()],
    /// The number of the latest change among the stream's [news](super::ledger::Ledger::news); 0 if the server has
    /// acknowledged it.
    news: u32,
}

impl Refused {
    /// So many calls were refused by this verdict, which is news of this number; a total that is not larger than
    /// before changes nothing.
    pub(super) fn count(&mut self, verdict: Refusal, total: u32, news: u32) {
        if let Some(before) = self.totals.get_mut(verdict as usize - 1)
            && *before < total
        {
            (*before, self.news) = (total, news);
        }
    }

    /// The server has the news up to `last`.
    pub(super) fn acknowledge(&mut self, last: u32) {
        if self.news <= last {
            self.news = 0;
        }
    }

    /// Whether the server has not acknowledged the latest change.
    pub(super) fn is_owed(&self) -> bool {
        self.news > 0
    }

    /// What the next request says: the totals in the order of [`Refusal::ALL`], or nothing if the server has them.
    pub(super) fn totals(&self) -> &[u32] {
        if self.is_owed() { &self.totals } else { &[] }
    }
}

//! What a denial removes from the disk: events and headers, but not the names of what was lost.

use std::io;

use super::{Journal, entry::Entry};

impl Journal {
    /// Consent was denied: nothing more is appended to what is there, and all of it is to go
    /// ([`purge`](Self::purge)) as soon as the core has named it.
    pub(crate) fn deny(&mut self) {
        self.close_own();
        for stream in self.streams.values_mut() {
            stream.purge();
        }
        for held in self.openings.values_mut() {
            held.tainted = true;
        }
    }

    /// Whether something is still to go.
    pub(crate) fn must_purge(&self) -> bool {
        self.openings.values().any(|held| held.tainted)
    }

    /// Removes the files of everything that was there at a denial. The names go before, durably, to a log that never
    /// held anything else. `false` if the core has not named all of it yet.
    pub(crate) fn purge(&mut self) -> io::Result<bool> {
        if !self.must_purge() {
            return Ok(true);
        }
        if self.streams.values().any(|stream| stream.purged && !stream.calls.is_empty()) {
            return Ok(false);
        }
        if self.log.is_poisoned() || self.is_tainted() {
            self.renew()?;
        }
        // Also of one that this log speaks of already: what its dead owner had named is not there yet.
        let mut entries = Vec::new();
        for (no, stream) in self.streams.iter_mut().filter(|(_, stream)| stream.purged) {
            entries.extend(stream.snapshot(*no).map(Entry::to_bytes));
            (stream.in_log, stream.written_done) = (true, stream.done);
        }
        self.log.append(&entries).map_err(io::Error::other)?;
        self.log.sync().map_err(io::Error::other)?;
        if self.reserve.as_ref().is_some_and(|reserve| reserve.opening != self.current) {
            self.reserve = None;
        }
        // Streams that were opened since are in the current opening, which is not tainted.
        for held in self.openings.values_mut().filter(|held| held.tainted) {
            held.streams.clear();
        }
        self.remove_unneeded()?;
        Ok(true)
    }

    /// Whether our log holds what is to go.
    pub(super) fn is_tainted(&self) -> bool {
        self.openings.get(&self.current).is_some_and(|held| held.tainted)
    }
}

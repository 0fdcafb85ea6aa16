//! What a dead owner left.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use headwater_core::{client::Lane, session::SessionId};
use uuid::Uuid;

use super::{
    Location,
    entry::{Entry, What},
    reserve,
};

/// One stream of dead openings, put together from all of them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) header: String,
    pub(crate) lane: Lane,
    pub(crate) done: u32,
    pub(crate) head: u32,
    pub(crate) calls: BTreeMap<u32, FoundCall>,
    pub(crate) losses: Vec<(u32, u32, String)>,
    pub(crate) stamps: Vec<(u32, SessionId)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FoundCall {
    pub(crate) location: Location,
    pub(crate) len: u32,
    pub(crate) ts: u64,
}

/// The streams of several openings by name. A stream may be in two: its calls in its owner's, and what an
/// adopter wrote down about it in the adopter's.
#[derive(Debug, Default)]
pub(crate) struct Finds {
    streams: BTreeMap<Uuid, Found>,
    forgotten: Vec<Uuid>,
}

impl Finds {
    /// Reads everything that can be read in `dir`, and says which streams were named there.
    ///
    /// # Errors
    /// [`ReadError::Unknown`] when a newer version wrote it; nothing is taken in then.
    pub(crate) fn read(&mut self, opening: u32, dir: &Path) -> Result<Vec<Uuid>, ReadError> {
        let mut unknown = false;
        let damage = headwater_segments::salvage(dir, |_, bytes| unknown |= Entry::parse(bytes).is_err())?;
        let reserved = reserve::read(dir);
        unknown |= reserve::entries(&reserved).any(|bytes| Entry::parse(bytes).is_err());
        if unknown {
            return Err(ReadError::Unknown);
        }
        for error in damage {
            // A torn tail is what a killed process leaves; the rest the ledger names.
            tracing::info!(%error, "a dead owner's journal is not whole");
        }
        let mut names = HashMap::new();
        headwater_segments::salvage(dir, |offset, bytes| {
            if let Ok(entry) = Entry::parse(bytes) {
                self.take(Location { opening, offset }, entry, &mut names);
            }
        })?;
        for bytes in reserve::entries(&reserved) {
            if let Ok(entry) = Entry::parse(bytes) {
                // Only names are there: nothing that is read again from its place.
                self.take(Location { opening, offset: 0 }, entry, &mut names);
            }
        }
        Ok(names.into_values().collect())
    }

    /// Leaves out what its last owner knew to be settled.
    pub(crate) fn finish(mut self) -> BTreeMap<Uuid, Found> {
        for uuid in self.forgotten {
            self.streams.remove(&uuid);
        }
        for found in self.streams.values_mut() {
            found.calls = found.calls.split_off(&found.done);
        }
        self.streams
    }

    fn take(&mut self, location: Location, entry: Entry<'_>, names: &mut HashMap<u32, Uuid>) {
        if let What::Header { uuid, .. } = entry.what {
            names.insert(entry.stream, uuid);
        }
        // Without its header a stream cannot be named, so it cannot be sent. (The header is the first entry
        // of its stream in each segment.)
        let Some(&uuid) = names.get(&entry.stream) else { return };
        let found = self.streams.entry(uuid).or_default();
        found.done = found.done.max(entry.done);
        found.head = found.head.max(entry.head);
        match entry.what {
            What::Call { seq, ts, body } => {
                let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
                found.calls.insert(seq, FoundCall { location, len, ts });
            }
            What::Done => {}
            What::Forgotten => self.forgotten.push(uuid),
            What::Header { text, lane, .. } => {
                // One that was purged stays without its ids, even if its old journal could not be removed.
                if found.header.is_empty() || text.len() < found.header.len() {
                    text.clone_into(&mut found.header);
                }
                found.lane = lane;
            }
            What::Loss { from, to, reason } => {
                let loss = (from, to, reason.to_owned());
                if !found.losses.contains(&loss) {
                    found.losses.push(loss);
                }
            }
            What::Stamp { from, session } => {
                let at = found.stamps.partition_point(|stamp| stamp.0 <= from);
                if found.stamps[..at].last() != Some(&(from, session)) {
                    found.stamps.insert(at, (from, session));
                }
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Log(#[from] headwater_segments::Error),
    #[error("it was written by a newer version")]
    Unknown,
}

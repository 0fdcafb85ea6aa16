//! What pages store, and what they know of it.

use std::collections::{BTreeMap, BTreeSet};

use headwater_core::{
    client::{Client, StreamNo},
    reason::Reason,
    session::SessionId,
    time::UnixMs,
};

/// A stream's UUID, as this world draws them.
pub(crate) type Uuid = u32;

/// What a storage holds of one stream.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) header: bool,
    pub(crate) keys: BTreeMap<u32, Key>,
    pub(crate) names: BTreeMap<Entry, (u32, u32, Reason)>,
    pub(crate) stamps: BTreeMap<Entry, (u32, SessionId)>,
}

/// Who wrote an entry, and its number there.
pub(crate) type Entry = (u32, u32);

#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) len: u32,
    pub(crate) ts: UnixMs,
    pub(crate) done: u32,
    pub(crate) head: u32,
}

pub(crate) struct Page {
    pub(crate) id: u32,
    pub(crate) client: Client,
    pub(crate) streams: Vec<Told>,
    /// The stream that calls are appended to.
    pub(crate) current: Option<StreamNo>,
    pub(crate) entries: u32,
    /// Effects until it is killed.
    pub(crate) dies_in: Option<u32>,
    pub(crate) dead: bool,
}

/// A stream as a page knows it.
pub(crate) struct Told {
    pub(crate) uuid: Uuid,
    pub(crate) own: bool,
    pub(crate) next_seq: u32,
    /// Own events that the page holds in memory too.
    pub(crate) held: BTreeMap<u32, Key>,
    /// What an adopter read, and so may remove.
    pub(crate) keys: BTreeSet<u32>,
    pub(crate) names: BTreeSet<Entry>,
    pub(crate) stamps: BTreeSet<Entry>,
}

impl Told {
    pub(crate) fn new(uuid: Uuid, own: bool) -> Self {
        Self {
            uuid,
            own,
            next_seq: 0,
            held: BTreeMap::new(),
            keys: BTreeSet::new(),
            names: BTreeSet::new(),
            stamps: BTreeSet::new(),
        }
    }
    /// What an adopter of `uuid` reads.
    pub(crate) fn read(uuid: Uuid, log: &Log) -> Self {
        Self {
            keys: log.keys.keys().copied().collect(),
            names: log.names.keys().copied().collect(),
            stamps: log.stamps.keys().copied().collect(),
            ..Self::new(uuid, false)
        }
    }
}

/// The first `percent` of `items`.
pub(crate) fn part(items: &[u32], percent: usize) -> &[u32] {
    &items[..items.len() * percent / 100]
}

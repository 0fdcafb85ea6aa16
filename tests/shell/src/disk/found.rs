//! What a journal holds of a stream, read back from its bytes.

use std::{collections::BTreeMap, rc::Rc};

use headwater_core::{client::Lane, reason::Reason, session::SessionId};
use uuid::Uuid;

use super::{
    Kind, Value,
    key::{Key, Part},
};
use crate::entry::{Entry, Unreadable, What};

/// One stream, as far as its entries can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Its lane and its wire header, if that is there.
    pub header: Option<(Lane, Rc<[u8]>)>,
    /// The largest stored `done`: all below is settled, or named by an acknowledged name.
    pub done: u32,
    /// The largest stored `head`.
    pub head: u32,
    /// Bodies, ascending by seq, of what is not below `done`.
    pub events: Vec<(u32, Rc<[u8]>)>,
    /// Half-open ranges of lost events.
    pub losses: Vec<(u32, u32, Reason)>,
    /// Sessions, each from a seq on.
    pub stamps: Vec<(u32, SessionId)>,
    /// A newer version wrote it.
    pub(crate) newer: bool,
    /// The entries with events, and the events they hold.
    pub(crate) keys: Vec<(Key, u32, u32)>,
    /// The entries that are neither events nor the header, and what is torn.
    pub(crate) notes: Vec<Key>,
}

impl Found {
    /// Reads what stands in `map` of one stream.
    pub(crate) fn read(map: &BTreeMap<Key, Value>, kind: Kind, version: u8, stream: Uuid) -> Self {
        let mut found = Self::default();
        for (&key, bytes) in map.range(Key::all_of(stream)) {
            match Entry::parse(kind, version, bytes) {
                Ok(entry) => found.take(key, entry),
                Err(Unreadable::Newer) => found.newer = true,
                // The write never returned, so nothing in it was accepted.
                Err(Unreadable::Torn) => found.notes.push(key),
            }
        }
        let done = found.done;
        found.events.retain(|(seq, _)| *seq >= done);
        found.events.sort_by_key(|(seq, _)| *seq);
        // What was written again after a clear may stand beside a copy of it.
        found.events.dedup_by_key(|(seq, _)| *seq);
        found
    }

    /// The body of event `seq` in the entry `bytes`.
    pub(crate) fn body_in(kind: Kind, bytes: &[u8], seq: u32) -> Option<Rc<[u8]>> {
        let What::Events { from, mut bodies } = Entry::parse(kind, u8::MAX, bytes).ok()?.what else {
            return None;
        };
        bodies.nth(seq.checked_sub(from)? as usize).filter(|body| !body.is_empty()).map(Rc::from)
    }

    /// Whether nothing was ever written that somebody could miss.
    pub(crate) fn is_nothing(&self) -> bool {
        self.header.is_none() && self.head == 0
    }

    fn take(&mut self, key: Key, entry: Entry<'_>) {
        self.done = self.done.max(entry.done);
        self.head = self.head.max(entry.head);
        if key.part != Part::Header && !matches!(entry.what, What::Events { .. }) {
            self.notes.push(key);
        }
        match entry.what {
            What::Events { from, bodies } => {
                let mut to = from;
                for body in bodies {
                    if !body.is_empty() {
                        self.events.push((to, body.into()));
                    }
                    to += 1;
                }
                self.keys.push((key, from, to));
            }
            What::Header { lane, text } => self.header = Some((lane, text.into())),
            What::Loss { from, to, reason } => self.losses.push((from, to, reason)),
            What::Stamp { from, session } => self.stamps.push((from, session)),
        }
    }
}

//! A stream as a shell knows it.

use std::rc::Rc;

use headwater_core::{client::Lane, refusal::Refusal};
use uuid::Uuid;

use crate::disk::{Key, Part, Value};

/// One opening of a journal, of this shell or adopted.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) id: Uuid,
    pub(crate) lane: Lane,
    /// Drawn by this shell.
    pub(crate) own: bool,
    /// On the disk; otherwise in memory alone.
    pub(crate) stored: bool,
    /// The wire header, sent verbatim with every copy.
    pub(crate) header: Rc<[u8]>,
    /// The next free seq.
    pub(crate) head: u32,
    /// Entries with events written so far, so also the number of the next.
    pub(crate) writes: u32,
    /// Events neither settled nor named, ascending. A phone leaves the bodies of an adopted stream on the disk.
    pub(crate) held: Vec<(u32, Option<Rc<[u8]>>)>,
    /// The entries with events that this shell may remove: the events from and to.
    pub(crate) keys: Vec<(Key, u32, u32)>,
    /// The other entries that it may remove; those it wrote itself with their value.
    pub(crate) notes: Vec<(Key, Option<Value>)>,
    /// Nothing is known of it any more.
    pub(crate) forgotten: bool,
}

impl Stream {
    /// Removes events from memory.
    pub(crate) fn drop_held(&mut self, from: u32, to: u32) {
        self.held.retain(|(seq, _)| !(from..to).contains(seq));
    }

    /// Whether any event of this range is held.
    pub(crate) fn holds(&self, from: u32, to: u32) -> bool {
        let at = self.held.partition_point(|(seq, _)| *seq < from);
        self.held.get(at).is_some_and(|(seq, _)| *seq < to)
    }

    pub(crate) fn body(&self, seq: u32) -> Option<&Rc<[u8]>> {
        let at = self.held.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        self.held[at].1.as_ref()
    }

    /// The entry that holds event `seq`.
    pub(crate) fn key_of(&self, seq: u32) -> Option<Key> {
        self.keys.iter().find(|(_, from, to)| (*from..*to).contains(&seq)).map(|(key, ..)| *key)
    }

    /// Takes out the entries in which no event is held any more; with `segment`, only where that many consecutive
    /// entries are so, which are removed together.
    pub(crate) fn take_unneeded(&mut self, segment: Option<u32>) -> Vec<Key> {
        let number = |key: Key| match key.part {
            Part::Events(n) => n,
            _ => 0,
        };
        let needed: Vec<u32> = match segment {
            Some(entries) => {
                let held = self.keys.iter().filter(|(_, from, to)| self.holds(*from, *to));
                // The one that is still written to stays too.
                held.map(|(key, ..)| number(*key) / entries).chain([self.writes / entries]).collect()
            }
            None => Vec::new(),
        };
        let keys = std::mem::take(&mut self.keys);
        let (kept, unneeded) = keys.into_iter().partition(|(key, from, to)| {
            self.holds(*from, *to)
                || segment.is_some_and(|entries| needed.contains(&(number(*key) / entries)))
        });
        self.keys = kept;
        unneeded.into_iter().map(|(key, ..)| key).collect()
    }
}

/// The stream that calls of a lane go to, and what was refused since it was opened, or will be told with the next.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) lane: Lane,
    pub(crate) stream: Option<usize>,
    pub(crate) refused: [u32; Refusal::ALL.len()],
}

impl Current {
    pub(crate) fn new(lane: Lane) -> Self {
        Self { lane, stream: None, refused: [0; Refusal::ALL.len()] }
    }
}

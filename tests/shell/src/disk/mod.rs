//! What one device keeps for one origin or app, and every way in which it fails to.

mod found;
mod key;
mod taken;

use std::{collections::BTreeMap, rc::Rc};

use uuid::Uuid;

pub(crate) use self::key::{Item, Key, Part};
pub use self::{
    found::Found,
    taken::{Taken, TakenStream},
};

/// The bytes of an entry.
pub(crate) type Value = Rc<[u8]>;

/// Bytes that an entry costs beside its value: its key.
const KEY_BYTES: usize = 64;

/// Bytes that only names of losses may use once the rest is full: forty of them, and the core joins neighbours.
const RESERVE_BYTES: usize = 4_096;

/// Changes that can be undone. The faults reach back some tens.
const HISTORY: usize = 2_048;

/// How a disk writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Log entries in frames: one may be torn in the middle; what no fsync covered goes with a power loss.
    Phone,
    /// Keys with values, each written whole or not at all; no fsync.
    Web,
}

/// A virtual disk. Entries are real bytes, read again by whoever adopts them.
#[derive(Clone, Debug)]
pub struct Disk {
    kind: Kind,
    capacity: usize,
    map: BTreeMap<Key, Value>,
    used: usize,
    ledger_used: usize,
    full: bool,
    /// Writes until the process that makes one dies in it, and how much of it is kept, percent.
    kill: Option<(u32, u32)>,
    writes: u64,
    history: Vec<Change>,
    /// How much of `history` an fsync covers.
    synced: usize,
}

/// A state of a disk, as it was read at once.
#[derive(Clone, Debug)]
pub struct View {
    pub(crate) kind: Kind,
    pub(crate) map: BTreeMap<Key, Value>,
}

#[derive(Clone, Debug)]
struct Change {
    key: Key,
    before: Option<Value>,
}

/// Which space a write may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Room {
    Any,
    /// Also what is reserved.
    Ledger,
}

/// Why a write did not return well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    Died,
    Full,
}

impl Disk {
    /// An empty disk that keeps `capacity` bytes, keys included (64 each), and a reserve for names of losses.
    #[must_use]
    pub const fn new(kind: Kind, capacity: usize) -> Self {
        Self {
            kind,
            capacity,
            map: BTreeMap::new(),
            used: 0,
            ledger_used: 0,
            full: false,
            kill: None,
            writes: 0,
            history: Vec::new(),
            synced: 0,
        }
    }

    /// How it writes.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The process that makes write number `writes` from now (1 is the next; a removal and an fsync are writes)
    /// dies in it; `percent` of it is kept, which on the web and for what is shared is all (100) or nothing.
    pub const fn kill_at(&mut self, writes: u32, percent: u32) {
        self.kill = Some((writes, percent));
    }

    /// Takes back a [`kill_at`](Self::kill_at) that did not happen.
    pub const fn spare(&mut self) {
        self.kill = None;
    }

    /// From here on writes fail, except names of losses into the reserve; or no longer.
    pub const fn fill(&mut self, on: bool) {
        self.full = on;
    }

    /// Writes made so far, removals and fsyncs included.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.writes
    }

    /// Bytes kept, keys included.
    #[must_use]
    pub const fn used(&self) -> usize {
        self.used
    }

    /// Everything goes, under whoever is running.
    pub fn clear(&mut self) -> Taken {
        let before = self.contents();
        while let Some((&key, _)) = self.map.first_key_value() {
            self.apply(key, None);
        }
        Taken::between(&before, &BTreeMap::new())
    }

    /// The platform loses the entry that holds this event, and what else is in it.
    pub fn take_event(&mut self, stream: Uuid, seq: u32) -> Taken {
        self.take_entries(stream, |found| {
            let of_seq = found.keys.iter().filter(|(_, from, to)| (*from..*to).contains(&seq));
            of_seq.map(|(key, ..)| *key).collect()
        })
    }

    /// The platform loses the header of this stream.
    pub fn take_header(&mut self, stream: Uuid) -> Taken {
        self.take_entries(stream, |_| vec![Key { stream, part: Part::Header }])
    }

    /// Back by `writes` changes; removals come back too.
    pub fn roll_back(&mut self, writes: usize) -> Taken {
        let before = self.contents();
        for _ in 0..writes {
            let Some(Change { key, before }) = self.history.pop() else { break };
            self.replace(key, before);
        }
        self.synced = self.synced.min(self.history.len());
        Taken::between(&before, &self.contents())
    }

    /// Power loss on a phone: back to the last fsync. On the web a killed browser: back by `unflushed` changes.
    /// Whoever was running is dead.
    pub fn power_loss(&mut self, unflushed: usize) -> Taken {
        self.roll_back(match self.kind {
            Kind::Phone => self.history.len() - self.synced,
            Kind::Web => unflushed,
        })
    }

    /// A clone or a restored backup, on a device of its own.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { kill: None, history: Vec::new(), synced: 0, ..self.clone() }
    }

    /// What it held `lag` changes ago: a stale read.
    #[must_use]
    pub fn view(&self, lag: usize) -> View {
        let mut view = View { kind: self.kind, map: self.map.clone() };
        for Change { key, before } in self.history.iter().rev().take(lag) {
            match before {
                Some(value) => view.map.insert(*key, value.clone()),
                None => view.map.remove(key),
            };
        }
        view
    }

    /// The streams of which it holds anything, by UUID.
    #[must_use]
    pub fn streams(&self) -> Vec<Uuid> {
        streams(&self.map)
    }

    /// Everything that can be read of every stream, whatever version wrote it.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<Uuid, Found> {
        let read = |stream| (stream, Found::read(&self.map, self.kind, u8::MAX, stream));
        self.streams().into_iter().map(read).collect()
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Value> {
        self.map.get(&key)
    }

    /// How many entries it holds of a stream; counts to two.
    pub(crate) fn has_others(&self, stream: Uuid) -> bool {
        self.map.range(Key::all_of(stream)).nth(1).is_some()
    }

    pub(crate) fn keys_of(&self, stream: Uuid) -> Vec<Key> {
        self.map.range(Key::all_of(stream)).map(|(key, _)| *key).collect()
    }

    pub(crate) fn put(&mut self, key: Key, bytes: &[u8], room: Room) -> Result<(), Fault> {
        if let Some(percent) = self.strike() {
            let framed = self.kind == Kind::Phone && !key.is_shared();
            let kept = if framed { bytes.len() * percent as usize / 100 } else { bytes.len() };
            if kept > 0 && (framed || percent >= 100) {
                self.apply(key, Some(bytes[..kept.min(bytes.len())].into()));
            }
            return Err(Fault::Died);
        }
        let size = bytes.len() + KEY_BYTES;
        let free = if self.full { 0 } else { self.capacity.saturating_sub(self.used) };
        let reserve = RESERVE_BYTES.saturating_sub(self.ledger_used);
        if size > free && !(room == Room::Ledger && size <= reserve) {
            // A log that meets the end of the disk keeps what fitted.
            let kept = free.saturating_sub(KEY_BYTES).min(bytes.len() - 1);
            if self.kind == Kind::Phone && !key.is_shared() && kept > 0 {
                self.apply(key, Some(bytes[..kept].into()));
            }
            return Err(Fault::Full);
        }
        self.apply(key, Some(bytes.into()));
        Ok(())
    }

    /// Removes an entry that is there. It never fails, but its process may die in it.
    pub(crate) fn remove(&mut self, key: Key) -> Result<(), Fault> {
        if !self.map.contains_key(&key) {
            return Ok(());
        }
        let strike = self.strike();
        if strike.is_none_or(|percent| percent >= 100) {
            self.apply(key, None);
        }
        if strike.is_some() { Err(Fault::Died) } else { Ok(()) }
    }

    /// What was written so far outlives a power loss.
    pub(crate) fn sync(&mut self) -> Result<(), Fault> {
        if self.synced == self.history.len() {
            return Ok(());
        }
        let strike = self.strike();
        if strike.is_none_or(|percent| percent >= 100) {
            self.synced = self.history.len();
        }
        if strike.is_some() { Err(Fault::Died) } else { Ok(()) }
    }

    pub(crate) fn is_unsynced(&self) -> bool {
        self.synced < self.history.len()
    }

    fn take_entries(&mut self, stream: Uuid, which: impl Fn(&Found) -> Vec<Key>) -> Taken {
        let before = self.contents();
        for key in before.get(&stream).map(which).unwrap_or_default() {
            self.apply(key, None);
        }
        Taken::between(&before, &self.contents())
    }

    /// Counts a write; says how much of it is kept if its process dies in it.
    fn strike(&mut self) -> Option<u32> {
        self.writes += 1;
        let (left, percent) = self.kill.as_mut()?;
        *left = left.saturating_sub(1);
        let percent = *percent;
        (*left == 0).then(|| {
            self.kill = None;
            percent
        })
    }

    fn apply(&mut self, key: Key, value: Option<Value>) {
        let before = self.replace(key, value);
        if self.history.len() == HISTORY {
            self.history.drain(..HISTORY / 2);
            self.synced = self.synced.saturating_sub(HISTORY / 2);
        }
        self.history.push(Change { key, before });
    }

    fn replace(&mut self, key: Key, value: Option<Value>) -> Option<Value> {
        let size = |value: &Option<Value>| value.as_ref().map_or(0, |value| value.len() + KEY_BYTES);
        let more = size(&value);
        let before = match value {
            Some(value) => self.map.insert(key, value),
            None => self.map.remove(&key),
        };
        self.used = self.used + more - size(&before);
        if key.is_ledger() {
            self.ledger_used = self.ledger_used + more - size(&before);
        }
        before
    }
}

impl View {
    /// The streams of which it shows anything, by UUID.
    #[must_use]
    pub fn streams(&self) -> Vec<Uuid> {
        streams(&self.map)
    }
}

fn streams(map: &BTreeMap<Key, Value>) -> Vec<Uuid> {
    let mut streams: Vec<Uuid> = map.keys().filter(|key| !key.is_shared()).map(|key| key.stream).collect();
    streams.dedup();
    streams
}

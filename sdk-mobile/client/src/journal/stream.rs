//! The books of one stream, as far as its files go.

use std::collections::BTreeMap;

use headwater_core::{
    client::{Lane, StreamNo},
    reason::Reason,
    session::SessionId,
};
use uuid::Uuid;

use super::{
    Location,
    entry::{Entry, What},
};
use crate::header::nameless;

pub(super) struct Stream {
    pub(super) uuid: Uuid,
    pub(super) lane: Lane,
    pub(super) header: String,
    pub(super) adopted: bool,
    /// Consent was denied: it is sent without its header, and nothing but names may stay of it.
    pub(super) purged: bool,
    pub(super) done: u32,
    pub(super) head: u32,
    /// `done` in the newest entry of our log.
    pub(super) written_done: u32,
    /// What is not forgotten, by seq.
    pub(super) calls: BTreeMap<u32, Location>,
    /// What is not acknowledged, by the number of its record.
    pub(super) losses: BTreeMap<u32, Loss>,
    /// What its dead owner had named: acknowledged at the latest when it is forgotten.
    pub(super) found_losses: Vec<(u32, u32, String)>,
    /// Ascending.
    pub(super) stamps: Vec<(u32, SessionId)>,
    /// Our log has its header.
    pub(super) in_log: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Loss {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) reason: Reason,
}

impl Stream {
    pub(super) fn new(uuid: Uuid, lane: Lane, header: String) -> Self {
        Self {
            uuid,
            lane,
            header,
            adopted: false,
            purged: false,
            done: 0,
            head: 0,
            written_done: 0,
            calls: BTreeMap::new(),
            losses: BTreeMap::new(),
            found_losses: Vec::new(),
            stamps: Vec::new(),
            in_log: false,
        }
    }

    /// From now on it is known by its UUID alone.
    pub(super) fn purge(&mut self) {
        self.purged = true;
        self.header = nameless(self.uuid);
        self.stamps.clear();
    }

    pub(super) fn stamp(&mut self, from: u32, session: SessionId) {
        let at = self.stamps.partition_point(|stamp| stamp.0 <= from);
        self.stamps.insert(at, (from, session));
    }

    pub(super) fn entry<'a>(&self, no: StreamNo, what: What<'a>) -> Entry<'a> {
        Entry { stream: no.0, done: self.done, head: self.head, what }
    }

    pub(super) fn header_entry(&self, no: StreamNo) -> Entry<'_> {
        self.entry(no, What::Header { uuid: self.uuid, lane: self.lane, text: &self.header })
    }

    /// What a log must hold that is to explain itself without an older one.
    pub(super) fn snapshot(&self, no: StreamNo) -> impl Iterator<Item = Entry<'_>> {
        let stamps = self.stamps.iter().map(|&(from, session)| What::Stamp { from, session });
        let found = self.found_losses.iter().map(|(from, to, reason)| (*from, *to, reason.as_str()));
        let losses = found.chain(self.losses.values().map(|loss| (loss.from, loss.to, loss.reason.as_str())));
        let losses = losses.map(|(from, to, reason)| What::Loss { from, to, reason });
        let whats = stamps.chain(losses).map(move |what| self.entry(no, what));
        std::iter::once(self.header_entry(no)).chain(whats)
    }

    /// A stamp is needed as long as an event at or behind it may be sent, up to the next stamp.
    pub(super) fn keep_needed_stamps(&mut self) {
        let first = self.calls.keys().next().copied().unwrap_or(self.head);
        let before = self.stamps.partition_point(|stamp| stamp.0 <= first);
        self.stamps.drain(..before.saturating_sub(1));
    }

    pub(super) fn owes_nothing(&self) -> bool {
        self.calls.is_empty() && self.losses.is_empty() && self.found_losses.is_empty()
    }
}

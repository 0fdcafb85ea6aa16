//! Names of losses and stamps: entries of their own, under a name that nobody else draws.

use std::rc::Rc;

use headwater_core::{
    client::{Input, StreamNo},
    reason::Reason,
    session::SessionId,
};

use super::{Alive, Shell, stream::Stream};
use crate::{
    Fact,
    disk::{Disk, Key, Part, Room},
    entry::{Entry, What},
};

/// A name that is not kept yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unrecorded {
    pub(super) record: u32,
    pub(super) stream: StreamNo,
    pub(super) loss: (u32, u32, Reason),
}

impl Shell {
    /// Writes a name down, in the space that is reserved for it if need be; what cannot be written is tried again, and
    /// until then nothing of it is forgotten.
    pub(super) fn record(&mut self, disk: &mut Disk, what: Unrecorded) -> Alive {
        let Unrecorded { record, stream: no, loss } = what;
        let done = self.client.done(no);
        self.notice_clear(disk, no.0 as usize)?;
        let stream = &mut self.streams[no.0 as usize];
        let key = Key { stream: stream.id, part: Part::Loss { writer: self.writer, record } };
        let bytes = self.entries.loss(done, stream.head, loss);
        let kept = if stream.stored { Self::put(disk, key, bytes, Room::Ledger) } else { Ok(true) };
        if matches!(kept, Ok(false)) {
            self.unrecorded.push(what);
            return Ok(());
        }
        stream.notes.push((key, Some(Rc::from(bytes))));
        let (stream, (from, to, reason)) = (stream.id, loss);
        let own = self.streams.iter().filter(|s| s.own).flat_map(|s| &s.held);
        let held_bytes = own.map(|(_, body)| body.as_ref().map_or(0, |body| body.len())).sum::<usize>();
        let held_bytes = u32::try_from(held_bytes).unwrap_or(u32::MAX);
        let limit = self.setup.limits.queue_bytes;
        self.facts.push(Fact::Named { stream, from, to, reason, held_bytes, limit });
        self.inputs.push_back(Input::Recorded { record });
        kept.map(drop)
    }

    pub(super) fn record_again(&mut self, disk: &mut Disk) -> Alive {
        for what in std::mem::take(&mut self.unrecorded) {
            self.record(disk, what)?;
        }
        Ok(())
    }

    /// Removes a name that is acknowledged or covered by a later one.
    pub(super) fn forget_record(&mut self, disk: &mut Disk, no: StreamNo, record: u32) -> Alive {
        self.unrecorded.retain(|known| known.record != record);
        let part = Part::Loss { writer: self.writer, record };
        let stream = self.stream_mut(no);
        stream.notes.retain(|(key, _)| key.part != part);
        let key = Key { stream: stream.id, part };
        if stream.stored { Self::remove(disk, key) } else { Ok(()) }
    }

    /// Should it not fit, an adopter sends the events without their session.
    pub(super) fn stamp(&mut self, disk: &mut Disk, no: StreamNo, from: u32, session: SessionId) -> Alive {
        let done = self.client.done(no);
        let part = Part::Stamp { writer: self.writer, n: self.stamps };
        self.stamps += 1;
        let stream = &mut self.streams[no.0 as usize];
        let key = Key { stream: stream.id, part };
        let bytes = self.entries.stamp(done, stream.head, from, session);
        if stream.stored && Self::put(disk, key, bytes, Room::Any)? {
            stream.notes.push((key, Some(Rc::from(bytes))));
        }
        Ok(())
    }
}

impl Stream {
    /// The names that its notes in memory hold.
    pub(super) fn losses(&self) -> Vec<(u32, u32, Reason)> {
        let notes = self.notes.iter().filter_map(|(_, value)| value.as_deref());
        let entries = notes.filter_map(|bytes| {
            let kinds = [crate::disk::Kind::Phone, crate::disk::Kind::Web];
            kinds.into_iter().find_map(|kind| Entry::parse(kind, u8::MAX, bytes).ok())
        });
        let losses = entries.filter_map(|entry| match entry.what {
            What::Loss { from, to, reason } => Some((from, to, reason)),
            _ => None,
        });
        losses.collect()
    }
}

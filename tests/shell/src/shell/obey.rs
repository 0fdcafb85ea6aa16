//! What the core wants done.

use headwater_core::{
    client::{Effect, StreamNo},
    identity::Change,
    planted,
    time::UnixMs,
};

use super::{Alive, Now, Shell, ledger::Unrecorded};
use crate::{
    Fact, Shared,
    disk::{Disk, Key, Kind, Part},
};

impl Shell {
    pub(super) fn obey(&mut self, disk: &mut Disk, now: Now, effect: Effect) -> Alive {
        match effect {
            Effect::Erase => self.reset(disk, Change::Erase),
            Effect::Forget { stream, from, to } => self.forget(disk, stream, from, to),
            Effect::ForgetRecord { record, stream } => self.forget_record(disk, stream, record),
            Effect::ForgetStream { stream } => self.forget_stream(disk, stream),
            Effect::Record { record, stream, from, to, reason } => {
                self.record(disk, Unrecorded { record, stream, loss: (from, to, reason) })
            }
            Effect::Accept => self.refuse_until(disk, None, UnixMs(0)),
            Effect::Refuse { verdict, until } => self.refuse_until(disk, Some(verdict), until),
            Effect::SaveGate { until } => self.share(disk, Shared::Gate { until }),
            Effect::SaveSession(session) => self.share(disk, Shared::Session(Some(session))),
            Effect::SaveSettings(settings) => self.share(disk, Shared::Settings(settings)),
            Effect::Send { request, stream, transport } => {
                self.send(disk, now, request, stream, transport);
                Ok(())
            }
            Effect::Stamp { stream, from, session } => self.stamp(disk, stream, from, session),
        }
    }

    /// Lets go of settled or named events; an entry goes when nothing in it is held any more. A phone removes its own
    /// by segments, and an adopted journal only as a whole.
    fn forget(&mut self, disk: &mut Disk, no: StreamNo, from: u32, to: u32) -> Alive {
        let segment = (disk.kind() == Kind::Phone).then_some(self.setup.segment_entries.max(1));
        let stream = self.stream_mut(no);
        stream.drop_held(from, to);
        let unneeded = match segment {
            Some(_) if !stream.own => Vec::new(),
            _ => stream.take_unneeded(segment),
        };
        let stream = stream.id;
        self.facts.push(Fact::Forgot { stream, from, to });
        for key in unneeded {
            Self::remove(disk, key)?;
        }
        Ok(())
    }

    /// Removes what is known of the stream, then its header if that is all there is: without locks its owner may live
    /// and have written more.
    fn forget_stream(&mut self, disk: &mut Disk, no: StreamNo) -> Alive {
        for current in &mut self.current {
            if current.stream == Some(no.0 as usize) {
                (current.stream, current.refused) = (None, Default::default());
            }
        }
        self.unrecorded.retain(|known| known.stream != no);
        let stream = self.stream_mut(no);
        let (id, own, stored) = (stream.id, stream.own, stream.stored);
        let notes = std::mem::take(&mut stream.notes).into_iter().map(|(key, _)| key);
        let mut keys: Vec<Key> =
            notes.chain(std::mem::take(&mut stream.keys).into_iter().map(|(key, ..)| key)).collect();
        stream.held.clear();
        stream.forgotten = true;
        self.facts.push(Fact::StreamForgotten { stream: id });
        if !stored {
            return Ok(());
        }
        let header = Key { stream: id, part: Part::Header };
        if planted!(AdopterDeletesUnsent) && !own {
            keys = disk.keys_of(id);
            keys.retain(|key| *key != header);
        }
        if planted!(HeaderRemovedFirst) {
            Self::remove(disk, header)?;
        }
        for key in keys {
            Self::remove(disk, key)?;
        }
        if !disk.has_others(id) {
            Self::remove(disk, header)?;
        }
        Ok(())
    }
}

//! Storage that was cleared under a running shell.

use headwater_core::planted;

use super::{Alive, Shell, number};
use crate::{
    Fact,
    disk::{Disk, Key, Part, Room},
};

impl Shell {
    /// Before each write to an own stream: if its header is gone, everything that is still held is written again.
    pub(super) fn notice_clear(&mut self, disk: &mut Disk, at: usize) -> Alive {
        let stream = &self.streams[at];
        let header = Key { stream: stream.id, part: Part::Header };
        if !stream.own || !stream.stored || disk.get(header).is_some() || planted!(ClearedStorageUnnoticed) {
            return Ok(());
        }
        for at in 0..self.streams.len() {
            self.restore(disk, at)?;
        }
        Ok(())
    }

    /// Writes a stream again, events under a new key.
    fn restore(&mut self, disk: &mut Disk, at: usize) -> Alive {
        let is_current = self.current.iter().any(|current| current.stream == Some(at));
        let done = self.client.done(number(at));
        let stream = &mut self.streams[at];
        let header = Key { stream: stream.id, part: Part::Header };
        let is_needed = is_current || !stream.held.is_empty() || !stream.notes.is_empty();
        let is_there = disk.get(header).is_some();
        if !stream.own || !stream.stored || stream.forgotten || !is_needed || is_there {
            return Ok(());
        }
        // Should one of them not fit, the stream is as it was: on the disk in part.
        if !Self::put(disk, header, self.entries.header(stream.lane, &stream.header), Room::Any)? {
            return Ok(());
        }
        let mut seqs = Vec::new();
        if let Some((from, _)) = stream.held.first() {
            let from = *from;
            let bodies = (from..stream.head).map(|seq| stream.body(seq).map_or(&[] as &[u8], |body| body));
            let bytes = self.entries.events(done.min(from), stream.head, from, bodies);
            let key = Key { stream: stream.id, part: Part::Events(stream.writes) };
            stream.writes += 1;
            if Self::put(disk, key, bytes, Room::Any)? {
                seqs.extend(stream.held.iter().map(|(seq, _)| *seq));
                stream.keys = vec![(key, from, stream.head)];
            }
        }
        for (key, value) in &stream.notes {
            if let Some(value) = value {
                Self::put(disk, *key, value, if key.is_ledger() { Room::Ledger } else { Room::Any })?;
            }
        }
        self.facts.push(Fact::Restored { stream: stream.id, seqs });
        Ok(())
    }
}

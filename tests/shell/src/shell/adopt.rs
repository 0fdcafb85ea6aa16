//! Adoption: a later shell sends what a dead one left behind, under its old names, then forgets it.

use headwater_core::{client::Input, client::Lane, reason::Reason, time::UnixMs};
use uuid::Uuid;

use super::{Alive, Life, Now, Shell, number, stream::Stream};
use crate::{
    Fact,
    disk::{Disk, Found, Kind, View},
    entry::ts_of,
    text::put_string,
};

impl Shell {
    /// Adopts those of the streams in `free` (whose owners are dead, as far as anybody can tell) that it does not know,
    /// as `view` shows them.
    pub fn adopt(&mut self, disk: &mut Disk, view: &View, now: Now, free: &[Uuid]) {
        if self.life == Life::Running && self.setup.storage {
            let outcome = self.adopt_all(disk, view, now, free);
            self.live(outcome);
        }
    }

    fn adopt_all(&mut self, disk: &mut Disk, view: &View, now: Now, free: &[Uuid]) -> Alive {
        for &id in free {
            if !self.streams.iter().any(|stream| stream.id == id && !stream.forgotten) {
                self.take_over(disk, view, now, id)?;
            }
        }
        Ok(())
    }

    fn take_over(&mut self, disk: &mut Disk, view: &View, now: Now, id: Uuid) -> Alive {
        let found = Found::read(&view.map, view.kind, self.setup.journal_version, id);
        if found.newer {
            self.facts.push(Fact::LeftAlone { stream: id });
            return Ok(());
        }
        if found.is_nothing() {
            // A header that was torn, or what another adopter is about to remove.
            for key in found.notes {
                Self::remove(disk, key)?;
            }
            return Ok(());
        }
        let Found { header, done, head, events, losses, stamps, keys, notes, .. } = found;
        let no = number(self.streams.len());
        let lane = header.as_ref().map_or(Lane::default(), |(lane, _)| *lane);
        self.facts.push(Fact::Adopted {
            stream: id,
            done,
            head,
            found: events.iter().map(|(seq, _)| *seq).collect(),
            losses: losses.clone(),
            header: header.is_some(),
        });
        self.inputs.push_back(Input::StreamFound { stream: no, lane, done, head });
        let mut held = Vec::new();
        let header = if let Some((_, header)) = header {
            for (seq, body) in events {
                let len = u32::try_from(body.len()).expect("a body has at most 50,000 bytes");
                self.inputs.push_back(Input::Found { stream: no, seq, len, ts: UnixMs(ts_of(&body)) });
                held.push((seq, (view.kind == Kind::Web).then_some(body)));
            }
            header
        } else {
            // Whom it was about is gone, so its events cannot be sent: they are named.
            self.inputs.push_back(Input::FoundLoss {
                stream: no,
                from: done,
                to: head,
                reason: Reason::Storage,
            });
            let mut name = b"\"stream\":".to_vec();
            put_string(&mut name, &id.to_string());
            name.into()
        };
        for (from, to, reason) in losses {
            self.inputs.push_back(Input::FoundLoss { stream: no, from, to, reason });
        }
        for (from, session) in stamps {
            self.inputs.push_back(Input::FoundStamp { stream: no, from, session });
        }
        self.inputs.push_back(Input::Adopted { stream: no });
        self.streams.push(Stream {
            id,
            lane,
            own: false,
            stored: true,
            header,
            head,
            writes: 0,
            held,
            keys,
            notes: notes.into_iter().map(|key| (key, None)).collect(),
            forgotten: false,
        });
        self.run(disk, now)
    }
}

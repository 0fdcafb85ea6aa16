//! Opening streams and appending events to them.

use std::rc::Rc;

use headwater_core::{
    client::{Input, Lane},
    identity::Change,
    planted,
    refusal::Refusal,
};
use uuid::Uuid;

use super::{
    Alive, Now, Shell,
    calls::{Draft, died},
    number,
    stream::Stream,
};
use crate::{
    Called, Fact,
    disk::{Disk, Found, Key, Kind, Part, Room},
    shared::uuid,
};

impl Shell {
    /// Writes the drafts, one entry per lane. When this returns they are accepted.
    pub(super) fn append(
        &mut self,
        disk: &mut Disk,
        now: Now,
        drafts: &mut Vec<Draft>,
        called: &mut [Called],
    ) -> Alive {
        while let Some(first) = drafts.first() {
            let lane = first.lane;
            let (of_lane, rest) = std::mem::take(drafts).into_iter().partition(|draft| draft.lane == lane);
            *drafts = rest;
            self.append_to(disk, lane, &of_lane, called)?;
        }
        self.run(disk, now)
    }

    fn append_to(&mut self, disk: &mut Disk, lane: Lane, drafts: &[Draft], called: &mut [Called]) -> Alive {
        let current = self.current_of(lane);
        let at = match self.current[current].stream {
            Some(at) => at,
            None => self.open_stream(disk, lane, self.setup.storage)?,
        };
        self.notice_clear(disk, at)?;
        if self.write_events(disk, at, drafts, called)? {
            self.accept(at, drafts, called);
        } else if planted!(SeqReusedAfterFailedWrite) {
            let head = self.streams[at].head;
            self.accept(at, drafts, called);
            self.streams[at].head = head;
        } else {
            // Begins a new stream, in memory: an event that is not kept must not share a name with one that may be.
            self.cut(disk, Change::WriteFailed, None, |of| of == lane)?;
            let at = self.open_stream(disk, lane, false)?;
            self.accept(at, drafts, called);
        }
        Ok(())
    }

    /// Whether the entry is kept: not without its header. In a stream in memory there is nothing to keep.
    fn write_events(
        &mut self,
        disk: &mut Disk,
        at: usize,
        drafts: &[Draft],
        called: &mut [Called],
    ) -> Alive<bool> {
        let stream = &mut self.streams[at];
        if !stream.stored {
            return Ok(true);
        }
        let header = Key { stream: stream.id, part: Part::Header };
        if disk.get(header).is_none() && !planted!(ClearedStorageUnnoticed) {
            return Ok(false);
        }
        let (mut from, mut key) = (stream.head, Key { stream: stream.id, part: Part::Events(stream.writes) });
        if planted!(JournalKeyRewritten)
            && disk.kind() == Kind::Web
            && let Some((last, first, _)) = stream.keys.last()
        {
            (key, from) = (*last, *first);
        }
        let head = stream.head + u32::try_from(drafts.len()).expect("a task makes few calls");
        let done = self.client.done(number(at)).min(from);
        let before = (from..stream.head).map(|seq| stream.body(seq).map_or(&[] as &[u8], |body| body));
        let bodies = before.chain(drafts.iter().map(|draft| &*draft.body));
        let bytes = self.entries.events(done, head, from, bodies);
        stream.writes += 1;
        match Self::put(disk, key, bytes, Room::Any) {
            Ok(kept) => {
                if kept {
                    stream.keys.retain(|(known, ..)| *known != key);
                    stream.keys.push((key, from, head));
                }
                Ok(kept)
            }
            Err(dead) => {
                let (id, first) = (stream.id, stream.head);
                for (draft, seq) in drafts.iter().zip(first..) {
                    died(called, draft, Some((id, seq)));
                }
                Err(dead)
            }
        }
    }

    fn accept(&mut self, at: usize, drafts: &[Draft], called: &mut [Called]) {
        let stream = &mut self.streams[at];
        for Draft { ts, body, call, .. } in drafts {
            let seq = stream.head;
            stream.head += 1;
            stream.held.push((seq, Some(body.clone())));
            self.facts.push(Fact::Accepted { stream: stream.id, seq, body: body.clone() });
            let len = u32::try_from(body.len()).expect("a body has at most 50,000 bytes");
            self.inputs.push_back(Input::Appended { stream: number(at), seq, len, ts: *ts });
            if let Some(outcome) = call.and_then(|at| called.get_mut(at)) {
                *outcome = Called::Accepted { stream: stream.id, seq };
            }
        }
    }

    /// Draws a stream and writes its header, on the disk if it is wanted and takes it.
    pub(super) fn open_stream(&mut self, disk: &mut Disk, lane: Lane, wanted: bool) -> Alive<usize> {
        if planted!(StreamContinued)
            && wanted
            && let Some(at) = self.continue_stream(disk, lane)
        {
            return Ok(at);
        }
        let id = uuid(&mut self.rng);
        self.know(disk)?;
        let mut header = self.header_of(id, true);
        let key = Key { stream: id, part: Part::Header };
        let stored = wanted && Self::put(disk, key, self.entries.header(lane, &header), Room::Any)?;
        if !stored {
            header = self.header_of(id, false);
        }
        self.facts.push(Fact::Opened { stream: id, lane, header: header.clone(), stored });
        self.streams.push(Stream {
            id,
            lane,
            own: true,
            stored,
            header,
            head: 0,
            writes: 0,
            held: Vec::new(),
            keys: Vec::new(),
            notes: Vec::new(),
            forgotten: false,
        });
        Ok(self.begin(lane))
    }

    /// The newest stream is what calls of the lane go to from here on.
    fn begin(&mut self, lane: Lane) -> usize {
        let stream = self.streams.len() - 1;
        self.inputs.push_back(Input::Opened { stream: number(stream), lane });
        let at = self.current_of(lane);
        self.current[at].stream = Some(stream);
        for (verdict, total) in Refusal::ALL.into_iter().zip(self.current[at].refused) {
            if total > 0 {
                self.inputs.push_back(Input::Refused { stream: number(stream), verdict, total });
            }
        }
        stream
    }

    /// The slip of a shell that appends to what it finds.
    fn continue_stream(&mut self, disk: &Disk, lane: Lane) -> Option<usize> {
        let client = self.identity.as_ref()?.client.to_string();
        let known = |id: &Uuid| self.streams.iter().any(|stream| stream.id == *id);
        let (id, found) = disk.contents().into_iter().find(|(id, found): &(Uuid, Found)| {
            let header = found.header.as_ref().filter(|(of, _)| *of == lane);
            !known(id) && header.is_some_and(|(_, text)| String::from_utf8_lossy(text).contains(&client))
        })?;
        let (_, header) = found.header?;
        self.streams.push(Stream {
            id,
            lane,
            own: true,
            stored: true,
            header,
            head: found.head,
            writes: 1_000 + found.head,
            held: Vec::new(),
            keys: Vec::new(),
            notes: Vec::new(),
            forgotten: false,
        });
        Some(self.begin(lane))
    }

    /// The wire header of a stream of who the visitor is now.
    pub(super) fn header_of(&mut self, stream: Uuid, stored: bool) -> Rc<[u8]> {
        let mut text = Vec::with_capacity(384);
        if let Some(identity) = &self.identity {
            identity.put_header(&mut text, stream, stored, &self.setup);
        }
        text.into()
    }

    /// No more is appended to the lane's stream; refusals from here on are told with the next.
    pub(super) fn close(&mut self, lane: Lane) {
        let at = self.current_of(lane);
        if let Some(stream) = self.current[at].stream.take() {
            self.current[at].refused = Default::default();
            self.inputs.push_back(Input::Closed { stream: number(stream) });
            self.facts.push(Fact::Closed { stream: self.streams[stream].id });
        }
    }

    /// No more is appended to any stream of these lanes.
    pub(super) fn close_all(&mut self, of: impl Fn(Lane) -> bool) {
        for lane in
            self.current.iter().map(|current| current.lane).filter(|lane| of(*lane)).collect::<Vec<_>>()
        {
            self.close(lane);
        }
    }
}

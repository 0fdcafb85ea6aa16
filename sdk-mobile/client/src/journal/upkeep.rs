//! Rolling, dropping, syncing, renewing and leaving.

use std::{io, path::Path};

use headwater_core::client::StreamNo;
use headwater_segments::{Error, Log, Options, PendingSync, Synced};

use super::{
    Held, Journal,
    entry::{Entry, What},
    opening::Opening,
    reserve::Reserve,
    stream::Stream,
};

/// When the active segment is this long, the next begins. 1 MiB: some 3,000 events, so little is kept
/// needlessly, and a read that has to look for its event is short.
const SEGMENT_BYTES: u64 = 1 << 20;

/// An fsync of the log that was current when it began.
pub(crate) struct Sync {
    opening: u32,
    pending: PendingSync,
}

/// Its end.
pub(crate) struct SyncEnd {
    opening: u32,
    outcome: Result<Synced, Error>,
}

impl Sync {
    pub(crate) fn run(self) -> SyncEnd {
        SyncEnd { opening: self.opening, outcome: self.pending.run() }
    }
}

impl Journal {
    /// Writes how far each stream is settled and begins an fsync, if anything is not durable yet.
    pub(crate) fn begin_sync(&mut self) -> io::Result<Option<Sync>> {
        self.write_progress()?;
        if self.log.durable_end() == self.log.next_offset() {
            return Ok(None);
        }
        let pending = self.log.begin_sync().map_err(io::Error::other)?;
        Ok(Some(Sync { opening: self.current, pending }))
    }

    pub(crate) fn end_sync(&mut self, end: SyncEnd) -> io::Result<()> {
        if end.opening == self.current {
            self.log.end_sync(end.outcome).map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Begins a new segment when the active one is long, and drops those that nobody needs.
    pub(crate) fn tidy(&mut self) -> io::Result<()> {
        if self.log.is_poisoned() {
            return Ok(());
        }
        self.take_reserve();
        if self.log.active_bytes() >= SEGMENT_BYTES {
            self.log.roll().map_err(io::Error::other)?;
            self.write_snapshot()?;
        }
        let needed = self.first_needed();
        if self.log.can_drop_before(needed) {
            self.write_progress()?;
            self.log.sync().map_err(io::Error::other)?;
            self.log.drop_before(needed).map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Leaves: fsyncs, and removes what owes nothing. What stays, a later opening adopts.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.closed = true;
        self.reserve = None;
        let synced = self.write_progress().and_then(|()| self.log.sync().map(drop).map_err(io::Error::other));
        let streams = &self.streams;
        for held in self.openings.values_mut() {
            held.streams.retain(|no| streams.get(no).is_some_and(|stream| !stream.owes_nothing()));
        }
        // Our log may hold what names the losses of adopted streams.
        if streams.values().all(Stream::owes_nothing) {
            self.current = u32::MAX;
        }
        let removed = self.remove_unneeded();
        // Lets go of the locks.
        self.openings.clear();
        synced.and(removed)
    }

    /// Goes on in a new opening because the log failed. The old one stays where it is, and is read from.
    pub(super) fn renew(&mut self) -> io::Result<()> {
        let (opening, log) = new_opening(&self.root)?;
        self.current = self.next_own;
        self.next_own += 1;
        self.openings.insert(self.current, Held::new(opening));
        self.log = log;
        // Never two events with one name: what the failed write left may be found later.
        self.close_own();
        for stream in self.streams.values_mut() {
            stream.in_log = false;
        }
        self.take_reserve();
        self.remove_unneeded()
    }

    /// Takes room for names in the current opening. Without it, what was taken in an older one still serves.
    pub(super) fn take_reserve(&mut self) {
        let current = self.current;
        if self.reserve.as_ref().is_some_and(|reserve| reserve.opening == current) {
            return;
        }
        let Some(held) = self.openings.get(&current) else { return };
        match Reserve::create(&held.opening.dir(), current) {
            Ok(reserve) => self.reserve = Some(reserve),
            Err(error) => tracing::debug!(%error, "no room could be taken for names"),
        }
    }

    /// Removes the openings that no stream needs, except the current one and that of the reserve.
    pub(super) fn remove_unneeded(&mut self) -> io::Result<()> {
        let kept = [Some(self.current), self.reserve.as_ref().map(|reserve| reserve.opening)];
        let unneeded = self
            .openings
            .extract_if(.., |number, held| !kept.contains(&Some(*number)) && held.streams.is_empty());
        let outcomes: Vec<_> = unneeded.map(|(_, held)| held.opening.remove()).collect();
        outcomes.into_iter().collect()
    }

    fn write_progress(&mut self) -> io::Result<()> {
        let behind =
            self.streams.iter().filter(|(_, stream)| stream.in_log && stream.written_done < stream.done);
        let behind: Vec<StreamNo> = behind.map(|(no, _)| *no).collect();
        behind.into_iter().try_for_each(|no| self.write(no, What::Done))
    }

    /// Repeats at the beginning of a segment what older segments say and is still needed.
    fn write_snapshot(&mut self) -> io::Result<()> {
        let mut entries = Vec::new();
        for (no, stream) in &mut self.streams {
            if stream.in_log {
                stream.keep_needed_stamps();
                stream.written_done = stream.done;
                entries.extend(stream.snapshot(*no).map(Entry::to_bytes));
            }
        }
        self.log.append(&entries).map_err(io::Error::other)?;
        self.log.sync().map_err(io::Error::other)?;
        Ok(())
    }

    /// The oldest record of our log that is an event not yet forgotten, or its end.
    fn first_needed(&self) -> u64 {
        let calls = self.streams.values().filter_map(|stream| stream.calls.values().next());
        let ours = calls.filter(|location| location.opening == self.current);
        ours.map(|location| location.offset).min().unwrap_or(self.log.next_offset())
    }
}

/// A locked directory and its log, which never rolls by itself.
pub(super) fn new_opening(root: &Path) -> io::Result<(Opening, Log)> {
    let opening = Opening::create(root)?;
    match Log::open(opening.dir(), Options { segment_bytes: u64::MAX }) {
        Ok(log) => Ok((opening, log)),
        Err(error) => {
            // What failed first is what is told.
            let _ = opening.remove();
            Err(io::Error::other(error))
        }
    }
}

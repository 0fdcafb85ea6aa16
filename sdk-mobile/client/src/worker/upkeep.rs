//! What is due beside the core's own timers.

use std::{
    io,
    time::{Duration, Instant},
};

use headwater_core::{
    client::{Decision, Input, Settings},
    reason::Reason,
    time::UnixMs,
};

use super::Worker;
use crate::journal::{Adopted, Scan};

/// How often dead siblings are looked for, and what living ones share is read unasked, beside once at the start. A
/// minute: their events are safe where they are, and each look takes a lock per sibling.
const ADOPT_EVERY: Duration = Duration::from_mins(1);

/// How soon a failed piece of upkeep is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) fn keep_up(&mut self) {
        let now = Instant::now();
        if self.files.changes() != self.seen_changes || self.adopt_due <= now {
            self.read_shared();
        }
        self.note_progress();
        self.try_again = None;
        self.record_again();
        self.follow();
        if self.sync_due.is_some_and(|due| due <= now) {
            self.sync_due = None;
            if let Err(error) = self.sync() {
                tracing::warn!(%error, "the journal could not be fsynced");
                self.sync_due = Some(now + TRY_AGAIN);
            }
        }
        if self.adopt_due <= now {
            self.adopt();
        }
        if let Err(error) = self.purge() {
            tracing::warn!(%error, "not all of what was denied is removed");
        }
        self.end_flushes();
    }

    /// How long nothing is due.
    pub(super) fn until_due(&self) -> Duration {
        let core = self.core.poll_timeout().map(|at| self.started + Duration::from_millis(at.0));
        let due = [Some(self.adopt_due), self.sync_due, core, self.try_again].into_iter().flatten().min();
        due.map_or(ADOPT_EVERY, |due| due.saturating_duration_since(Instant::now()))
    }

    /// Takes in what other processes share.
    pub(super) fn read_shared(&mut self) {
        self.seen_changes = self.files.changes();
        self.shared.intake().read_again();
        self.hear();
        if let Some(settings) = self.files.settings().filter(|settings| *settings != self.settings) {
            self.settings = settings;
            // A stop is kept with its end, as a verdict: heard of again at each start, it would never end.
            self.handle(Input::SettingsChanged(Settings { stop_ms: 0, ..settings }));
        }
        if let Some(session) = self.files.session() {
            self.handle(Input::SessionChanged(session));
        }
        if let Some(until) = self.files.gate() {
            self.handle(Input::Gate { until });
        }
    }

    /// Writes names of losses; what cannot be written is tried again later, and until then nothing of it is
    /// forgotten.
    pub(super) fn record_again(&mut self) {
        while let Some(waiting) = self.unrecorded.last() {
            let (stream, record, loss) = (waiting.stream, waiting.record, waiting.loss);
            let recorded = self.shared.intake().journal.record(stream, record, loss);
            if let Err(error) = recorded {
                tracing::warn!(%error, "a loss was not written to the journal");
                self.try_again = Some(Instant::now() + TRY_AGAIN);
                return;
            }
            self.unrecorded.pop();
            self.inputs.push_back(Input::Recorded { record });
        }
    }

    /// What a denial leaves to do: dead owners' logs are taken over, everything is named, and nothing else stays.
    pub(super) fn carry_out_denial(&mut self) -> io::Result<()> {
        self.hear();
        if self.shared.intake().decision() == Decision::Denied {
            self.adopt();
        }
        self.record_again();
        self.follow();
        self.purge()
    }

    /// Removes what was there at a denial, as soon as all of it is named.
    fn purge(&mut self) -> io::Result<()> {
        let purged = self.shared.intake().journal.purge();
        let done = match purged {
            Ok(true) => return Ok(()),
            Ok(false) => Err(io::Error::other("the names of what was purged are not written yet")),
            Err(error) => Err(error),
        };
        self.try_again = Some(Instant::now() + TRY_AGAIN);
        done
    }

    fn note_progress(&mut self) {
        if self.moved.is_empty() {
            return;
        }
        let mut intake = self.shared.intake();
        for stream in std::mem::take(&mut self.moved) {
            intake.journal.set_done(stream, self.core.done(stream));
        }
        drop(intake);
        self.journal_changed();
    }

    fn sync(&mut self) -> io::Result<()> {
        let sync = self.shared.intake().journal.begin_sync()?;
        if let Some(sync) = sync {
            // Callers append meanwhile.
            let end = sync.run();
            self.shared.intake().journal.end_sync(end)?;
        }
        let mut intake = self.shared.intake();
        intake.journal.tidy()?;
        let dirs = intake.journal.dirs();
        drop(intake);
        self.readers.retain(|opening| dirs.contains_key(&opening));
        Ok(())
    }

    pub(super) fn adopt(&mut self) {
        self.hear();
        self.adopt_due = Instant::now() + ADOPT_EVERY;
        let scanned = Scan::read(self.files.root(), &mut self.next_adopted);
        let adopted = scanned.and_then(|scan| {
            let mut intake = self.shared.intake();
            let denied = intake.decision() == Decision::Denied;
            intake.journal.adopt(scan, denied)
        });
        match adopted {
            Ok(adopted) => adopted.into_iter().for_each(|stream| self.tell_found(stream)),
            Err(error) => tracing::warn!(%error, "dead openings could not be adopted"),
        }
    }

    fn tell_found(&mut self, Adopted { no: stream, found }: Adopted) {
        tracing::debug!(events = found.calls.len(), head = found.head, "a dead owner's stream is adopted");
        self.handle(Input::StreamFound { stream, lane: found.lane, done: found.done, head: found.head });
        for (from, session) in found.stamps {
            self.handle(Input::FoundStamp { stream, from, session });
        }
        for (from, to, reason) in found.losses {
            // A newer version's word: the event is missing either way, and the name says that much.
            let reason = Reason::parse(&reason).unwrap_or(Reason::Vanished);
            self.handle(Input::FoundLoss { stream, from, to, reason });
        }
        for (seq, call) in found.calls {
            self.handle(Input::Found { stream, seq, len: call.len, ts: UnixMs(call.ts) });
        }
        self.handle(Input::Adopted { stream });
        self.moved.insert(stream);
    }

    fn end_flushes(&mut self) {
        if self.flushes.is_empty() {
            return;
        }
        let intake = self.shared.intake();
        self.flushes.retain(|flush| {
            let settled = flush.heads.iter().all(|&(no, head)| intake.journal.is_settled(no, head));
            if settled {
                // Nobody waits any more: it is flushed all the same.
                let _ = flush.done.send(());
            }
            !settled
        });
    }
}

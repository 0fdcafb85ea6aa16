//! What the core wants done.

use std::sync::atomic::Ordering;

use headwater_core::client::{Effect, Input, Outcome, StreamNo};

use super::{Unrecorded, Worker, unix_now};
use crate::{
    journal::Location,
    readers::ReadError,
    splice::{Parts, splice},
};

impl Worker {
    pub(super) fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Forget { stream, from, to } => {
                self.shared.journal().forget(stream, from, to);
                self.moved.insert(stream);
            }
            Effect::ForgetRecord { record, stream } => {
                self.shared.journal().forget_record(stream, record);
                self.moved.insert(stream);
            }
            Effect::ForgetStream { stream } => {
                let forgotten = self.shared.journal().forget_stream(stream);
                if let Err(error) = forgotten {
                    tracing::warn!(%error, "a finished stream could not be removed");
                }
            }
            Effect::Record { record, stream, from, to, reason } => {
                self.unrecorded.push(Unrecorded { stream, record, loss: (from, to, reason) });
                self.record_again();
            }
            Effect::SaveGate { until } => self.files.save_gate(until),
            Effect::SaveSession(session) => self.files.save_session(session),
            Effect::Send { request, .. } => self.send(request),
            Effect::Stamp { stream, from, session } => {
                let stamped = self.shared.journal().stamp(stream, from, session);
                if let Err(error) = stamped {
                    // An adopter would send the event without its session.
                    tracing::warn!(%error, "a session was not written to the journal");
                }
            }
            Effect::Erase | Effect::SaveSettings(_) => {}
            Effect::Refuse { .. } => {
                self.shared.stopped.store(true, Ordering::Relaxed);
                tracing::warn!("the site is gone (410): nothing more is accepted");
            }
        }
    }

    /// Writes names of losses; what cannot be written is tried again later, and until then nothing of it is
    /// forgotten.
    pub(super) fn record_again(&mut self) {
        while let Some(Unrecorded { stream, record, loss }) = self.unrecorded.pop() {
            let recorded = self.shared.journal().record(stream, record, loss);
            match recorded {
                Ok(()) => self.inputs.push_back(Input::Recorded { record }),
                Err(error) => {
                    tracing::warn!(%error, "a loss was not written to the journal");
                    self.unrecorded.push(Unrecorded { stream, record, loss });
                    return;
                }
            }
        }
    }

    fn send(&mut self, request: u32) {
        let Some(parts) = self.core.request(request) else { return };
        let journal = self.shared.journal();
        let located = journal.locate(parts.stream, &parts.seqs);
        let header = journal.header(parts.stream).map(|(text, uuid)| (text.to_owned(), uuid));
        let dirs = journal.dirs();
        drop(journal);
        let Some((header, stream)) = header else {
            // A stream that was removed because it owed nothing has nothing to send.
            debug_assert!(false, "stream {:?} has no header", parts.stream);
            self.inputs.push_back(Input::Answered { request, outcome: Outcome::NoAnswer });
            return;
        };
        let bodies = match located {
            Some(locations) => self.readers.read(&locations, |opening| dirs.get(&opening).cloned()),
            None => Err(ReadError::Gone),
        };
        let bodies = match bodies {
            Ok(bodies) => bodies,
            Err(error) => {
                self.cannot_read(request, parts.stream, &parts.seqs, &error);
                return;
            }
        };
        let parts_of_text =
            Parts { header: &header, stream, site: &self.site, sent_at: unix_now().0, bodies: &bodies };
        self.senders.send(request, splice(&parts.template, &parts_of_text));
    }

    /// The events that are gone for good are named; the others go in a later request.
    fn cannot_read(&mut self, request: u32, stream: StreamNo, seqs: &[u32], error: &ReadError) {
        tracing::warn!(%error, "a request could not be read from the journal");
        for &seq in seqs {
            let journal = self.shared.journal();
            let located: Option<Vec<Location>> = journal.locate(stream, &[seq]);
            let dirs = journal.dirs();
            drop(journal);
            let read = located
                .ok_or(ReadError::Gone)
                .and_then(|locations| self.readers.read(&locations, |opening| dirs.get(&opening).cloned()));
            if matches!(read, Err(ReadError::Gone)) {
                self.inputs.push_back(Input::Gone { stream, from: seq, to: seq + 1 });
            }
        }
        self.inputs.push_back(Input::Answered { request, outcome: Outcome::NoAnswer });
    }
}

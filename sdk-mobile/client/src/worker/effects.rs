//! What the core wants done.

use headwater_core::client::{Effect, Input, Outcome, StreamNo};

use super::{Unrecorded, Worker};
use crate::{
    clock::unix_now,
    journal::Location,
    readers::ReadError,
    splice::{Parts, splice},
};

impl Worker {
    pub(super) fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Forget { stream, from, to } => {
                self.shared.intake().journal.forget(stream, from, to);
                self.moved.insert(stream);
            }
            Effect::ForgetRecord { record, stream } => {
                self.shared.intake().journal.forget_record(stream, record);
                self.moved.insert(stream);
            }
            Effect::ForgetStream { stream } => {
                let forgotten = self.shared.intake().journal.forget_stream(stream);
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
            Effect::SaveSettings(settings) => {
                self.settings = settings;
                self.files.save_settings(settings);
            }
            Effect::Send { request, .. } => self.send(request),
            Effect::Stamp { stream, from, session } => {
                let stamped = self.shared.intake().journal.stamp(stream, from, session);
                if let Err(error) = stamped {
                    // An adopter would send the event without its session.
                    tracing::warn!(%error, "a session was not written to the journal");
                }
            }
            // The intake has done so, before it told the core: in the order of the calls.
            Effect::Erase => {}
            Effect::Accept => {
                tracing::debug!("accept");
                self.shared.intake().set_refusal(None);
            }
            Effect::Refuse { verdict, until } => {
                tracing::debug!(verdict = verdict.as_str(), until = until.0, "refuse");
                self.shared.intake().set_refusal(Some((verdict, until)));
            }
        }
    }

    fn send(&mut self, request: u32) {
        let Some(parts) = self.core.request(request) else { return };
        let intake = self.shared.intake();
        let journal = &intake.journal;
        if journal.is_purged(parts.stream) && !parts.seqs.is_empty() {
            // Consent was denied a moment ago, and the core has not heard it yet.
            drop(intake);
            self.inputs.push_back(Input::Answered { request, outcome: Outcome::NoAnswer });
            return;
        }
        let located = journal.locate(parts.stream, &parts.seqs);
        let header = journal.header(parts.stream).map(|(text, uuid)| (text.to_owned(), uuid));
        let dirs = journal.dirs();
        drop(intake);
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
            let intake = self.shared.intake();
            let located: Option<Vec<Location>> = intake.journal.locate(stream, &[seq]);
            let dirs = intake.journal.dirs();
            drop(intake);
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

//! The session as this client sees it, and when it is shared.

use super::{Effect, outbox::Outbox, random::Random};
use crate::{
    session::{Session, SessionId},
    time::UnixMs,
};

/// The shared session is written again when its activity moved by more than this, ms; not for each event,
/// because a storage write costs about as much as the event's own. Against the 30 minutes it is small, and
/// leaving writes the rest.
const SAVE_EVERY_MS: u64 = 60_000;

#[derive(Clone, Debug)]
pub(super) struct Visit {
    current: Option<Session>,
    /// `last_active` as the others know it.
    shared: UnixMs,
    /// The session that a reset ended: it must not come back from another tab's slow write.
    ended: Option<SessionId>,
}

impl Visit {
    pub(super) const NEW: Self = Self { current: None, shared: UnixMs(0), ended: None };

    /// The session of an event at `ts`, a new one if need be.
    pub(super) fn touch(&mut self, ts: UnixMs, random: &mut Random, out: &mut Outbox) -> SessionId {
        if let Some(session) = self.current.filter(|session| session.includes(ts)) {
            self.current = Some(session.touched(ts));
            self.share(SAVE_EVERY_MS, out);
            return session.id;
        }
        let session = Session::begin(SessionId::from_random(random.words()), ts);
        trace!(out, Step::SessionBegan { session: session.id, ts, why: Why::begun(self.current, ts) });
        (self.current, self.shared) = (Some(session), ts);
        out.push(Effect::SaveSession(session));
        session.id
    }

    /// Writes the shared session if its activity moved by more than `by` ms.
    pub(super) fn share(&mut self, by: u64, out: &mut Outbox) {
        if let Some(session) = self.current
            && session.last_active.since(self.shared) > by
        {
            self.shared = session.last_active;
            out.push(Effect::SaveSession(session));
        }
    }

    /// Another tab wrote the shared session.
    pub(super) fn changed(&mut self, theirs: Session, out: &mut Outbox) {
        if self.ended != Some(theirs.id) && self.current.is_none_or(|ours| theirs.outdates(&ours)) {
            (self.current, self.shared) = (Some(theirs), theirs.last_active);
            trace!(out, Step::SessionJoined { session: theirs.id });
        }
    }

    /// The next event begins a new session.
    pub(super) fn reset(&mut self, out: &mut Outbox) {
        trace!(out, Step::SessionEnded);
        self.ended = self.current.take().map(|session| session.id).or(self.ended);
    }
}

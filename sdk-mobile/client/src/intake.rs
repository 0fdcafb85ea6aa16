//! What becomes of a call before it is an event: accepted, held or refused, and as whose.

use std::{io, sync::Arc};

use headwater_core::{
    client::{Decision, Input, Purpose},
    identity::Change,
    refusal::Refusal,
    time::UnixMs,
};

use crate::{
    Error, WhileUnknown,
    clock::{next_ts, unix_now},
    event::Draft,
    header::Header,
    held::{Held, HeldCall},
    identity::Identity,
    journal::Journal,
    refused::Refused,
    registered::Registered,
    shared::SharedFiles,
};

/// What a call that was not refused came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Acceptance {
    /// It is in the journal: it will be counted or named lost.
    Accepted,
    /// Consent is unknown: it waits in memory, and nothing is promised yet.
    Held,
}

/// What the callers share with the background thread, in a lock.
pub(crate) struct Intake {
    pub(crate) journal: Journal,
    files: Arc<SharedFiles>,
    seen_changes: u64,
    app_version: Option<String>,
    identity: Arc<Identity>,
    /// Whose events the journal takes at the moment.
    journal_of: Arc<Identity>,
    /// The program names its clients: nothing of the identity is kept or shared.
    is_given: bool,
    decision: Decision,
    while_unknown: WhileUnknown,
    held: Held,
    registered: Registered,
    refusal: Option<(Refusal, UnixMs)>,
    refused: Refused,
}

/// What an [`Intake`] begins with.
pub(crate) struct Beginning {
    pub(crate) files: Arc<SharedFiles>,
    pub(crate) client_id: Option<String>,
    pub(crate) app_version: Option<String>,
    /// What holds until somebody decides.
    pub(crate) decision: Decision,
    pub(crate) while_unknown: WhileUnknown,
}

impl Intake {
    /// Opens a journal. Nothing about a person is written before consent is granted.
    pub(crate) fn open(beginning: Beginning) -> io::Result<Self> {
        let Beginning { files, client_id, app_version, decision, while_unknown } = beginning;
        let seen_changes = files.changes();
        let is_given = client_id.is_some();
        let kept = || files.identity().unwrap_or_else(Identity::draw);
        let identity = Arc::new(client_id.map_or_else(kept, Identity::given));
        let header = Header { identity: (*identity).clone(), app_version: app_version.clone() };
        let intake = Self {
            journal: Journal::open(files.root(), header)?,
            seen_changes,
            app_version,
            journal_of: Arc::clone(&identity),
            identity,
            is_given,
            decision: files.consent().unwrap_or(decision),
            while_unknown,
            held: Held::default(),
            registered: files.registered().unwrap_or_default(),
            refusal: files.refusal(),
            refused: Refused::default(),
            files,
        };
        match intake.decision {
            Decision::Denied => intake.files.forget_person(),
            Decision::Granted => intake.keep_identity(),
            Decision::Unknown => {}
        }
        Ok(intake)
    }

    /// Takes a call, or says why not. A refused call is counted.
    pub(crate) fn take(&mut self, draft: &Draft, precious: bool) -> Result<Acceptance, Error> {
        self.admit()?;
        self.take_admitted(draft, precious)
    }

    fn take_admitted(&mut self, draft: &Draft, precious: bool) -> Result<Acceptance, Error> {
        let ts = next_ts();
        let body = draft.body(ts, &self.registered).inspect_err(|_| self.refuse(Refusal::Invalid))?;
        if self.decision == Decision::Unknown {
            let identity = Arc::clone(&self.identity);
            if !self.held.push(HeldCall { identity, body, ts, precious }) {
                return Err(self.refused(Refusal::Waiting));
            }
            return Ok(Acceptance::Held);
        }
        self.release()?;
        self.append(ts, &body, precious)?;
        Ok(Acceptance::Accepted)
    }

    /// The events from this one on are a user's.
    pub(crate) fn identify(&mut self, user_id: String, draft: &Draft) -> Result<Acceptance, Error> {
        self.admit()?;
        self.become_one(self.identity.after(Change::Identify, Some(user_id)));
        self.take_admitted(draft, false)
    }

    /// The next events are of somebody else, whom nothing links to the one before.
    pub(crate) fn reset(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.notice_changes();
        self.begin_person(Change::Reset);
        Ok(())
    }

    /// The server wants everything about this person forgotten. The core is told in the order of the calls: exactly
    /// what was accepted before goes.
    pub(crate) fn erase(&mut self) {
        self.held.clear();
        self.journal.tell(Input::Erase);
        self.journal.deny();
        self.begin_person(Change::Erase);
    }

    /// The user decided about consent, in this process.
    pub(crate) fn decide(&mut self, decision: Decision) -> Result<(), Error> {
        self.check_open()?;
        if decision == Decision::Granted {
            // Before the others hear of it, so that they find who it is.
            self.keep_identity();
        }
        self.files.save_consent(decision)?;
        self.decided(decision)?;
        Ok(())
    }

    pub(crate) fn register(&mut self, more: Registered) -> Result<(), Error> {
        self.check_open()?;
        self.notice_changes();
        if self.decision == Decision::Denied {
            return Err(Error::Refused(Refusal::Consent));
        }
        self.registered.extend(more);
        self.keep_registered();
        Ok(())
    }

    pub(crate) fn unregister(&mut self, name: &str) -> Result<(), Error> {
        self.check_open()?;
        self.notice_changes();
        if self.registered.remove(name) {
            self.keep_registered();
        }
        Ok(())
    }

    /// A call could not be written as an event.
    pub(crate) fn refuse(&mut self, verdict: Refusal) {
        self.count(verdict, 1);
    }

    /// Every call is refused by this verdict for a time; none is any more.
    pub(crate) fn set_refusal(&mut self, refusal: Option<(Refusal, UnixMs)>) {
        self.refusal = refusal;
        self.files.save_refusal(refusal);
    }

    /// Takes in what other processes changed, if they did.
    pub(crate) fn notice_changes(&mut self) {
        let changes = self.files.changes();
        if changes != std::mem::replace(&mut self.seen_changes, changes) {
            self.read_again();
        }
    }

    /// Takes in what other processes may have changed.
    pub(crate) fn read_again(&mut self) {
        self.refusal = self.files.refusal();
        let decision = self.files.consent().unwrap_or(self.decision);
        let released = self.decided(decision).and_then(|()| match decision {
            Decision::Granted => self.release(),
            _ => Ok(()),
        });
        if let Err(error) = released {
            tracing::warn!(%error, "calls that waited for consent go on waiting");
        }
        if decision != Decision::Granted {
            return;
        }
        self.registered = self.files.registered().unwrap_or_default();
        if !self.is_given
            && let Some(theirs) = self.files.identity().filter(|theirs| *theirs != *self.identity)
        {
            self.identity = Arc::new(theirs);
            self.turn_to(&Arc::clone(&self.identity));
        }
    }

    pub(crate) fn decision(&self) -> Decision {
        self.decision
    }

    /// See [`Input::Visitor`].
    pub(crate) fn draw(&self) -> u32 {
        self.journal_of.draw_of_sample()
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.journal.is_closed() { Err(Error::Closed) } else { Ok(()) }
    }

    /// Whether a call is taken at all.
    fn admit(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.notice_changes();
        let verdict = match self.decision {
            Decision::Denied => Some(Refusal::Consent),
            Decision::Unknown if self.while_unknown == WhileUnknown::Refuse => Some(Refusal::Waiting),
            _ => self.refusal.filter(|(_, until)| unix_now() < *until).map(|(verdict, _)| verdict),
        };
        verdict.map_or(Ok(()), |verdict| Err(self.refused(verdict)))
    }

    fn refused(&mut self, verdict: Refusal) -> Error {
        self.refuse(verdict);
        Error::Refused(verdict)
    }

    fn count(&mut self, verdict: Refusal, calls: u32) {
        if self.journal.is_closed() {
            return;
        }
        // They are told with a stream: one is opened for them, unless that would write who somebody is without his
        // consent, or for a site that is gone.
        let may_open = !matches!(verdict, Refusal::Consent | Refusal::Stopped | Refusal::Waiting);
        if may_open && self.decision == Decision::Granted && self.journal.own_stream(false).is_err() {
            tracing::debug!("refused calls are told later");
        }
        self.tell_refused();
        if let Some(input) = self.refused.count(verdict, calls) {
            self.journal.tell(input);
        }
    }

    fn tell_refused(&mut self) {
        for input in self.refused.follow(self.journal.ordinary()) {
            self.journal.tell(input);
        }
    }

    fn append(&mut self, ts: UnixMs, body: &str, precious: bool) -> io::Result<()> {
        self.journal.append(ts, body, precious)?;
        self.tell_refused();
        Ok(())
    }

    /// Appends what waited for consent, in its order and with its own times.
    fn release(&mut self) -> io::Result<()> {
        while let Some(call) = self.held.first() {
            let (identity, ts, precious) = (Arc::clone(&call.identity), call.ts, call.precious);
            let body = call.body.clone();
            self.turn_to(&identity);
            self.append(ts, &body, precious)?;
            self.held.pop();
        }
        self.turn_to(&Arc::clone(&self.identity));
        Ok(())
    }

    fn decided(&mut self, decision: Decision) -> io::Result<()> {
        if decision == self.decision {
            return Ok(());
        }
        self.decision = decision;
        let header = self.header(&self.journal_of);
        self.journal.begin_anew(header);
        self.journal.tell(Input::Consent { purpose: Purpose::default(), decision });
        match decision {
            Decision::Denied => {
                self.journal.deny();
                self.files.forget_person();
                self.registered = Registered::default();
                let dropped = self.held.clear();
                if dropped > 0 {
                    self.count(Refusal::Consent, dropped);
                }
                Ok(())
            }
            Decision::Granted => {
                self.find_identity();
                self.keep_identity();
                self.keep_registered();
                self.release()
            }
            Decision::Unknown => Ok(()),
        }
    }

    /// If another process has drawn an identity meanwhile, and nothing was said here about who it is, the two are one.
    fn find_identity(&mut self) {
        if !self.is_given
            && self.identity.revision == 0
            && let Some(theirs) = self.files.identity().filter(|theirs| *theirs != *self.identity)
        {
            let theirs = Arc::new(theirs);
            self.held.rename(&self.identity, &theirs);
            self.identity = theirs;
        }
    }

    fn begin_person(&mut self, change: Change) {
        self.registered = Registered::default();
        self.keep_registered();
        self.files.end_session();
        self.become_one(self.identity.after(change, None));
    }

    /// Events from now on are of this one.
    fn become_one(&mut self, identity: Identity) {
        self.identity = Arc::new(identity);
        if self.decision == Decision::Granted {
            self.keep_identity();
            self.turn_to(&Arc::clone(&self.identity));
        }
    }

    /// The journal takes events of this one, in streams of their own.
    fn turn_to(&mut self, identity: &Arc<Identity>) {
        if Arc::ptr_eq(&self.journal_of, identity) {
            return;
        }
        let is_new = self.journal_of.client_id != identity.client_id;
        self.journal_of = Arc::clone(identity);
        self.journal.begin_anew(self.header(identity));
        if is_new {
            self.journal.tell(Input::Reset);
            self.journal.tell(Input::Visitor { draw: self.draw() });
        }
    }

    fn header(&self, identity: &Identity) -> Header {
        Header { identity: identity.clone(), app_version: self.app_version.clone() }
    }

    fn keep_identity(&self) {
        if !self.is_given {
            self.files.save_identity(&self.identity);
        }
    }

    fn keep_registered(&self) {
        if self.decision == Decision::Granted {
            self.files.save_registered(&self.registered);
        }
    }
}

use std::{
    fmt, process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use headwater_core::{client::Decision, refusal::Refusal};
use serde::Serialize;
use serde_json::json;

use crate::{
    Acceptance, Builder, Error,
    event::{Draft, ID_BYTES, check},
    intake::Intake,
    registered::Registered,
    worker::{Message, Shared},
};

/// A running client. It is shared between threads by reference or in an [`Arc`].
///
/// Dropping it does what [`close`](Self::close) does.
///
/// # Calls
/// Each call that records something returns [`Acceptance::Accepted`] when the event is in the journal: it survives
/// the death of the process, and will be counted or named lost once the server can be reached. Power loss takes back
/// what was accepted since the last fsync (a second by default). It costs the caller one write to a file and never
/// waits for the network. [`Acceptance::Held`] promises nothing yet: consent is unknown. An [`Error`] says that
/// nothing was recorded.
///
/// Properties (`props`, `traits`) must serialise as a JSON object, or as null (`&()`) for none. Names have 1 to 512
/// bytes, ids 1 to 256, an event [`MAX_EVENT_BYTES`](crate::MAX_EVENT_BYTES).
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbox: Sender<Message>,
    pub(crate) worker: Mutex<Option<JoinHandle<()>>>,
    pub(crate) process: u32,
    pub(crate) drain: Duration,
}

impl Client {
    /// Begins to describe a client that sends to `endpoint` (`https://collect.example.com`, with or without
    /// `/collect`) for the site with the public key `site`.
    pub fn builder(endpoint: impl Into<String>, site: impl Into<String>) -> Builder {
        Builder::new(endpoint.into(), site.into())
    }

    /// Records that something happened.
    pub fn track<P: Serialize + ?Sized>(&self, name: &str, props: &P) -> Result<Acceptance, Error> {
        self.accept(|| Draft::new("custom", props)?.name(name))
    }

    /// Records a page view of `url`, of at most 8 KiB.
    pub fn page<P: Serialize + ?Sized>(&self, url: &str, props: &P) -> Result<Acceptance, Error> {
        self.accept(|| Draft::new("pageview", props)?.url(url))
    }

    /// Records a view of the screen `name`.
    pub fn screen<P: Serialize + ?Sized>(&self, name: &str, props: &P) -> Result<Acceptance, Error> {
        self.accept(|| Draft::new("screen", props)?.name(name))
    }

    /// Records money: `minor` integer minor units (cents; negative for a refund) of `currency` (ISO 4217, as in
    /// `EUR`). It goes in a stream of its own, which is sent first and outlives the others when there is too much.
    pub fn revenue<P: Serialize + ?Sized>(
        &self,
        name: &str,
        minor: i64,
        currency: &str,
        props: &P,
    ) -> Result<Acceptance, Error> {
        let draft = || Draft::new("custom", props)?.name(name)?.revenue(minor, currency);
        self.run(draft, |intake, draft| intake.take(draft, true))
    }

    /// Records that the user was shown `variant` of `experiment`.
    pub fn exposure(&self, experiment: &str, variant: &str) -> Result<Acceptance, Error> {
        self.accept(|| Draft::new("$exposure", &json!({ "variant": variant }))?.name(experiment))
    }

    /// Says who the events are of, this one and all that follow until [`reset`](Self::reset), also in later runs and
    /// in the other processes of the journal directory (but see [`Builder::client_id`]): they make a stream of their
    /// own.
    pub fn identify<P: Serialize + ?Sized>(&self, user_id: &str, traits: &P) -> Result<Acceptance, Error> {
        let draft = || {
            check("user id", user_id, ID_BYTES)?;
            Draft::about_user("identify", traits)
        };
        self.run(draft, |intake, draft| intake.identify(user_id.to_owned(), draft))
    }

    /// Says that `other_id` is another name of the same person, as the `name` of an `alias` event.
    pub fn alias(&self, other_id: &str) -> Result<Acceptance, Error> {
        self.accept(|| Draft::about_user("alias", &())?.id("other id", other_id))
    }

    /// Says that the user belongs to a group (a company, a team), and what is known of the group.
    pub fn group<P: Serialize + ?Sized>(&self, group_id: &str, traits: &P) -> Result<Acceptance, Error> {
        self.accept(|| Draft::about_user("group", traits)?.id("group id", group_id))
    }

    /// Sets properties of the user, as `set` of a `$set` event. They must be an object.
    pub fn set<P: Serialize + ?Sized>(&self, props: &P) -> Result<Acceptance, Error> {
        self.accept(|| Draft::user_properties("set", props))
    }

    /// Sets properties of the user that are not set yet, as `set_once` of a `$set` event. They must be an object.
    pub fn set_once<P: Serialize + ?Sized>(&self, props: &P) -> Result<Acceptance, Error> {
        self.accept(|| Draft::user_properties("set_once", props))
    }

    /// Adds to a number that is a property of the user, as `increment` of a `$set` event.
    pub fn increment(&self, property: &str, by: i64) -> Result<Acceptance, Error> {
        self.accept(|| Draft::user_properties("increment", &json!({ property: by })))
    }

    /// Adds properties to every event from now on, also in later runs and in the other processes of the journal
    /// directory. One of the same name is replaced; an event's own property goes before a registered one. Calls whose
    /// properties are the user's or a group's own (`identify`, `alias`, `group`, `set…`) are left alone.
    ///
    /// # Errors
    /// [`Error::Refused`] if consent is denied: nothing is kept then.
    pub fn register<P: Serialize + ?Sized>(&self, props: &P) -> Result<(), Error> {
        self.usable()?;
        let more = Registered::of(props)?;
        self.shared.intake().register(more)
    }

    /// Takes back a registered property; one that is not registered is none.
    pub fn unregister(&self, property: &str) -> Result<(), Error> {
        self.usable()?;
        self.shared.intake().unregister(property)
    }

    /// The next events are of somebody else: new client, device and session ids, no user, no registered properties,
    /// so that nothing links the two. What was accepted before is sent as it was.
    pub fn reset(&self) -> Result<(), Error> {
        self.usable()?;
        let mut intake = self.shared.intake();
        let done = intake.reset();
        self.tell(intake);
        done
    }

    /// What the user decided about being recorded; kept for later runs and shared with the other processes of the
    /// journal directory, which notice at their next call and within a minute.
    ///
    /// * [`Decision::Granted`]: calls are accepted; those that were held are accepted now, with their own times.
    /// * [`Decision::Denied`]: calls are refused, ids, session and registered properties are forgotten, and every log
    ///   of the journal directory is purged: those of this process and of dead ones before this returns, that of a
    ///   living sibling by itself. What was not sent yet is named lost (`consent`), and the server is told so without
    ///   the ids.
    /// * [`Decision::Unknown`]: see [`Builder::while_unknown`]. What was accepted before is sent.
    ///
    /// # Errors
    /// [`Error::Journal`] when the decision could not be kept, or its work could not be done yet (a full disk): it
    /// holds in this process all the same, and the work is tried again.
    pub fn consent(&self, decision: Decision) -> Result<(), Error> {
        self.usable()?;
        let mut intake = self.shared.intake();
        let decided = intake.decide(decision);
        self.tell(intake);
        let (done, purged) = mpsc::channel();
        self.inbox.send(Message::Decided(done)).map_err(|_| Error::Closed)?;
        purged.recv().map_err(|_| Error::Closed)??;
        decided
    }

    /// Sends what is there and waits until every event accepted so far is settled, and every dead owner's
    /// adopted so far.
    ///
    /// # Errors
    /// [`Error::Unsent`] when `timeout` passed before; the events stay in the journal and are sent on.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        self.usable()?;
        let (done, flushed) = mpsc::channel();
        self.inbox.send(Message::Flush(done)).map_err(|_| Error::Closed)?;
        match flushed.recv_timeout(timeout) {
            Ok(()) => Ok(()),
            Err(RecvTimeoutError::Timeout) => Err(Error::Unsent(self.pending())),
            Err(RecvTimeoutError::Disconnected) => Err(Error::Closed),
        }
    }

    /// How many accepted events, adopted ones included, are neither settled nor named lost.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.shared.intake().journal.pending()
    }

    /// Refuses further events, sends what is there for at most the time set by [`Builder::drain`], and leaves
    /// the rest fsynced in the journal, where the next client adopts it. Calls that are held are dropped: they were
    /// never accepted. Once is enough; again does nothing.
    ///
    /// # Errors
    /// [`Error::Unsent`] with the number of events that stay.
    pub fn close(&self) -> Result<(), Error> {
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(worker) = worker else { return Ok(()) };
        if process::id() != self.process {
            // The thread lives in the parent only.
            return Err(Error::Forked);
        }
        let flushed = if self.drain.is_zero() { Ok(()) } else { self.flush(self.drain) };
        // It fails only if the thread is gone, and then there is nobody to tell.
        let _ = self.inbox.send(Message::Close);
        let ended = worker.join();
        match flushed {
            Ok(()) if ended.is_err() => Err(Error::Closed),
            Ok(()) if self.pending() > 0 => Err(Error::Unsent(self.pending())),
            flushed => flushed,
        }
    }

    fn accept(&self, draft: impl FnOnce() -> Result<Draft, Error>) -> Result<Acceptance, Error> {
        self.run(draft, |intake, draft| intake.take(draft, false))
    }

    /// The draft is made before the lock is taken: it calls the program's code.
    fn run(
        &self,
        draft: impl FnOnce() -> Result<Draft, Error>,
        call: impl FnOnce(&mut Intake, &Draft) -> Result<Acceptance, Error>,
    ) -> Result<Acceptance, Error> {
        self.usable()?;
        let draft = draft();
        let mut intake = self.shared.intake();
        let taken = match draft {
            Ok(draft) => call(&mut intake, &draft),
            Err(error) => {
                intake.refuse(Refusal::Invalid);
                Err(error)
            }
        };
        self.tell(intake);
        taken
    }

    /// Wakes the background thread if it has something to hear and does not know it yet.
    fn tell(&self, mut intake: MutexGuard<'_, Intake>) {
        if intake.journal.must_wake() {
            // If the thread is gone, the next client adopts the event: it is accepted all the same.
            let _ = self.inbox.send(Message::Wake);
        }
    }

    fn usable(&self) -> Result<(), Error> {
        if process::id() == self.process { Ok(()) } else { Err(Error::Forked) }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::info!(%error, "closed");
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("process", &self.process).finish_non_exhaustive()
    }
}

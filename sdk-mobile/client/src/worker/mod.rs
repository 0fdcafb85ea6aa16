//! The background thread: tells the core what happened and does what it says.

mod effects;
mod upkeep;

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use headwater_core::{
    client::{self as core, Decision, Input, Purpose, Settings, StreamNo},
    reason::Reason,
};

use crate::{
    clock::{milliseconds, unix_now},
    http::{Answer, Senders},
    intake::Intake,
    journal::FIRST_ADOPTED,
    readers::Readers,
    shared::SharedFiles,
};

/// How long after news the next are waited for before they are looked for unasked. To be woken costs the caller five
/// times what its event does, so a busy program wakes nobody; against the wait for a flush it is nothing.
const NAP: Duration = Duration::from_millis(5);

/// How many messages are taken before upkeep is looked at again.
const MESSAGES_AT_ONCE: usize = 1_000;

pub(crate) enum Message {
    Answered {
        request: u32,
        answer: Answer,
    },
    Close,
    /// The user decided about consent: answer when what follows from it is done.
    Decided(Sender<io::Result<()>>),
    Flush(Sender<()>),
    /// The journal has news.
    Wake,
}

/// What the callers and the background thread share.
pub(crate) struct Shared(Mutex<Intake>);

impl Shared {
    pub(crate) fn new(intake: Intake) -> Self {
        Self(Mutex::new(intake))
    }

    /// A caller's panic leaves the journal as sound as a failed write does.
    pub(crate) fn intake(&self) -> MutexGuard<'_, Intake> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Worker {
    core: core::Client,
    started: Instant,
    shared: Arc<Shared>,
    files: Arc<SharedFiles>,
    seen_changes: u64,
    /// As the core knows them.
    settings: Settings,
    inbox: Receiver<Message>,
    senders: Senders,
    readers: Readers,
    /// The site id as JSON text.
    site: String,
    sync_every: Duration,
    sync_due: Option<Instant>,
    adopt_due: Instant,
    next_adopted: u32,
    /// Emptied, and kept for its room.
    news: Vec<Input>,
    /// Inputs that follow from effects.
    inputs: VecDeque<Input>,
    /// Streams whose `done` may have moved.
    moved: BTreeSet<StreamNo>,
    /// Names that could not be written yet.
    unrecorded: Vec<Unrecorded>,
    /// Something that must be done failed.
    try_again: Option<Instant>,
    flushes: Vec<Flush>,
}

struct Unrecorded {
    stream: StreamNo,
    record: u32,
    loss: (u32, u32, Reason),
}

struct Flush {
    /// What each stream had when the flush was asked for.
    heads: Vec<(StreamNo, u32)>,
    done: Sender<()>,
}

pub(crate) struct Setup {
    pub(crate) core: core::Config,
    pub(crate) shared: Arc<Shared>,
    pub(crate) files: Arc<SharedFiles>,
    pub(crate) inbox: Receiver<Message>,
    pub(crate) senders: Senders,
    pub(crate) site: String,
    pub(crate) sync_every: Duration,
}

impl Worker {
    pub(crate) fn new(setup: Setup) -> Self {
        let now = Instant::now();
        Self {
            core: core::Client::new(setup.core),
            started: now,
            shared: setup.shared,
            seen_changes: setup.files.changes(),
            files: setup.files,
            settings: Settings::default(),
            inbox: setup.inbox,
            senders: setup.senders,
            readers: Readers::default(),
            site: setup.site,
            sync_every: setup.sync_every,
            sync_due: None,
            adopt_due: now,
            next_adopted: FIRST_ADOPTED,
            news: Vec::new(),
            inputs: VecDeque::new(),
            moved: BTreeSet::new(),
            unrecorded: Vec::new(),
            try_again: None,
            flushes: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) {
        let (draw, decision) = {
            let intake = self.shared.intake();
            (intake.draw(), intake.decision())
        };
        self.handle(Input::Visitor { draw });
        self.handle(Input::Consent { purpose: Purpose::default(), decision });
        self.read_shared();
        loop {
            let patience = if self.hear() { NAP } else { Duration::MAX };
            self.keep_up();
            match self.inbox.recv_timeout(self.until_due().min(patience)) {
                Ok(message) => {
                    if !self.take(message) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.handle(Input::Timeout),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Err(error) = self.shared.intake().journal.close() {
            tracing::warn!(%error, "the journal was not closed in order");
        }
    }

    /// Takes this message and those behind it; `false` when the client is to close.
    fn take(&mut self, first: Message) -> bool {
        let mut next = Some(first);
        let mut room = MESSAGES_AT_ONCE;
        while let Some(message) = next {
            match message {
                Message::Answered { request, answer } => self.answered(request, &answer),
                Message::Close => {
                    // What was accepted last gets its session.
                    self.hear();
                    return false;
                }
                Message::Decided(done) => {
                    // Whoever asked may have gone: it is done all the same.
                    let _ = done.send(self.carry_out_denial());
                }
                Message::Flush(done) => {
                    self.hear();
                    let heads = self.shared.intake().journal.heads();
                    self.flushes.push(Flush { heads, done });
                    self.handle(Input::Flush);
                }
                // It is heard at the next turn.
                Message::Wake => {}
            }
            room -= 1;
            next = if room > 0 { self.inbox.try_recv().ok() } else { None };
        }
        true
    }

    /// Tells the core what the callers did, in their order; says whether they did anything.
    fn hear(&mut self) -> bool {
        let mut news = std::mem::take(&mut self.news);
        self.shared.intake().journal.take_news(&mut news);
        let heard = !news.is_empty();
        if heard {
            self.journal_changed();
        }
        for input in news.drain(..) {
            if let Input::Consent { decision: Decision::Denied, .. } | Input::Erase = input {
                self.senders.call_back();
            }
            self.handle(input);
            match input {
                Input::Consent { decision: Decision::Denied, .. } => {
                    // The caller forgot it before, but the core may have saved a session since.
                    self.files.forget_person();
                    // Dead owners' logs are this process's to purge.
                    self.adopt_due = Instant::now();
                }
                Input::Reset => self.files.end_session(),
                _ => {}
            }
        }
        self.news = news;
        heard
    }

    fn answered(&mut self, request: u32, answer: &Answer) {
        self.handle(Input::Answered { request, outcome: answer.outcome });
        if let Some(settings) = answer.told.settings {
            self.handle(Input::Settings(settings));
        }
        if answer.told.erase {
            tracing::info!("the server wants everything about this client erased");
            // What dead owners left is of the same person.
            self.adopt();
            self.shared.intake().erase();
            self.hear();
        }
    }

    /// One input and everything that follows from it.
    fn handle(&mut self, input: Input) {
        self.inputs.push_back(input);
        self.follow();
    }

    fn follow(&mut self) {
        while let Some(input) = self.inputs.pop_front() {
            let now = headwater_core::time::Instant(milliseconds(self.started.elapsed()));
            self.core.handle(now, unix_now(), input);
            while let Some(effect) = self.core.poll() {
                self.obey(effect);
            }
        }
    }

    fn journal_changed(&mut self) {
        self.sync_due.get_or_insert_with(|| Instant::now() + self.sync_every);
    }
}

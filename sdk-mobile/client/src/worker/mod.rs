//! The background thread: tells the core what happened and does what it says.

mod effects;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use headwater_core::{
    client::{self as core, Input, Lane, Outcome, StreamNo},
    reason::Reason,
    time::UnixMs,
};

use crate::{
    http::Senders,
    journal::{Adopted, Appended, FIRST_ADOPTED, Journal, Scan},
    readers::Readers,
    shared::SharedFiles,
};

/// How often dead siblings are looked for, beside once at the start. A minute: their events are safe where
/// they are, and each look takes a lock per sibling.
const ADOPT_EVERY: Duration = Duration::from_mins(1);

/// How soon a failed piece of upkeep is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How many messages are taken before upkeep is looked at again.
const MESSAGES_AT_ONCE: usize = 1_000;

pub(crate) enum Message {
    Answered { request: u32, outcome: Outcome },
    Appended(Appended),
    Close,
    Flush(Sender<()>),
}

/// What the callers and the background thread share.
pub(crate) struct Shared {
    journal: Mutex<Journal>,
    stopped: AtomicBool,
}

impl Shared {
    pub(crate) fn new(journal: Journal) -> Self {
        Self { journal: Mutex::new(journal), stopped: AtomicBool::new(false) }
    }

    /// A caller's panic leaves the journal as sound as a failed write does.
    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The site is gone.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

pub(crate) struct Worker {
    core: core::Client,
    started: Instant,
    shared: Arc<Shared>,
    files: SharedFiles,
    inbox: Receiver<Message>,
    senders: Senders,
    readers: Readers,
    /// The site id as JSON text.
    site: String,
    sync_every: Duration,
    sync_due: Option<Instant>,
    adopt_due: Instant,
    next_adopted: u32,
    /// Inputs that follow from effects.
    inputs: VecDeque<Input>,
    /// Streams whose `done` may have moved.
    moved: BTreeSet<StreamNo>,
    /// Names that could not be written yet.
    unrecorded: Vec<Unrecorded>,
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
    pub(crate) files: SharedFiles,
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
            files: setup.files,
            inbox: setup.inbox,
            senders: setup.senders,
            readers: Readers::default(),
            site: setup.site,
            sync_every: setup.sync_every,
            sync_due: None,
            adopt_due: now,
            next_adopted: FIRST_ADOPTED,
            inputs: VecDeque::new(),
            moved: BTreeSet::new(),
            unrecorded: Vec::new(),
            flushes: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) {
        if let Some(session) = self.files.session() {
            self.handle(Input::SessionChanged(session));
        }
        if let Some(until) = self.files.gate() {
            self.handle(Input::Gate { until });
        }
        loop {
            self.keep_up();
            match self.inbox.recv_timeout(self.until_due()) {
                Ok(message) => {
                    if !self.take(message) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.handle(Input::Timeout),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Err(error) = self.shared.journal().close() {
            tracing::warn!(%error, "the journal was not closed in order");
        }
    }

    /// Takes this message and those behind it; `false` when the client is to close.
    fn take(&mut self, first: Message) -> bool {
        let mut next = Some(first);
        let mut room = MESSAGES_AT_ONCE;
        while let Some(message) = next {
            match message {
                Message::Answered { request, outcome } => self.handle(Input::Answered { request, outcome }),
                Message::Appended(appended) => self.appended(appended),
                Message::Close => return false,
                Message::Flush(done) => {
                    let heads = self.shared.journal().heads();
                    self.flushes.push(Flush { heads, done });
                    self.handle(Input::Flush);
                }
            }
            room -= 1;
            next = if room > 0 { self.inbox.try_recv().ok() } else { None };
        }
        true
    }

    fn appended(&mut self, appended: Appended) {
        let Appended { stream, opened, seq, len, ts } = appended;
        if opened {
            self.handle(Input::Opened { stream, lane: Lane::default() });
        }
        self.handle(Input::Appended { stream, seq, len, ts });
        self.journal_changed();
    }

    /// One input and everything that follows from it.
    fn handle(&mut self, input: Input) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            let now = headwater_core::time::Instant(milliseconds(self.started.elapsed()));
            self.core.handle(now, unix_now(), input);
            while let Some(effect) = self.core.poll() {
                self.obey(effect);
            }
        }
    }

    /// What is due beside the core's own timers.
    fn keep_up(&mut self) {
        self.note_progress();
        self.record_again();
        let now = Instant::now();
        if self.sync_due.is_some_and(|due| due <= now) {
            self.sync_due = None;
            if let Err(error) = self.sync() {
                tracing::warn!(%error, "the journal could not be fsynced");
                self.sync_due = Some(now + TRY_AGAIN);
            }
        }
        if self.adopt_due <= now {
            self.adopt_due = now + ADOPT_EVERY;
            self.adopt();
        }
        self.end_flushes();
    }

    fn note_progress(&mut self) {
        if self.moved.is_empty() {
            return;
        }
        let mut journal = self.shared.journal();
        for stream in std::mem::take(&mut self.moved) {
            journal.set_done(stream, self.core.done(stream));
        }
        drop(journal);
        self.journal_changed();
    }

    fn sync(&mut self) -> std::io::Result<()> {
        let sync = self.shared.journal().begin_sync()?;
        if let Some(sync) = sync {
            // Callers append meanwhile.
            let end = sync.run();
            self.shared.journal().end_sync(end)?;
        }
        let mut journal = self.shared.journal();
        journal.tidy()?;
        let dirs = journal.dirs();
        drop(journal);
        self.readers.retain(|opening| dirs.contains_key(&opening));
        Ok(())
    }

    fn adopt(&mut self) {
        let scanned = Scan::read(&self.files.root, &mut self.next_adopted);
        let adopted = scanned.and_then(|scan| self.shared.journal().adopt(scan));
        match adopted {
            Ok(adopted) => adopted.into_iter().for_each(|stream| self.tell(stream)),
            Err(error) => tracing::warn!(%error, "dead openings could not be adopted"),
        }
    }

    fn tell(&mut self, Adopted { no: stream, found }: Adopted) {
        tracing::debug!(events = found.calls.len(), head = found.head, "a dead owner's stream is adopted");
        self.handle(Input::StreamFound { stream, lane: Lane::default(), done: found.done, head: found.head });
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
        let journal = self.shared.journal();
        self.flushes.retain(|flush| {
            let settled = flush.heads.iter().all(|&(no, head)| journal.is_settled(no, head));
            if settled {
                // Nobody waits any more: it is flushed all the same.
                let _ = flush.done.send(());
            }
            !settled
        });
    }

    fn journal_changed(&mut self) {
        self.sync_due.get_or_insert_with(|| Instant::now() + self.sync_every);
    }

    fn until_due(&self) -> Duration {
        let core = self.core.poll_timeout().map(|at| self.started + Duration::from_millis(at.0));
        let again = (!self.unrecorded.is_empty()).then(|| Instant::now() + TRY_AGAIN);
        let due = [Some(self.adopt_due), self.sync_due, core, again].into_iter().flatten().min();
        due.map_or(ADOPT_EVERY, |due| due.saturating_duration_since(Instant::now()))
    }
}

pub(crate) fn unix_now() -> UnixMs {
    UnixMs(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, milliseconds))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

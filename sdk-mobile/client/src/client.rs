use std::{
    fmt,
    path::PathBuf,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use headwater_core::client::{Config, Limits};
use serde::Serialize;

use crate::{
    Error, event,
    header::{Header, json},
    http::{Endpoint, Senders},
    journal::Journal,
    shared::SharedFiles,
    worker::{Message, Setup, Shared, Worker, unix_now},
};

/// A running client. It is shared between threads by reference or in an [`Arc`].
///
/// Dropping it does what [`close`](Self::close) does.
pub struct Client {
    shared: Arc<Shared>,
    inbox: Sender<Message>,
    worker: Mutex<Option<JoinHandle<()>>>,
    process: u32,
    drain: Duration,
}

/// What a [`Client`] is made from; see [`Client::builder`].
#[derive(Clone)]
#[must_use = "a client begins with `build`"]
pub struct Builder {
    endpoint: String,
    site: String,
    journal: Option<PathBuf>,
    client_id: Option<String>,
    app_version: Option<String>,
    secret_key: Option<String>,
    limits: Limits,
    sync_every: Duration,
    drain: Duration,
}

impl Client {
    /// Begins to describe a client that sends to `endpoint` (`https://collect.example.com`, without a path)
    /// for the site with the public key `site`.
    pub fn builder(endpoint: impl Into<String>, site: impl Into<String>) -> Builder {
        Builder {
            endpoint: endpoint.into(),
            site: site.into(),
            journal: None,
            client_id: None,
            app_version: None,
            secret_key: None,
            limits: Limits {
                // A server has a disk: 64 MiB are some 200,000 events, an outage of hours.
                queue_bytes: 64 << 20,
                // No page has to outlive its request; the collector takes 1 MiB and 10,000 events.
                batch_events: 500,
                batch_bytes: 512_000,
                ..Limits::default()
            },
            sync_every: Duration::from_secs(1),
            drain: Duration::from_secs(5),
        }
    }

    /// Records that something happened. `props` must serialise as a JSON object, or as null (`&()`) for none.
    ///
    /// `Ok` means accepted: the event is in the journal, survives the death of the process, and will be
    /// counted or named lost once the server can be reached. Power loss takes back what was accepted since
    /// the last fsync (a second by default). It costs the caller one write to a file and never waits for the
    /// network.
    pub fn track<P: Serialize + ?Sized>(&self, name: &str, props: &P) -> Result<(), Error> {
        self.accept(&event::text("custom", Some(("name", name)), props)?)
    }

    /// Records a page view of `url`, as [`track`](Self::track) does.
    pub fn page<P: Serialize + ?Sized>(&self, url: &str, props: &P) -> Result<(), Error> {
        self.accept(&event::text("pageview", Some(("url", url)), props)?)
    }

    /// Records a view of the screen `name`, as [`track`](Self::track) does.
    pub fn screen<P: Serialize + ?Sized>(&self, name: &str, props: &P) -> Result<(), Error> {
        self.accept(&event::text("screen", Some(("name", name)), props)?)
    }

    /// Says who the events are of, this one and all that follow until the client is closed: they make a stream
    /// of their own.
    pub fn identify<P: Serialize + ?Sized>(&self, user_id: &str, traits: &P) -> Result<(), Error> {
        let text = event::text("identify", None, traits)?;
        self.usable()?;
        let mut journal = self.shared.journal();
        journal.identify(user_id.to_owned());
        self.append(&mut journal, &text)
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
        self.shared.journal().pending()
    }

    /// Refuses further events, sends what is there for at most the time set by [`Builder::drain`], and leaves
    /// the rest fsynced in the journal, where the next client adopts it. Once is enough; again does nothing.
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

    fn accept(&self, text: &str) -> Result<(), Error> {
        self.usable()?;
        self.append(&mut self.shared.journal(), text)
    }

    fn append(&self, journal: &mut Journal, text: &str) -> Result<(), Error> {
        if journal.is_closed() {
            return Err(Error::Closed);
        }
        let appended = journal.append(unix_now(), text)?;
        // Told under the journal's lock, so in the order of the seqs. If the thread is gone, the next client
        // adopts the event: it is accepted all the same.
        let _ = self.inbox.send(Message::Appended(appended));
        Ok(())
    }

    fn usable(&self) -> Result<(), Error> {
        if process::id() != self.process {
            return Err(Error::Forked);
        }
        if self.shared.is_stopped() {
            return Err(Error::Stopped);
        }
        Ok(())
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

impl Builder {
    /// The directory that keeps accepted events until they are settled. Required. It may be shared by any
    /// number of processes of one machine: each start makes a directory of its own in it, and takes over
    /// those whose owners are dead. It must not be on a file system without file locks (some NFS).
    pub fn journal(mut self, dir: impl Into<PathBuf>) -> Self {
        self.journal = Some(dir.into());
        self
    }

    /// Who sends. By default a UUID drawn once per journal directory.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// The version of the program, sent in the context.
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.app_version = Some(version.into());
        self
    }

    /// A secret key of the site, sent as `Authorization: Bearer`.
    pub fn secret_key(mut self, key: impl Into<String>) -> Self {
        self.secret_key = Some(key.into());
        self
    }

    /// How many bytes of events may wait to be sent before the oldest are given up, named `queue_full`.
    /// 64 MiB by default.
    pub fn queue_bytes(mut self, bytes: u32) -> Self {
        self.limits.queue_bytes = bytes;
        self
    }

    /// How long an event may wait for others to share its request. 500 ms by default; 500 events or 512 KB
    /// go at once.
    pub fn flush_every(mut self, interval: Duration) -> Self {
        self.limits.flush_ms = u32::try_from(interval.as_millis()).unwrap_or(u32::MAX);
        self
    }

    /// How old the newest accepted event may be that power loss takes back. 1 s by default.
    pub fn sync_every(mut self, interval: Duration) -> Self {
        self.sync_every = interval;
        self
    }

    /// How long [`Client::close`] and dropping the client may send. 5 s by default.
    pub fn drain(mut self, timeout: Duration) -> Self {
        self.drain = timeout;
        self
    }

    /// Opens the journal and starts the background threads: one that decides and at most four that send.
    ///
    /// # Errors
    /// [`Error::Config`] for an impossible endpoint or a missing journal, [`Error::Journal`] when it cannot be
    /// written or a thread cannot be started.
    pub fn build(self) -> Result<Client, Error> {
        self.check()?;
        let Some(root) = self.journal else {
            return Err(Error::Config("a journal directory is required".into()));
        };
        let files = SharedFiles::new(&root);
        let header = Header {
            client_id: self.client_id.map_or_else(|| files.client_id(), Ok)?,
            user_id: None,
            app_version: self.app_version,
        };
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).map_err(|error| Error::Config(error.to_string()))?;
        let shared = Arc::new(Shared::new(Journal::open(&root, header)?));
        let (inbox, messages) = mpsc::channel();
        let senders = {
            let endpoint = Endpoint::new(&self.endpoint, self.secret_key.as_deref(), self.limits.in_flight);
            let inbox = inbox.clone();
            Senders::start(self.limits.in_flight, &endpoint, move |request, outcome| {
                // The client is closed: the answer comes too late to matter.
                let _ = inbox.send(Message::Answered { request, outcome });
            })?
        };
        let worker = Worker::new(Setup {
            core: Config { entropy, limits: self.limits },
            shared: Arc::clone(&shared),
            files,
            inbox: messages,
            senders,
            site: json(&self.site).to_string(),
            sync_every: self.sync_every,
        });
        let worker = thread::Builder::new().name("hw-client".into()).spawn(move || worker.run())?;
        Ok(Client {
            shared,
            inbox,
            worker: Mutex::new(Some(worker)),
            process: process::id(),
            drain: self.drain,
        })
    }

    fn check(&self) -> Result<(), Error> {
        let tls = cfg!(feature = "tls");
        let host = match self.endpoint.split_once("://") {
            Some(("http", host)) => host,
            Some(("https", host)) if tls => host,
            Some(("https", _)) => return Err(Error::Config("https needs the feature `tls`".into())),
            _ => "",
        };
        if host.is_empty() || self.site.is_empty() {
            return Err(Error::Config(
                "the endpoint is http(s)://host[:port], the site its public key".into(),
            ));
        }
        Ok(())
    }
}

use std::{
    path::PathBuf,
    process,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use headwater_core::client::{Config, Decision, Limits};

use crate::{
    Client, Error, WhileUnknown,
    event::{ID_BYTES, check},
    header::json,
    http::{Endpoint, Senders},
    intake::{Beginning, Intake},
    shared::SharedFiles,
    worker::{Message, Setup, Shared, Worker},
};

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
    consent: Decision,
    while_unknown: WhileUnknown,
    sync_every: Duration,
    drain: Duration,
}

impl Builder {
    pub(crate) fn new(endpoint: String, site: String) -> Self {
        Self {
            endpoint,
            site,
            journal: None,
            client_id: None,
            app_version: None,
            secret_key: None,
            limits: Limits {
                // A server has a disk: 64 MiB are some 200,000 events, an outage of hours.
                queue_bytes: 64 << 20,
                // So many are not reached before the bytes are, unless events are tiny; the books of so many take
                // some 50 MB of memory.
                queue_events: 500_000,
                // No page has to outlive its request; the collector takes 1 MiB and 10,000 events.
                batch_events: 500,
                batch_bytes: 512_000,
                ..Limits::default()
            },
            consent: Decision::Granted,
            while_unknown: WhileUnknown::default(),
            sync_every: Duration::from_secs(1),
            drain: Duration::from_secs(5),
        }
    }

    /// The directory that keeps accepted events until they are settled. Required. It may be shared by any
    /// number of processes of one machine: each start makes a directory of its own in it, and takes over
    /// those whose owners are dead. It must not be on a file system without file locks (some NFS).
    pub fn journal(mut self, dir: impl Into<PathBuf>) -> Self {
        self.journal = Some(dir.into());
        self
    }

    /// Who sends, in this run: 1 to 256 bytes. By default a UUID drawn once per journal directory, kept there with a
    /// device id and the user id of [`Client::identify`], and shared by all processes of the directory. With an id
    /// given here there is no device id, and what [`Client::identify`] and [`Client::reset`] change holds in this
    /// run alone.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// The version of the program, sent in the context: 1 to 256 bytes.
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.app_version = Some(version.into());
        self
    }

    /// A secret key of the site, sent as `Authorization: Bearer`.
    pub fn secret_key(mut self, key: impl Into<String>) -> Self {
        self.secret_key = Some(key.into());
        self
    }

    /// What holds until [`Client::consent`] was called for this journal directory, in this run or in an earlier one.
    /// [`Decision::Granted`] by default.
    pub fn consent(mut self, until_decided: Decision) -> Self {
        self.consent = until_decided;
        self
    }

    /// What becomes of calls while consent is [`Decision::Unknown`]. They are held by default.
    pub fn while_unknown(mut self, calls: WhileUnknown) -> Self {
        self.while_unknown = calls;
        self
    }

    /// How many bytes of events may wait to be sent before the oldest are given up, named `queue_full`.
    /// 64 MiB by default.
    pub fn queue_bytes(mut self, bytes: u32) -> Self {
        self.limits.queue_bytes = bytes;
        self
    }

    /// How long an event may wait for others to share its request: 1 s by default, and half of it for the first event
    /// after a pause. 500 events or 512 KB go at once.
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
    /// [`Error::Config`] for an impossible endpoint or a missing journal, [`Error::Text`] for an id that the collector
    /// would refuse, [`Error::Journal`] when it cannot be written or a thread cannot be started.
    pub fn build(self) -> Result<Client, Error> {
        self.check()?;
        let Some(root) = self.journal else {
            return Err(Error::Config("a journal directory is required".into()));
        };
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).map_err(|error| Error::Config(error.to_string()))?;
        let files = Arc::new(SharedFiles::open(&root)?);
        let intake = Intake::open(Beginning {
            files: Arc::clone(&files),
            client_id: self.client_id,
            app_version: self.app_version,
            decision: self.consent,
            while_unknown: self.while_unknown,
        })?;
        let shared = Arc::new(Shared::new(intake));
        let (inbox, messages) = mpsc::channel();
        let senders = {
            let endpoint = Endpoint::new(&self.endpoint, self.secret_key.as_deref(), self.limits.in_flight);
            let inbox = inbox.clone();
            Senders::start(self.limits.in_flight, &endpoint, move |request, answer| {
                // The client is closed: the answer comes too late to matter.
                let _ = inbox.send(Message::Answered { request, answer });
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
                "the endpoint is http(s)://host[:port][/collect], the site its public key".into(),
            ));
        }
        let texts = [("client id", &self.client_id), ("app version", &self.app_version)];
        for (what, text) in texts {
            text.as_ref().map_or(Ok(""), |text| check(what, text, ID_BYTES))?;
        }
        Ok(())
    }
}

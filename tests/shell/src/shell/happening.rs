//! What happens to a shell that is not a call.

use headwater_core::{
    client::{Client, Config, Decision, Input, Outcome, Settings},
    time::UnixMs,
};

use super::{Alive, Dead, Life, Now, Shell, number};
use crate::{
    Shared,
    disk::{Disk, Item, Key, Kind, Room},
    entry::ts_of,
};

/// Something that happened to a page or process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Happening {
    /// A request ended. What its answer carried beside (settings, an order to erase) is told first.
    Answered {
        /// [`Sent::request`](super::Sent::request).
        request: u32,
        /// How.
        outcome: Outcome,
    },
    /// An answer said that what is known of the visitor is to be erased.
    Erase,
    /// Everything is to be sent now.
    Flush,
    /// It is no longer visible.
    Hidden,
    /// The platform asks for memory back.
    MemoryPressure,
    /// The network went away or came back.
    Online(bool),
    /// The page comes back from the back/forward cache, after [`Terminating`](Self::Terminating).
    Restored,
    /// An answer carried settings.
    Settings(Settings),
    /// Another page or process of the disk wrote this.
    Shared(Shared),
    /// It is about to end: last words, then silence.
    Terminating,
    /// [`Shell::next_at`] has passed.
    Timeout,
    /// It is visible again.
    Visible,
}

impl Shell {
    /// Tells it that something happened.
    pub fn tell(&mut self, disk: &mut Disk, now: Now, what: Happening) {
        let restored = what == Happening::Restored && self.life == Life::Left;
        if self.life == Life::Running || restored {
            let outcome = self.happen(disk, now, what);
            self.live(outcome);
        }
    }

    fn happen(&mut self, disk: &mut Disk, now: Now, what: Happening) -> Alive {
        let input = match what {
            Happening::Answered { request, outcome } => Input::Answered { request, outcome },
            Happening::Erase => Input::Erase,
            Happening::Flush => Input::Flush,
            Happening::Hidden => {
                self.hidden = true;
                self.inputs.push_back(Input::Hidden);
                self.run(disk, now)?;
                return self.sync(disk);
            }
            Happening::MemoryPressure => Input::MemoryPressure,
            Happening::Online(online) => {
                self.online = online;
                Input::Online(online)
            }
            Happening::Restored => return self.begin_anew(disk, now),
            Happening::Settings(settings) => Input::Settings(settings),
            Happening::Shared(shared) => {
                self.hear(disk, now, shared)?;
                return self.run(disk, now);
            }
            Happening::Terminating => {
                self.inputs.push_back(Input::Terminating);
                self.run(disk, now)?;
                self.life = Life::Left;
                return self.sync(disk);
            }
            Happening::Timeout => {
                if self.sync_due.is_some_and(|due| due <= now.mono.0) {
                    self.sync(disk)?;
                }
                Input::Timeout
            }
            Happening::Visible => {
                self.hidden = false;
                Input::Visible
            }
        };
        self.inputs.push_back(input);
        self.run(disk, now)
    }

    /// Takes in what another page or an earlier run shared.
    pub(super) fn hear(&mut self, disk: &mut Disk, now: Now, shared: Shared) -> Alive {
        match shared {
            Shared::Consent { purpose, decision } => self.decide(disk, now, purpose, decision, false)?,
            Shared::Gate { until } => self.inputs.push_back(Input::Gate { until }),
            // Compared before each append.
            Shared::Identity | Shared::Session(None) => {}
            Shared::Registered => self.recall_registered(disk),
            Shared::Refusal { verdict, until } => self.verdict = verdict.map(|verdict| (verdict, until)),
            Shared::Session(Some(session)) => self.inputs.push_back(Input::SessionChanged(session)),
            Shared::Settings(settings) => self.inputs.push_back(Input::SettingsChanged(settings)),
        }
        Ok(())
    }

    /// Writes what is shared, and has the others told.
    pub(super) fn share(&mut self, disk: &mut Disk, shared: Shared) -> Alive {
        self.put_shared(disk, shared.item(), &shared.to_bytes())?;
        self.shared.push(shared);
        Ok(())
    }

    /// Writes an entry that is shared; it goes if there are no bytes. Should it not fit, nothing of the promise is lost;
    /// but what a visitor decided has room in the reserve.
    pub(super) fn put_shared(&mut self, disk: &mut Disk, item: Item, bytes: &[u8]) -> Alive {
        let key = Key::shared(item);
        let room = if matches!(item, Item::Consent(_)) { Room::Ledger } else { Room::Any };
        match self.setup.storage {
            true if bytes.is_empty() => Self::remove(disk, key),
            true => Self::put(disk, key, bytes, room).map(drop),
            false => Ok(()),
        }
    }

    /// What is kept under this name.
    pub(super) fn kept(&self, disk: &Disk, item: Item) -> Option<Shared> {
        Shared::parse(item, disk.get(Key::shared(item)).filter(|_| self.setup.storage)?)
    }

    /// What the core wants refused from here on.
    pub(super) fn refuse_until(
        &mut self,
        disk: &mut Disk,
        verdict: Option<headwater_core::refusal::Refusal>,
        until: UnixMs,
    ) -> Alive {
        // Another page may have heard that the site is gone.
        if self.verdict.is_some_and(|(_, until)| until.0 == u64::MAX) {
            return Ok(());
        }
        self.verdict = verdict.map(|verdict| (verdict, until));
        self.share(disk, Shared::Refusal { verdict, until })
    }

    /// While the page slept its streams were free to be adopted, so they are not continued. What was in memory alone is
    /// taken over like a dead owner's; the rest is on the disk for whoever comes first.
    fn begin_anew(&mut self, disk: &mut Disk, now: Now) -> Alive {
        self.life = Life::Running;
        self.hidden = false;
        let mut entropy = [0; 32];
        self.rng.fill(&mut entropy);
        self.client = Client::new(Config { entropy, limits: self.setup.limits });
        self.writer = self.rng.u32(..);
        if self.setup.storage {
            (self.identity, self.identity_kept) = (None, None);
        }
        self.current.clear();
        self.unrecorded.clear();
        self.inputs.clear();
        let streams = std::mem::take(&mut self.streams);
        self.greet(disk, now)?;
        for mut stream in streams.into_iter().filter(|s| !s.stored && !s.held.is_empty()) {
            stream.own = false;
            let (no, lane, head) = (number(self.streams.len()), stream.lane, stream.head);
            let done = stream.held.first().map_or(head, |(seq, _)| *seq);
            self.inputs.push_back(Input::StreamFound { stream: no, lane, done, head });
            for (seq, body) in &stream.held {
                let body = body.as_deref().unwrap_or_default();
                let len = u32::try_from(body.len()).expect("a body has at most 50,000 bytes");
                self.inputs.push_back(Input::Found { stream: no, seq: *seq, len, ts: UnixMs(ts_of(body)) });
            }
            for (from, to, reason) in stream.losses() {
                self.inputs.push_back(Input::FoundLoss { stream: no, from, to, reason });
            }
            self.inputs.push_back(Input::Adopted { stream: no });
            self.streams.push(stream);
        }
        self.run(disk, now)
    }

    /// What was written so far outlives a power loss, on a phone.
    pub(super) fn sync(&mut self, disk: &mut Disk) -> Alive {
        self.sync_due = None;
        if disk.kind() == Kind::Phone && self.setup.storage {
            disk.sync().map_err(|_| Dead)?;
        }
        Ok(())
    }

    /// The stored decision about a purpose, if there is one.
    #[must_use]
    pub fn stored_decision(disk: &Disk, purpose: u8) -> Option<Decision> {
        let item = Item::Consent(purpose);
        match Shared::parse(item, disk.get(Key::shared(item))?)? {
            Shared::Consent { decision, .. } => Some(decision),
            _ => None,
        }
    }
}

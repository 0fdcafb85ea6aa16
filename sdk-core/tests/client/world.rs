//! A small world to look for faults in: pages that share a storage, a network that does what networks do, and a
//! server. Everything follows from a seed.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use headwater_core::{
    client::{Client, Config, Decision, Effect, Input, Lane, Limits, Outcome, Purpose, StreamNo, Transport},
    reason::Reason,
    session::Session,
    time::{Instant, UnixMs},
};

use crate::{
    page::{EPOCH, splice},
    server::Server,
    storage::{Key, Log, Page, Told, Uuid, part},
};

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) now: u64,
    pub(crate) server: Server,
    pub(crate) storage: BTreeMap<Uuid, Log>,
    pub(crate) pages: Vec<Page>,
    /// No more faults: what is owed must arrive.
    pub(crate) calm: bool,
    pub(crate) denied: bool,
    limits: Limits,
    network: Vec<(u64, Arrival)>,
    gate: Option<UnixMs>,
    session: Option<Session>,
    streams: Uuid,
    pages_opened: u32,
    /// Events whose journal write returned.
    pub(crate) accepted: BTreeSet<(Uuid, u32)>,
    /// Events that the platform took out of a storage.
    pub(crate) taken: BTreeSet<(Uuid, u32)>,
    /// Events that a page gave up for a reason other than storage.
    pub(crate) given_up: BTreeSet<(Uuid, u32)>,
}

enum Arrival {
    Answer { page: u32, request: u32, outcome: Outcome },
    Copy(Vec<u8>),
}

impl World {
    pub(crate) fn new(seed: u64, limits: Limits) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            now: 0,
            server: Server::default(),
            storage: BTreeMap::new(),
            pages: Vec::new(),
            calm: false,
            denied: false,
            limits,
            network: Vec::new(),
            gate: None,
            session: None,
            streams: 0,
            pages_opened: 0,
            accepted: BTreeSet::new(),
            given_up: BTreeSet::new(),
            taken: BTreeSet::new(),
        }
    }

    /// Opens a page with a stream of its own. It adopts every stream for which `adopts` holds.
    pub(crate) fn open_page(&mut self, adopts: impl Fn(&Self, Uuid) -> bool) -> usize {
        self.pages_opened += 1;
        let mut entropy = [0; 32];
        self.rng.fill(&mut entropy);
        let client = Client::new(Config { entropy, limits: self.limits });
        self.pages.push(Page {
            id: self.pages_opened,
            client,
            streams: Vec::new(),
            current: None,
            entries: 0,
            dies_in: None,
            dead: false,
        });
        let at = self.pages.len() - 1;
        if self.denied {
            self.tell(at, Input::Consent { purpose: Purpose::default(), decision: Decision::Denied });
        }
        if let Some(session) = self.session {
            self.tell(at, Input::SessionChanged(session));
        }
        if let Some(until) = self.gate {
            self.tell(at, Input::Gate { until });
        }
        let found: Vec<Uuid> = self.storage.keys().copied().filter(|&uuid| adopts(self, uuid)).collect();
        self.open_stream(at);
        for uuid in found {
            self.adopt(at, uuid);
        }
        at
    }

    pub(crate) fn open_stream(&mut self, at: usize) {
        if self.denied {
            return;
        }
        self.streams += 1;
        self.storage.insert(self.streams, Log { header: true, ..Log::default() });
        let stream = self.know(at, Told::new(self.streams, true));
        self.pages[at].current = Some(stream);
        self.tell(at, Input::Opened { stream, lane: Lane::default() });
    }

    /// Whether a living page writes to `uuid`.
    pub(crate) fn is_owned(&self, uuid: Uuid) -> bool {
        self.pages.iter().any(|p| !p.dead && p.streams.iter().any(|s| s.own && s.uuid == uuid))
    }

    fn adopt(&mut self, at: usize, uuid: Uuid) {
        let log = &self.storage[&uuid];
        if !log.header {
            // The header goes last: whatever is left was acknowledged.
            self.storage.remove(&uuid);
            return;
        }
        let told = Told::read(uuid, log);
        let done = log.keys.values().map(|k| k.done).max().unwrap_or(0);
        let head = log.keys.values().map(|k| k.head).max().unwrap_or(0);
        let keys: Vec<_> = log.keys.iter().map(|(&seq, &key)| (seq, key)).collect();
        let names: Vec<_> = log.names.values().copied().collect();
        let stamps: Vec<_> = log.stamps.values().copied().collect();
        let stream = self.know(at, told);
        self.tell(at, Input::StreamFound { stream, lane: Lane::default(), done, head });
        for (seq, key) in keys {
            self.tell(at, Input::Found { stream, seq, len: key.len, ts: key.ts });
        }
        for (from, to, reason) in names {
            self.tell(at, Input::FoundLoss { stream, from, to, reason });
        }
        for (from, session) in stamps {
            self.tell(at, Input::FoundStamp { stream, from, session });
        }
        self.tell(at, Input::Adopted { stream });
    }

    pub(crate) fn append(&mut self, at: usize) {
        let page = &mut self.pages[at];
        let Some(stream) = page.current.filter(|_| !page.dead && !self.denied) else { return };
        self.now += 1;
        let done = page.client.done(stream);
        let told = &mut page.streams[stream.0 as usize];
        let (seq, len) = (told.next_seq, self.rng.u32(20..300));
        let ts = UnixMs(EPOCH + self.now);
        told.next_seq += 1;
        let key = Key { len, ts, done, head: seq + 1 };
        told.held.insert(seq, key);
        let uuid = told.uuid;
        let log = self.storage.entry(uuid).or_default();
        if !log.header {
            // An adopter took the stream for dead: write again what is still held.
            log.header = true;
            log.keys.extend(&told.held);
        }
        log.keys.insert(seq, key);
        self.accepted.insert((uuid, seq));
        self.tell(at, Input::Appended { stream, seq, len, ts });
    }

    /// Tells a page something and does what it decides, until it has nothing more to do or is killed.
    pub(crate) fn tell(&mut self, at: usize, input: Input) {
        let mut inputs = vec![input];
        while !inputs.is_empty() {
            let input = inputs.remove(0);
            if self.pages[at].dead {
                return;
            }
            let (now, unix) = (Instant(self.now), UnixMs(EPOCH + self.now));
            self.pages[at].client.handle(now, unix, input);
            while let Some(effect) = self.pages[at].client.poll() {
                let page = &mut self.pages[at];
                page.dies_in = page.dies_in.map(|left| left.saturating_sub(1));
                let dies = page.dies_in == Some(0);
                let percent = if dies { self.rng.usize(0..100) } else { 100 };
                self.obey(at, effect, percent, &mut inputs);
                if dies {
                    self.pages[at].dead = true;
                    return;
                }
            }
            let timeout = self.pages[at].client.poll_timeout();
            assert!(timeout.is_none_or(|at| at.0 > self.now), "a timeout in the past after {input:?}");
        }
    }

    /// Does `percent` of an effect; all of it unless the page dies in the middle.
    fn obey(&mut self, at: usize, effect: Effect, percent: usize, inputs: &mut Vec<Input>) {
        let page = &mut self.pages[at];
        match effect {
            Effect::Forget { stream, from, to } => {
                let told = &mut page.streams[stream.0 as usize];
                told.held.retain(|seq, _| !(from..to).contains(seq));
                if let Some(log) = self.storage.get_mut(&told.uuid) {
                    let keys: Vec<u32> = log.keys.range(from..to).map(|(&seq, _)| seq).collect();
                    for seq in part(&keys, percent) {
                        log.keys.remove(seq);
                    }
                }
            }
            Effect::ForgetRecord { record, stream } => {
                let uuid = page.streams[stream.0 as usize].uuid;
                if let Some(log) = self.storage.get_mut(&uuid).filter(|_| percent == 100) {
                    log.names.remove(&(page.id, record));
                }
            }
            Effect::ForgetStream { stream } => {
                let told = &page.streams[stream.0 as usize];
                let Some(log) = self.storage.get_mut(&told.uuid) else { return };
                let keys: Vec<u32> =
                    log.keys.keys().copied().filter(|seq| told.own || told.keys.contains(seq)).collect();
                for seq in part(&keys, percent) {
                    log.keys.remove(seq);
                }
                if percent == 100 {
                    log.names
                        .retain(|entry, _| !told.own && !told.names.contains(entry) && entry.0 != page.id);
                    log.stamps.retain(|entry, _| !told.own && !told.stamps.contains(entry));
                    if log.keys.is_empty() && log.names.is_empty() {
                        self.storage.remove(&told.uuid);
                    }
                }
            }
            Effect::Record { record, stream, from, to, reason } => {
                let told = &page.streams[stream.0 as usize];
                if percent == 100 {
                    let log = self.storage.entry(told.uuid).or_default();
                    if told.own && !log.header {
                        log.header = true;
                        log.keys.extend(&told.held);
                    }
                    log.names.insert((page.id, record), (from, to, reason));
                    if reason != Reason::Vanished {
                        self.given_up.extend((from..to).map(|seq| (told.uuid, seq)));
                    }
                    inputs.push(Input::Recorded { record });
                }
            }
            Effect::SaveGate { until } => {
                self.gate = Some(until);
                self.tell_others(at, Input::Gate { until });
            }
            Effect::SaveSession(session) => {
                self.session = Some(session);
                self.tell_others(at, Input::SessionChanged(session));
            }
            Effect::Send { request, stream, transport } => self.send(at, request, stream, transport, inputs),
            Effect::Stamp { stream, from, session } => {
                page.entries += 1;
                let uuid = page.streams[stream.0 as usize].uuid;
                if let Some(log) = self.storage.get_mut(&uuid) {
                    log.stamps.insert((page.id, page.entries), (from, session));
                }
            }
            // This world's sites come back, so a page may go on calling.
            Effect::Erase | Effect::Refuse { .. } | Effect::SaveSettings(_) => {}
        }
    }

    fn tell_others(&mut self, at: usize, input: Input) {
        for other in (0..self.pages.len()).filter(|&other| other != at) {
            self.tell(other, input);
        }
    }

    /// The platform takes back a part of what a dead page has stored.
    pub(crate) fn take_from_storage(&mut self) {
        let dead: Vec<Uuid> = self.storage.keys().copied().filter(|&uuid| !self.is_owned(uuid)).collect();
        let Some(&uuid) = self.rng.choice(&dead) else { return };
        let Some(log) = self.storage.get_mut(&uuid) else { return };
        for _ in 0..self.rng.u32(1..6) {
            let keys: Vec<u32> = log.keys.keys().copied().collect();
            let Some(seq) = self.rng.choice(keys) else { return };
            log.keys.remove(&seq);
            self.taken.insert((uuid, seq));
        }
    }

    pub(crate) fn decide(&mut self, granted: bool) {
        self.denied = !granted;
        for at in 0..self.pages.len() {
            self.tell(
                at,
                Input::Consent {
                    purpose: Purpose::default(),
                    decision: if granted { Decision::Granted } else { Decision::Denied },
                },
            );
            self.pages[at].current = None;
            if granted && !self.pages[at].dead {
                self.open_stream(at);
            }
        }
    }

    fn send(
        &mut self,
        at: usize,
        request: u32,
        stream: StreamNo,
        transport: Transport,
        inputs: &mut Vec<Input>,
    ) {
        let page = &self.pages[at];
        let made = page.client.request(request).expect("a request just begun");
        let told = &page.streams[stream.0 as usize];
        let is_there = |seq: &u32| {
            told.held.contains_key(seq)
                || self.storage.get(&told.uuid).is_some_and(|l| l.keys.contains_key(seq))
        };
        let gone: Vec<u32> = made.seqs.iter().copied().filter(|seq| !is_there(seq)).collect();
        if !gone.is_empty() {
            assert!(!told.own, "an own event is gone before it was forgotten: {gone:?}");
            inputs.extend(gone.into_iter().map(|seq| Input::Gone { stream, from: seq, to: seq + 1 }));
            inputs.push(Input::Answered { request, outcome: Outcome::NoAnswer });
            return;
        }
        let text = splice(&made, &told.uuid.to_string());
        assert!(transport == Transport::Fetch || text.len() < 64 * 1024, "{} bytes", text.len());
        let outcome = self.deliver(&text, u32::try_from(made.seqs.len()).expect("few"));
        if transport != Transport::Beacon {
            let due = self.now + if self.calm { 20 } else { self.rng.u64(0..3_000) };
            self.network.push((due, Arrival::Answer { page: self.pages[at].id, request, outcome }));
        }
    }

    /// What the network and the server make of a request.
    fn deliver(&mut self, text: &[u8], sent: u32) -> Outcome {
        let answer = |status, ack, retry_after| Outcome::Answer { status, ack, retry_after, time: None };
        if self.calm {
            let (status, ack) = self.server.receive(text);
            return answer(status, Some(ack), None);
        }
        if self.rng.u8(..) < 10 {
            self.network.push((self.now + self.rng.u64(0..100_000), Arrival::Copy(text.to_vec())));
        }
        match self.rng.u32(0..24) {
            0 => Outcome::NoAnswer,
            1 => answer(200, None, None),
            2 => answer(413, None, None),
            3 => answer(503, Some(0), Some(self.rng.u32(0..5_000))),
            4 => answer(401, Some(0), None),
            5 => answer(503, None, Some(1_000_000)),
            6 => answer(429, Some(0), None),
            7 => answer(204, Some(sent + 1), None),
            8 if self.rng.u8(..) < 10 => answer(410, Some(0), None),
            n => {
                let (status, ack) = self.server.receive(text);
                match n {
                    9 => Outcome::NoAnswer,
                    10 => answer(status, None, None),
                    11 => answer(status, Some(ack + 1), None),
                    12 => answer(503, Some(0), Some(1_000)),
                    13 if status < 300 && ack > 0 => answer(status, Some(ack - 1), None),
                    _ => answer(status, Some(ack), None),
                }
            }
        }
    }

    /// Lets time pass to the next thing that happens, at most to `end`; says whether anything did.
    pub(crate) fn step(&mut self, end: u64) -> bool {
        let answer = self.network.iter().enumerate().map(|(n, (due, _))| (*due, n)).min();
        let timeout = (0..self.pages.len())
            .filter(|&at| !self.pages[at].dead)
            .filter_map(|at| Some((self.pages[at].client.poll_timeout()?.0, at)))
            .min();
        let next = answer.map(|a| a.0).into_iter().chain(timeout.map(|t| t.0)).min();
        let Some(next) = next.filter(|&next| next <= end) else {
            self.now = self.now.max(end.min(self.now + 86_400_000));
            return false;
        };
        self.now = self.now.max(next);
        match answer.filter(|a| a.0 == next) {
            Some((_, n)) => match self.network.swap_remove(n).1 {
                Arrival::Answer { page, request, outcome } => {
                    let at = self.pages.iter().position(|p| p.id == page).expect("pages are never removed");
                    self.tell(at, Input::Answered { request, outcome });
                }
                Arrival::Copy(text) => {
                    self.server.receive(&text);
                }
            },
            None => {
                if let Some((_, at)) = timeout {
                    self.tell(at, Input::Timeout);
                }
            }
        }
        true
    }

    fn know(&mut self, at: usize, told: Told) -> StreamNo {
        let page = &mut self.pages[at];
        page.streams.push(told);
        StreamNo(u32::try_from(page.streams.len() - 1).expect("few"))
    }
}

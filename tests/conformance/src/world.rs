//! The devices, their pages, the network, and the clocks that only a scenario moves.

use std::collections::BTreeMap;

use headwater_core::{
    client::{Outcome, Transport},
    time::{Instant, UnixMs},
};
use headwater_test_shell::{Disk, Happening, Kind, Now, Setup, Shell};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    pattern::Bindings,
    server::Books,
    verbs::{Ack, Answer, By, DeviceName, PageName},
};

/// The wall clock when a scenario begins, Unix ms.
const EPOCH: u64 = 1_710_320_000_000;

/// A browser gives an origin some megabytes.
const CAPACITY: usize = 5_000_000;

pub(crate) struct World {
    kind: Kind,
    pub(crate) setup: Setup,
    mono: u64,
    /// How far the wall clock is ahead of the true time.
    jumped: i64,
    pub(crate) devices: BTreeMap<DeviceName, Disk>,
    pub(crate) saved: BTreeMap<String, Disk>,
    pages: Vec<Page>,
    requests: Vec<Request>,
    /// Requests that a scenario has looked at.
    looked_at: usize,
    pub(crate) books: Books,
    pub(crate) names: Bindings,
}

struct Page {
    name: String,
    device: DeviceName,
    shell: Shell,
    /// One more with each return from the back/forward cache: an answer of an earlier life is nobody's.
    life: u32,
}

/// A request that left.
pub(crate) struct Request {
    page: usize,
    life: u32,
    number: u32,
    pub(crate) by: By,
    pub(crate) body: Value,
    pub(crate) name: Option<String>,
    is_open: bool,
}

impl World {
    pub(crate) fn new(kind: Kind, setup: Setup) -> Self {
        Self {
            kind,
            setup,
            mono: 0,
            jumped: 0,
            devices: BTreeMap::new(),
            saved: BTreeMap::new(),
            pages: Vec::new(),
            requests: Vec::new(),
            looked_at: 0,
            books: Books::default(),
            names: Bindings::default(),
        }
    }

    pub(crate) fn device(&mut self, name: &DeviceName) -> &mut Disk {
        let kind = self.kind;
        self.devices.entry(name.clone()).or_insert_with(|| Disk::new(kind, CAPACITY))
    }

    /// Opens a page that adopts what dead ones left.
    pub(crate) fn open(&mut self, name: &PageName, device: &DeviceName) -> Result<(), String> {
        let (now, entropy) = (self.now(), self.entropy());
        let setup = self.setup.clone();
        let shell = Shell::open(self.device(device), &setup, now, entropy);
        self.add(&name.0, device.clone(), shell);
        self.adopt(self.pages.len() - 1);
        self.rest()
    }

    pub(crate) fn fork(&mut self, parent: &PageName, child: &str) -> Result<(), String> {
        let (now, entropy) = (self.now(), self.entropy());
        let parent = self.find(parent)?;
        let device = self.pages[parent].device.clone();
        let disk = self.devices.get_mut(&device).expect("a page has its device");
        let shell = self.pages[parent].shell.fork(disk, now, entropy);
        self.add(child, device, shell);
        self.rest()
    }

    /// Does something with a page's shell and its disk, and lets everything come to rest.
    pub(crate) fn with<T>(
        &mut self,
        page: &PageName,
        act: impl FnOnce(&mut Shell, &mut Disk, Now) -> T,
    ) -> Result<T, String> {
        let (now, at) = (self.now(), self.find(page)?);
        let Page { shell, device, .. } = &mut self.pages[at];
        let done = act(shell, self.devices.get_mut(device).expect("a page has its device"), now);
        self.rest()?;
        Ok(done)
    }

    pub(crate) fn tell(&mut self, page: &PageName, what: Happening) -> Result<(), String> {
        if what == Happening::Restored {
            let at = self.find(page)?;
            self.pages[at].life += 1;
        }
        let looks = matches!(what, Happening::Restored | Happening::Visible);
        self.with(page, |shell, disk, now| shell.tell(disk, now, what))?;
        if looks {
            self.adopt(self.find(page)?);
        }
        self.rest()
    }

    /// Who denies also answers for the pages that are gone.
    pub(crate) fn adopt_by(&mut self, page: &PageName) -> Result<(), String> {
        self.adopt(self.find(page)?);
        self.rest()
    }

    /// Lets time pass, with every timer in it.
    pub(crate) fn wait(&mut self, ms: u64) -> Result<(), String> {
        let end = self.mono + ms;
        for _ in 0..100_000 {
            let timers =
                self.pages.iter().enumerate().filter_map(|(at, page)| Some((page.shell.next_at()?, at)));
            let Some((due, at)) = timers.min().filter(|(due, _)| *due <= end) else {
                self.mono = end;
                return Ok(());
            };
            self.mono = self.mono.max(due);
            let now = self.now();
            let Page { shell, device, .. } = &mut self.pages[at];
            let disk = self.devices.get_mut(device).expect("a page has its device");
            shell.tell(disk, now, Happening::Timeout);
            self.rest()?;
        }
        Err("its timers never end".into())
    }

    /// The wall clock jumps.
    pub(crate) fn jump(&mut self, ms: i64) {
        self.jumped += ms;
    }

    /// The requests that left since the last look.
    pub(crate) fn look(&mut self) -> std::ops::Range<usize> {
        let from = std::mem::replace(&mut self.looked_at, self.requests.len());
        from..self.looked_at
    }

    pub(crate) fn request(&mut self, at: usize) -> &mut Request {
        &mut self.requests[at]
    }

    /// The request of this name arrives at the server.
    pub(crate) fn arrive(&mut self, name: &str, rejected: &[u32]) -> Result<(), String> {
        let at = self.named(name)?;
        self.books.take(&self.requests[at].body, rejected)
    }

    /// The page is told how the request of this name ended, unless nobody is there to hear it.
    pub(crate) fn end(&mut self, name: &str, answer: Option<&Answer>) -> Result<(), String> {
        let at = self.named(name)?;
        let request = &mut self.requests[at];
        request.is_open = false;
        let (page, life, number) = (request.page, request.life, request.number);
        let sent = u32::try_from(events(&request.body).len()).expect("few");
        if self.pages[page].life != life {
            return Ok(());
        }
        let mut told = Vec::new();
        if let Some(answer) = answer {
            told.extend(answer.settings.map(|settings| Happening::Settings(settings.into())));
            told.extend(answer.erase.then_some(Happening::Erase));
        }
        let true_time = EPOCH + self.mono;
        let outcome = answer.map_or(Outcome::NoAnswer, |answer| Outcome::Answer {
            status: answer.status,
            ack: answer.ack(sent),
            retry_after: answer.retry_after.map(|seconds| seconds.saturating_mul(1_000)),
            time: answer.time.map(|ahead| UnixMs(true_time.saturating_add_signed(ahead))),
        });
        told.push(Happening::Answered { request: number, outcome });
        let now = self.now();
        let Page { shell, device, .. } = &mut self.pages[page];
        let disk = self.devices.get_mut(device).expect("a page has its device");
        for what in told {
            shell.tell(disk, now, what);
        }
        self.rest()
    }

    /// The number of events of the request of this name.
    pub(crate) fn sent(&self, name: &str) -> Result<u32, String> {
        Ok(u32::try_from(events(&self.requests[self.named(name)?].body).len()).expect("few"))
    }

    fn named(&self, name: &str) -> Result<usize, String> {
        let mut requests = self.requests.iter();
        let at = requests.position(|request| request.is_open && request.name.as_deref() == Some(name));
        at.ok_or_else(|| format!("no request {name} waits for its end"))
    }

    fn now(&self) -> Now {
        Now { mono: Instant(self.mono), unix: UnixMs((EPOCH + self.mono).saturating_add_signed(self.jumped)) }
    }

    fn entropy(&self) -> [u8; 32] {
        let mut entropy = [7; 32];
        entropy[0] = u8::try_from(self.pages.len()).expect("few pages");
        entropy
    }

    fn add(&mut self, name: &str, device: DeviceName, shell: Shell) {
        self.pages.push(Page { name: name.to_owned(), device, shell, life: 0 });
    }

    /// The newest page of this name.
    fn find(&self, name: &PageName) -> Result<usize, String> {
        self.pages.iter().rposition(|page| page.name == name.0).ok_or_else(|| format!("no page {}", name.0))
    }

    fn adopt(&mut self, at: usize) {
        let now = self.now();
        let device = self.pages[at].device.clone();
        let running = |page: &&Page| page.device == device && !page.shell.is_dead() && !page.shell.has_left();
        let owned: Vec<Uuid> =
            self.pages.iter().filter(running).flat_map(|page| page.shell.streams()).collect();
        let disk = self.devices.get_mut(&device).expect("a page has its device");
        let free: Vec<Uuid> = disk.streams().into_iter().filter(|stream| !owned.contains(stream)).collect();
        let view = disk.view(0);
        self.pages[at].shell.adopt(disk, &view, now, &free);
    }

    /// Other pages hear of changed storage, and requests leave.
    fn rest(&mut self) -> Result<(), String> {
        loop {
            let mut told = Vec::new();
            for at in 0..self.pages.len() {
                let shared = self.pages[at].shell.take_shared();
                told.extend(shared.into_iter().map(|shared| (at, shared)));
                for sent in self.pages[at].shell.take_sends() {
                    let body: Value =
                        serde_json::from_slice(&sent.text).map_err(|error| error.to_string())?;
                    self.books.check(&body)?;
                    let by = match sent.transport {
                        Transport::Beacon => By::Beacon,
                        Transport::Fetch => By::Fetch,
                        Transport::Keepalive => By::Leaving,
                    };
                    if by == By::Beacon {
                        self.books.take(&body, &[])?;
                    }
                    self.requests.push(Request {
                        page: at,
                        life: self.pages[at].life,
                        number: sent.request,
                        by,
                        body,
                        name: None,
                        is_open: by != By::Beacon,
                    });
                }
            }
            if told.is_empty() {
                return Ok(());
            }
            let now = self.now();
            for (from, shared) in told {
                let device = self.pages[from].device.clone();
                let disk = self.devices.get_mut(&device).expect("a page has its device");
                for (at, page) in self.pages.iter_mut().enumerate() {
                    if at != from && page.device == device {
                        page.shell.tell(disk, now, Happening::Shared(shared));
                    }
                }
            }
        }
    }
}

impl Answer {
    pub(crate) fn ack(&self, sent: u32) -> Option<u32> {
        self.ack.as_ref().map(|ack| match ack {
            Ack::All(_) => sent,
            Ack::Number(number) => *number,
        })
    }
}

/// The events of a request.
pub(crate) fn events(body: &Value) -> &[Value] {
    body["batches"][0]["events"].as_array().map_or(&[], Vec::as_slice)
}

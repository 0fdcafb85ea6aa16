//! A schedule from a seed.
//!
//! Each seed takes part in a few families of faults only: what fails together with few other things fails often, and
//! every pair of families meets in thousands of seeds.

mod faults;

use fastrand::Rng;
use headwater_core::client::Decision;

use super::{
    Act, Call, DEVICES, EDGES, Ending, LONGEST_WAIT_MS, Life, PAUSE_MS, Page, Platform, SLOTS, Schedule,
    Setup, Step, Topology,
};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// After so much virtual time there are no long waits any more.
const SEASON_MS: u64 = 50 * DAY_MS;

/// Things that fail together.
#[derive(Clone, Copy)]
enum Family {
    Answers,
    Behind,
    Clocks,
    Consent,
    Crashes,
    Devices,
    Identity,
    Lanes,
    Network,
    Poison,
    Settings,
    Space,
    Storage,
    Store,
    Tabs,
    Time,
    Topic,
}

impl Family {
    const ALL: [Self; 17] = [
        Self::Answers,
        Self::Behind,
        Self::Clocks,
        Self::Consent,
        Self::Crashes,
        Self::Devices,
        Self::Identity,
        Self::Lanes,
        Self::Network,
        Self::Poison,
        Self::Settings,
        Self::Space,
        Self::Storage,
        Self::Store,
        Self::Tabs,
        Self::Time,
        Self::Topic,
    ];
}

struct Draw {
    rng: Rng,
    families: [bool; Family::ALL.len()],
    bridged: bool,
    edges: u8,
    is_broker_away: bool,
    waited_ms: u64,
    /// Slots in which a page should be.
    open: [[bool; SLOTS as usize]; DEVICES as usize],
    steps: Vec<Step>,
}

impl Schedule {
    /// The schedule of a seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let one_in = rng.u32(2..8);
        let families = std::array::from_fn(|_| rng.u32(0..one_in) == 0);
        let mut draw = Draw {
            rng,
            families,
            bridged: false,
            edges: 1,
            is_broker_away: false,
            waited_ms: 0,
            open: <[[bool; SLOTS as usize]; DEVICES as usize]>::default(),
            steps: Vec::new(),
        };
        let setup = draw.setup();
        draw.steps();
        Self { seed, setup, steps: draw.steps }
    }
}

impl Draw {
    fn setup(&mut self) -> Setup {
        let topic = self.has(Family::Topic) || self.has(Family::Behind);
        self.bridged = if topic { self.chance(80) } else { self.chance(35) };
        let topology = if self.bridged {
            self.edges = self.rng.u8(1..=EDGES);
            let partitions = self.rng.u8(1..=4);
            Topology::Bridged { edges: self.edges, partitions, spool: self.rng.bool() }
        } else {
            Topology::Embedded
        };
        let space = self.has(Family::Space);
        let consent = self.has(Family::Consent);
        Setup {
            platform: if self.chance(35) { Platform::Phone } else { Platform::Web },
            locks: self.chance(75),
            queue_bytes: if space && self.rng.bool() { self.rng.u32(400..3_000) } else { 0 },
            queue_events: if space && self.rng.bool() { self.rng.u32(2..12) } else { 0 },
            capacity: if space && self.rng.bool() { self.rng.u32(1_500..6_000) } else { 5_000_000 },
            consent: match self.rng.u8(0..4) {
                0 if consent => Decision::Denied,
                1 | 2 if consent => Decision::Unknown,
                _ => Decision::Granted,
            },
            stores: !self.chance(4),
            waits_for_consent: self.rng.bool(),
            topology,
            seen_ranges: [0, 2, 1_000, 1_000][self.rng.usize(0..4)],
            latency_ms: [2, 20, 20, 150, 900][self.rng.usize(0..5)],
            ending: [Ending::Close, Ending::Kill, Ending::Stay][self.rng.usize(0..3)],
        }
    }

    fn steps(&mut self) {
        let count = match self.rng.u32(0..100) {
            0..82 => self.rng.usize(5..=25),
            82..97 => self.rng.usize(26..60),
            _ => self.rng.usize(60..160),
        };
        self.open(Page { device: 0, slot: 0 }, 0, false);
        while self.steps.len() < count {
            match self.rng.u32(0..100) {
                0..26 => self.call(),
                26..50 => self.wait(),
                50..56 => self.life(),
                56..62 => self.come_and_go(),
                _ => self.fault(),
            }
        }
    }

    fn call(&mut self) {
        let page = self.page();
        let call = match self.rng.u32(0..24) {
            0..2 if self.has(Family::Identity) => Call::Identify(self.rng.u8(0..3)),
            2 if self.has(Family::Identity) => Call::Group,
            3 if self.has(Family::Identity) => Call::Set,
            4 if self.has(Family::Identity) => Call::Register,
            5 if self.has(Family::Identity) => Call::Exposure,
            6..9 if self.has(Family::Lanes) => Call::Purchase,
            9..11 if self.has(Family::Lanes) || self.has(Family::Consent) => Call::Marketing,
            11..14 if self.has(Family::Poison) => Call::Poison,
            14..16 if self.has(Family::Space) => Call::Large(self.rng.u16(200..1_500)),
            16..19 => Call::Page,
            _ => Call::Track,
        };
        let most = if self.has(Family::Space) { 12 } else { 3 };
        let count = if self.chance(3) { self.rng.u8(10..60) } else { self.rng.u8(1..=most) };
        self.push(Act::Call { page, call, count });
    }

    fn wait(&mut self) {
        let ms = match self.rng.u32(0..20) {
            0..3 => self.rng.u64(1..60),
            3..10 => self.rng.u64(60..1_200),
            10..15 => self.rng.u64(1_200..20_000),
            15..18 => self.rng.u64(20_000..10 * MINUTE_MS),
            _ if self.has(Family::Time) => self.long_wait(),
            _ => self.rng.u64(1..400),
        };
        self.push(Act::Wait { ms });
    }

    fn long_wait(&mut self) -> u64 {
        match self.rng.u32(0..8) {
            // Clients, edges and bridge try all the time, which takes ours.
            _ if self.is_broker_away => self.rng.u64(HOUR_MS..2 * DAY_MS),
            0..2 => PAUSE_MS,
            2..5 => self.rng.u64(HOUR_MS..DAY_MS),
            5 | 6 => self.rng.u64(DAY_MS..9 * DAY_MS),
            _ => self.rng.u64(9 * DAY_MS..LONGEST_WAIT_MS),
        }
    }

    fn life(&mut self) {
        let page = self.page();
        match self.rng.u32(0..6) {
            0 => self.push(Act::Flush { page }),
            1 if self.rng.bool() => self.push(Act::Wake { page }),
            1 => self.push(Act::Life { page, life: Life::MemoryPressure }),
            2 => {
                self.push(Act::Life { page, life: Life::Offline });
                self.call();
                self.wait();
                self.push(Act::Life { page, life: Life::Online });
            }
            3 => self.push(Act::Life { page, life: Life::Visible }),
            _ => {
                self.push(Act::Life { page, life: Life::Hidden });
                if self.rng.bool() {
                    self.leave(page);
                }
            }
        }
    }

    fn come_and_go(&mut self) {
        let page = self.page();
        if self.rng.bool() {
            self.leave(page);
            if self.chance(70) {
                self.arrive(page.device);
            }
        } else if self.has(Family::Tabs) || self.chance(30) {
            self.arrive(page.device);
        } else {
            self.push(Act::Adopt { page, lag: 0 });
        }
    }

    fn arrive(&mut self, device: u8) {
        let slots = &self.open[usize::from(device)];
        let free = (0..SLOTS).find(|slot| !slots[usize::from(*slot)]);
        let slot = free.unwrap_or_else(|| self.rng.u8(0..SLOTS));
        let lag = if self.has(Family::Storage) || self.has(Family::Tabs) { self.rng.u8(0..5) } else { 0 };
        let ignores = self.chance(15);
        self.open(Page { device, slot }, lag, ignores);
    }

    fn open(&mut self, page: Page, lag: u8, ignores: bool) {
        self.open[usize::from(page.device)][usize::from(page.slot)] = true;
        self.push(Act::Open { page, lag, ignores });
    }

    fn leave(&mut self, page: Page) {
        self.open[usize::from(page.device)][usize::from(page.slot)] = false;
        let act = if self.chance(60) { Act::Close { page } } else { Act::Kill { page } };
        self.push(act);
    }

    /// Mostly one that is open.
    fn page(&mut self) -> Page {
        let device = self.device();
        let slots = &self.open[usize::from(device)];
        let is_open = |slot: &u8| slots[usize::from(*slot)];
        let count = (0..SLOTS).filter(is_open).count();
        if count == 0 {
            return Page { device, slot: 0 };
        }
        let nth = self.rng.usize(0..count);
        Page { device, slot: (0..SLOTS).filter(is_open).nth(nth).unwrap_or_default() }
    }

    /// Mostly one with an open page.
    fn device(&mut self) -> u8 {
        let drawn = self.rng.u8(0..DEVICES);
        let has_page = |device: u8| self.open[usize::from(device)].contains(&true);
        if has_page(drawn) {
            drawn
        } else {
            (0..DEVICES).find(|device| has_page(*device)).unwrap_or_default()
        }
    }

    fn has(&self, family: Family) -> bool {
        self.families[family as usize]
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    fn push(&mut self, mut act: Act) {
        if let Act::Wait { ms } = &mut act {
            // A season is enough; what tries again every five minutes takes our time too.
            *ms = if self.waited_ms > SEASON_MS { *ms % MINUTE_MS } else { *ms };
            *ms = if self.is_broker_away { *ms % (2 * DAY_MS) } else { *ms };
            self.waited_ms += *ms;
        }
        let seed = self.rng.u64(..);
        self.steps.push(Step { seed, act });
    }
}

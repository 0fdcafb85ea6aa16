//! What goes wrong: a step or a few that belong together.

use headwater_core::client::Decision;

use super::{DAY_MS, Draw, Family, HOUR_MS, MINUTE_MS};
use crate::schedule::{Act, Call, DEVICES, Fate, Hop, LONGEST_WAIT_MS, Life, Page, Remote, SLOTS};

impl Draw {
    pub(super) fn fault(&mut self) {
        let count = Family::ALL.into_iter().filter(|family| self.has(*family)).count();
        if count == 0 {
            return self.call();
        }
        let nth = self.rng.usize(0..count);
        let mut families = Family::ALL.into_iter().filter(|family| self.has(*family));
        let Some(family) = families.nth(nth) else { return };
        let (page, device) = (self.page(), self.device());
        match family {
            Family::Answers => self.arm_answer(),
            Family::Behind => self.trouble_behind(),
            Family::Clocks => {
                let ms =
                    [40_000, 30 * MINUTE_MS, 5 * HOUR_MS, 26 * HOUR_MS, 40 * DAY_MS][self.rng.usize(0..5)];
                let by_ms = i64::try_from(ms).unwrap_or_default();
                let by_ms = if self.rng.bool() { by_ms } else { -by_ms };
                self.push(Act::Clock { device, by_ms });
            }
            Family::Consent => {
                let decision = [Decision::Denied, Decision::Granted, Decision::Unknown][self.rng.usize(0..3)];
                let purpose = self.rng.u8(0..2);
                self.push(Act::Consent { page, purpose, decision });
            }
            Family::Crashes => {
                let (writes, percent) = (self.rng.u8(1..12), [0, 40, 90, 100][self.rng.usize(0..4)]);
                self.push(Act::KillAt { device, writes, percent });
                if self.rng.bool() {
                    self.call();
                }
                if self.rng.bool() {
                    self.wait();
                    self.arrive(device);
                }
            }
            Family::Devices => self.other_devices(page),
            Family::Identity => {
                let act = if self.chance(85) { Act::Reset { page } } else { Act::Erase { page } };
                self.push(act);
            }
            Family::Lanes => self.push(Act::Call { page, call: Call::Purchase, count: 1 }),
            Family::Network => self.arm_network(),
            Family::Poison => self.push(Act::Call { page, call: Call::Poison, count: 1 }),
            Family::Settings => self.settings(page),
            Family::Space => {
                let on = self.rng.bool();
                self.push(Act::Fill { device, on });
                if on && self.chance(70) {
                    self.call();
                    self.push(Act::Fill { device, on: false });
                }
            }
            Family::Storage => self.take_back(device),
            Family::Store => self.trouble_in_the_store(),
            Family::Tabs => {
                if self.chance(80) {
                    self.arrive(device);
                } else {
                    let to = self.rng.u8(0..SLOTS);
                    self.open[usize::from(page.device)][usize::from(to)] = true;
                    self.push(Act::Fork { page, to });
                }
            }
            Family::Time if self.chance(20) => self.grow_old(page),
            Family::Time => {
                let ms = self.long_wait();
                self.push(Act::Wait { ms });
            }
            Family::Topic => self.trouble_with_the_topic(),
        }
    }

    fn arm_network(&mut self) {
        let fate = match self.rng.u32(0..9) {
            0..2 => Fate::Lost,
            2..4 => Fate::AnswerLost,
            4 => Fate::Late { ms: self.delay() },
            5 => Fate::LateAnswer { ms: self.delay() },
            _ => Fate::Twice { ms: self.delay() },
        };
        self.arm(Hop::Client, fate);
    }

    fn arm_answer(&mut self) {
        const FOREIGN: [u16; 6] = [200, 204, 413, 403, 502, 302];
        const OURS: [u16; 15] = [400, 401, 403, 404, 405, 408, 413, 413, 422, 425, 429, 500, 503, 410, 410];
        let foreign = FOREIGN[self.rng.usize(0..FOREIGN.len())];
        let fate = match self.rng.u32(0..8) {
            0..2 => Fate::Foreign { status: foreign },
            2 => Fate::ForeignAfter { status: foreign },
            3..5 => Fate::WrongAck { by: [-1, -1, 1, -3][self.rng.usize(0..4)] },
            _ => {
                let retry_after_s = [0, 0, 1, 20, 4_000][self.rng.usize(0..5)];
                Fate::Refused { status: OURS[self.rng.usize(0..OURS.len())], retry_after_s }
            }
        };
        self.arm(Hop::Client, fate);
    }

    /// A page that was heard of sits in a tunnel for longer than anybody remembers.
    fn grow_old(&mut self, page: Page) {
        self.call();
        self.push(Act::Wait { ms: 2_000 });
        self.push(Act::Life { page, life: Life::Offline });
        self.call();
        let ms = self.rng.u64(29 * DAY_MS..LONGEST_WAIT_MS);
        self.push(Act::Wait { ms });
        self.push(Act::Life { page, life: Life::Online });
        self.wait();
    }

    fn trouble_behind(&mut self) {
        let hop = if self.bridged && self.rng.bool() { Hop::Broker } else { Hop::Stage };
        match self.rng.u32(0..20) {
            15 => self.arm(hop, Fate::Foreign { status: 502 }),
            16 => self.arm(hop, Fate::ForeignAfter { status: 502 }),
            17 => self.arm(hop, Fate::WrongAck { by: -1 }),
            12..15 => {
                self.push(Act::Broker { is_up: false });
                self.is_broker_away = true;
                self.call();
                self.wait();
                if self.chance(70) {
                    self.push(Act::Broker { is_up: true });
                    self.is_broker_away = false;
                }
            }
            0 => {
                let edge = self.rng.u8(0..self.edges);
                self.push(Act::CrashEdge { edge });
            }
            1..3 => self.push(Act::CrashStage),
            3 => {
                let ms = self.rng.u32(1_000..400_000);
                self.push(Act::Pause { ms });
            }
            4..6 => self.arm(hop, Fate::Lost),
            6..8 => self.arm(hop, Fate::AnswerLost),
            8 => {
                let ms = self.delay();
                self.arm(hop, Fate::Late { ms });
            }
            9 => {
                let ms = self.delay();
                self.arm(hop, Fate::LateAnswer { ms });
            }
            10 => {
                let ms = self.delay();
                self.arm(hop, Fate::Twice { ms });
            }
            18.. if self.bridged => {
                self.arm(Hop::Broker, Fate::Refused { status: 413, retry_after_s: 0 });
                self.call();
            }
            _ => {
                let status = [400, 413, 429, 500, 503][self.rng.usize(0..5)];
                let retry_after_s = self.rng.u16(0..40);
                self.arm(hop, Fate::Refused { status, retry_after_s });
            }
        }
    }

    fn trouble_in_the_store(&mut self) {
        match self.rng.u32(0..8) {
            0..3 => {
                let (done, count) = (self.rng.bool(), self.rng.u8(1..3));
                self.push(Act::CommitFails { done, count });
                if self.rng.bool() {
                    self.call();
                }
            }
            3 => self.push(Act::CrashStore),
            4 | 5 => self.push(Act::Backup),
            _ => {
                let log = self.rng.bool();
                self.answer_lost_before(Act::Restore { log });
            }
        }
    }

    fn trouble_with_the_topic(&mut self) {
        match self.rng.u32(0..8) {
            0 => {
                let more = self.rng.u8(1..3);
                self.push(Act::Partition { more });
            }
            1 => self.push(Act::CrashStore),
            2 => {
                let kept = self.rng.u8(0..4);
                self.push(Act::Retention { kept });
            }
            3 if self.chance(8) => self.push(Act::Gaps),
            _ => {
                let (kept, from_zero) = (self.rng.u8(0..6), self.rng.bool());
                self.answer_lost_before(Act::Recreate { kept, from_zero });
            }
        }
    }

    fn take_back(&mut self, device: u8) {
        let writes = self.rng.u8(1..8);
        if self.chance(6) {
            self.push(Act::Clear { device });
        }
        let act = match self.rng.u32(0..8) {
            0 => Act::Clear { device },
            1..5 => Act::RollBack { device, writes },
            5 => return self.upgrade(device),
            _ => Act::PowerLoss { device },
        };
        let mut gone = matches!(act, Act::PowerLoss { .. });
        self.push(act);
        if !gone && self.chance(40) {
            self.call();
        }
        if !gone && self.chance(40) {
            // Whoever had it in memory dies of it.
            gone = true;
            for slot in (0..SLOTS)
                .filter(|slot| self.open[usize::from(device)][usize::from(*slot)])
                .collect::<Vec<_>>()
            {
                self.push(Act::Kill { page: Page { device, slot } });
            }
        }
        if gone {
            self.open[usize::from(device)] = [false; SLOTS as usize];
            if self.chance(70) {
                self.arrive(device);
            }
        }
    }

    /// A later version, and mostly back to the one before.
    fn upgrade(&mut self, device: u8) {
        self.push(Act::Upgrade { device });
        self.arrive(device);
        self.call();
        if self.rng.bool() {
            self.wait();
        }
        let page = self.page();
        self.leave(page);
        if self.chance(80) {
            self.push(Act::Upgrade { device });
            self.arrive(device);
        }
    }

    fn other_devices(&mut self, page: Page) {
        if self.chance(25) {
            self.push(Act::Leave { device: page.device });
            self.open[usize::from(page.device)] = [false; SLOTS as usize];
        } else {
            self.push(Act::Copy { device: page.device });
            let device = (page.device + 1) % DEVICES;
            self.arrive(device);
        }
    }

    fn settings(&mut self, page: Page) {
        let settings = match self.rng.u32(0..6) {
            0 => Remote::RateCap(self.rng.u8(1..6)),
            1 => Remote::Sample([0, 5_000, 9_999][self.rng.usize(0..3)]),
            2 => Remote::SmallQueue(self.rng.u16(300..2_000)),
            3 => Remote::Stop(self.rng.u8(1..90)),
            _ => Remote::Default,
        };
        self.push(Act::Settings { page, settings });
    }

    fn arm(&mut self, hop: Hop, fate: Fate) {
        let count = if self.chance(80) { 1 } else { self.rng.u8(2..8) };
        self.push(Act::Arm { hop, fate, count });
        if self.rng.bool() {
            self.call();
        }
    }

    fn delay(&mut self) -> u64 {
        match self.rng.u32(0..12) {
            0..5 => self.rng.u64(20..3_000),
            5..10 => self.rng.u64(3_000..10 * MINUTE_MS),
            10 => self.rng.u64(10 * MINUTE_MS..DAY_MS),
            _ if self.has(Family::Time) => self.rng.u64(DAY_MS..6 * DAY_MS),
            _ => self.rng.u64(3_000..40_000),
        }
    }

    /// A page whose answer is lost sees another storage behind the edges when it tries again.
    fn answer_lost_before(&mut self, act: Act) {
        if self.rng.bool() {
            self.arm(Hop::Client, Fate::AnswerLost);
            let ms = self.rng.u64(400..1_500);
            self.push(Act::Wait { ms });
        }
        self.push(act);
        if self.rng.bool() {
            self.call();
        }
        self.wait();
    }
}

//! The end: the faults stop, the devices that come back come back, and everything is judged.

use std::{collections::BTreeSet, sync::PoisonError};

use headwater_test_shell::Happening;

use super::{World, network::mix, page::OLD_MS};
use crate::{
    breach::Kind,
    oracle::Rest,
    schedule::{DEVICES, Ending, Page, Platform, SLOTS},
};

/// Within so long a calm world comes to rest, ms: no wait of the core is longer than an hour, and each may follow
/// another.
const CALM_MS: u64 = 3 * 86_400_000;

/// Messages that it takes at most.
const CALM_MESSAGES: u32 = 20_000;

/// Who sends so shortly before the end of the calm, ms, sends for ever.
const BUSY_MS: u64 = 7_200_000;

/// Pages that come one after the other to adopt what is left.
const ROUNDS: u64 = 3;

impl World<'_> {
    pub(super) fn rest(&mut self) {
        self.trace.heading(|| "the faults stop".to_owned());
        self.calm();
        self.come_back(self.setup.ending, 0);
        // What a page without locks took for a living one's, or one with a stale view did not see, the next one finds.
        for round in 1..ROUNDS {
            if self.oracle.is_broken() || self.leftover().is_none() {
                break;
            }
            self.come_back(Ending::Kill, round);
        }
        if self.oracle.is_broken() {
            return;
        }
        self.judge_leftovers();
        self.excuse_the_stopped();
        self.judge();
        // What was deleted, or put aside as a dead letter, behind an edge that remembered comes back to life with its
        // copy, and should.
        let is_comparable = !self.oracle.is_deleted() && !self.oracle.has_dead_letters();
        if is_comparable && !self.suppressed.is_empty() && !self.oracle.is_broken() {
            self.trace.heading(|| "what the edges' caches kept back arrives after all".to_owned());
            self.arrive_suppressed();
        }
    }

    fn calm(&mut self) {
        self.is_calm = true;
        self.fates.clear();
        self.paused_until = 0;
        self.stage.heal(self.now);
        for device in &mut self.devices {
            device.disk.spare();
            device.disk.fill(false);
            device.version = device.newest;
        }
    }

    /// Pages end as the schedule says, a new one on each device adopts what they left, and the world comes to rest.
    fn come_back(&mut self, ending: Ending, round: u64) {
        for device in 0..DEVICES {
            if !self.devices[usize::from(device)].has_left {
                self.end_pages(device, ending);
            }
        }
        if !self.setup.locks {
            self.advance(self.now + OLD_MS);
        }
        for device in 0..DEVICES {
            if !self.devices[usize::from(device)].has_left {
                self.open_last(device, round);
            }
        }
        self.settle_down();
    }

    fn end_pages(&mut self, device: u8, ending: Ending) {
        for slot in 0..SLOTS {
            let page = Page { device, slot };
            match ending {
                Ending::Close => self.tell(page, Happening::Terminating),
                Ending::Kill => self.kill(page),
                Ending::Stay => {
                    self.tell(page, Happening::Online(true));
                    self.tell(page, Happening::Visible);
                    self.tell(page, Happening::Flush);
                }
            }
        }
    }

    fn open_last(&mut self, device: u8, round: u64) {
        // Of a full house one goes.
        let slot = (0..SLOTS).find(|slot| self.page_mut(Page { device, slot: *slot }).is_none()).unwrap_or(0);
        let page = Page { device, slot };
        self.kill(page);
        self.open(page, mix(self.seed ^ u64::from(device + 1) << 56 ^ round << 48));
        self.adopt(page, 0);
    }

    /// Until nothing happens any more; timers that only wait for the far future do not count.
    fn settle_down(&mut self) {
        let (end, messages) = (self.now + CALM_MS, self.messages);
        while let Some(at) = self.next_at().filter(|at| *at <= end) {
            self.advance(at);
            let took = self.messages - messages;
            if took > CALM_MESSAGES {
                self.oracle
                    .breach(Kind::Rest, || format!("{took} messages after the faults stopped, and no rest"));
            }
            if self.oracle.is_broken() {
                return;
            }
        }
        if self.sent_at + BUSY_MS > end {
            self.oracle.breach(Kind::Rest, || {
                format!("{CALM_MS} ms after the faults stopped there are still requests")
            });
        }
    }

    /// Nothing may be left but what living pages go on with.
    fn judge_leftovers(&mut self) {
        if let Some(sentence) = self.leftover() {
            self.oracle.breach(Kind::Rest, || sentence);
        }
    }

    /// What a device still holds that nobody will ever send, or remove.
    fn leftover(&self) -> Option<String> {
        for (at, device) in self.devices.iter().enumerate().filter(|(_, device)| device.comes_back()) {
            for (stream, found) in device.disk.contents() {
                let is_owned = device.pages().any(|live| live.shell.own_streams().contains(&stream));
                // A phone removes its own events by segments.
                let may_hold_events = is_owned && self.setup.platform == Platform::Phone;
                let (events, names) = (found.events.len(), found.losses.len());
                if (events > 0 && !may_hold_events) || names > 0 || !is_owned {
                    let label = self.oracle.label(stream.as_u128());
                    return Some(format!(
                        "at rest device {at} still holds {events} events and {names} names of {label}"
                    ));
                }
            }
        }
        None
    }

    /// What the pages of a site that is gone have in memory is told to nobody.
    fn excuse_the_stopped(&mut self) {
        for device in self.devices.iter().filter(|device| device.excuses.stopped) {
            for stream in device.pages().flat_map(|live| live.shell.streams()) {
                self.oracle.left(stream.as_u128());
            }
        }
    }

    fn judge(&mut self) {
        let kept_away = self.kept_away();
        let unix = self.unix();
        let state = self.stage.state();
        let state = state.read().unwrap_or_else(PoisonError::into_inner);
        let store = self.stage.store();
        if *state != store.refold(unix) {
            self.oracle.breach(Kind::Refold, || {
                "the consumer's memory is not the fold of the committed rows".to_owned()
            });
        }
        self.oracle.judge(Rest { commits: store.commits(), state: &state, unix, kept_away: &kept_away });
    }

    /// What devices hold that never come back, or that were told to stop.
    fn kept_away(&self) -> BTreeSet<(u128, u32)> {
        let away = self.devices.iter().filter(|device| !device.comes_back());
        let contents = away.flat_map(|device| device.disk.contents());
        let events = contents.flat_map(|(stream, found)| {
            let names = found.losses.into_iter().flat_map(|(from, to, _)| from..to);
            let seqs: Vec<u32> = found.events.into_iter().map(|(seq, _)| seq).chain(names).collect();
            seqs.into_iter().map(move |seq| (stream.as_u128(), seq))
        });
        events.collect()
    }

    /// With every earlier de-duplication off the totals are the same.
    fn arrive_suppressed(&mut self) {
        let before = self.totals();
        let records = std::mem::take(&mut self.suppressed);
        self.submit(None, records);
        self.settle_down();
        let after = self.totals();
        if before != after {
            self.oracle.breach(Kind::Totals, || {
                format!("known, counted, lost were {before:?}, and with the edges' copies they are {after:?}")
            });
        }
    }

    fn totals(&self) -> (u64, u64, u64) {
        let state = self.stage.state();
        let state = state.read().unwrap_or_else(PoisonError::into_inner);
        let total = state.delivery(1, self.unix(), 0).total;
        (total.known, total.counted, total.lost_total())
    }
}

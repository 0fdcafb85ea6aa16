//! What a page did, as it says: for the oracle, the network, and the other pages.

use headwater_core::{client::Transport, reason::Reason};
use headwater_schema::Uuid;
use headwater_test_shell::{Fact, Shared};

use super::{EPOCH, World, device::Flight, network::Message};
use crate::{
    oracle::{Body, Naming, Taker},
    schedule::{Page, SLOTS},
    trace::Lane,
};

impl World<'_> {
    /// Hears what a page did, and takes its requests and messages on their way.
    pub(super) fn listen(&mut self, page: Page) {
        let Some(live) = self.page_mut(page) else { return };
        let (facts, sends, shared) =
            (live.shell.take_facts(), live.shell.take_sends(), live.shell.take_shared());
        let birth = live.birth;
        let accepted = facts.iter().filter(|fact| matches!(fact, Fact::Accepted { .. })).count();
        for fact in facts {
            self.learn(page, &fact);
        }
        // What was held is accepted together, and told to the core one by one.
        if accepted <= 1 {
            self.judge_eviction(page);
        }
        for sent in sends {
            self.judge_request(page, &sent);
            if sent.transport != Transport::Beacon
                && let Some(live) = self.page_mut(page)
            {
                let outlives = sent.transport == Transport::Keepalive;
                live.outstanding.push(Flight {
                    request: sent.request,
                    stream: sent.stream.as_u128(),
                    outlives,
                });
            }
            self.send(page, birth, sent);
        }
        if !shared.is_empty() {
            self.share(page, shared);
        }
        self.bury(page);
    }

    fn share(&mut self, from: Page, shared: Vec<Shared>) {
        let slots = &self.devices[usize::from(from.device)].slots;
        let others = (0..SLOTS).filter(|slot| *slot != from.slot);
        let others: Vec<_> = others
            .filter_map(|slot| Some((Page { slot, ..from }, slots[usize::from(slot)].as_ref()?.birth)))
            .collect();
        for shared in shared {
            for (page, birth) in &others {
                let message = Message::Shared { page: *page, birth: *birth, shared };
                self.queue.push(self.now + 1, message);
            }
        }
    }

    /// Takes away a page that died.
    fn bury(&mut self, page: Page) {
        let device = &mut self.devices[usize::from(page.device)];
        let slot = &mut device.slots[usize::from(page.slot)];
        if let Some(live) = slot.take_if(|live| live.shell.is_dead() || live.shell.has_left()) {
            device.is_struck |= live.shell.is_dead();
            for stream in &live.in_memory {
                self.oracle.taken_whole(*stream);
            }
            if live.shell.has_left() {
                device.asleep.retain(|(slot, _)| *slot != page.slot);
                device.asleep.push((page.slot, live));
            }
            self.trace.message(self.now, Lane::Page, Lane::Page, || format!("{page} is gone"));
        }
    }

    fn learn(&mut self, page: Page, fact: &Fact) {
        let now = self.now;
        let unix = EPOCH + now;
        self.show(fact);
        match fact {
            Fact::Accepted { stream, seq, body } => {
                let ts = digits(body, b"\"ts\":");
                let is_poison = contains(body, b"\"poison")
                    || ts > unix.saturating_add_signed(self.devices[usize::from(page.device)].clock) + DAY_MS;
                if let Some(live) = self.page_mut(page) {
                    live.held.push((stream.as_u128(), *seq, body.len()));
                }
                self.oracle.accepted(stream.as_u128(), *seq, ts, unix, Body::new(body.clone(), is_poison));
            }
            Fact::Adopted { stream, done, head, found, losses, header } => {
                let is_struck = self.devices[usize::from(page.device)].is_struck;
                self.oracle.found(stream.as_u128(), found, losses, is_struck);
                if !header {
                    self.oracle.found_headless(stream.as_u128(), *done, *head);
                }
            }
            Fact::Forgot { stream, from, to } => {
                self.oracle.forgot(stream.as_u128(), *from, *to);
                if let Some(live) = self.page_mut(page) {
                    live.held.retain(|(of, seq, _)| *of != stream.as_u128() || !(*from..*to).contains(seq));
                }
            }
            Fact::Named { stream, from, to, reason, held_bytes, .. } => {
                let device = &self.devices[usize::from(page.device)];
                let limit = u64::from(self.shell_setup.limits.queue_events);
                let live = device.slots[usize::from(page.slot)].as_ref();
                let held = live.map_or(0, |live| live.held.len() as u64);
                let taker = Taker { unix, ..device.excuses };
                if let Some(live) = self.page_mut(page).filter(|_| *reason == Reason::QueueFull) {
                    live.gave_up_precious |= live.is_precious(stream.as_u128());
                }
                let device = &self.devices[usize::from(page.device)];
                self.oracle.named(Naming {
                    stream: stream.as_u128(),
                    range: (*from, *to),
                    reason: *reason,
                    held: ((*held_bytes).into(), device.queue_bytes),
                    count: (held, limit),
                    taker,
                });
            }
            Fact::Opened { stream, header, stored, lane } => {
                if let Some(live) = self.page_mut(page) {
                    live.lanes.push((stream.as_u128(), lane.purpose.0.into(), lane.precious));
                }
                let header = String::from_utf8_lossy(header);
                self.oracle.opened(stream.as_u128(), &header);
                if !stored && let Some(live) = self.page_mut(page) {
                    live.in_memory.push(stream.as_u128());
                    self.devices[usize::from(page.device)].excuses.failed = true;
                }
            }
            Fact::Refused { verdict, .. } => self.oracle.refused(verdict.as_str()),
            Fact::Restored { stream, seqs } => self.oracle.restored(stream.as_u128(), seqs),
            Fact::Closed { .. }
            | Fact::Gone { .. }
            | Fact::LeftAlone { .. }
            | Fact::StreamForgotten { .. } => {}
        }
    }

    /// Draws a fact.
    fn show(&mut self, fact: &Fact) {
        if !self.trace.is_kept() {
            return;
        }
        let label = |stream: &Uuid| self.oracle.label(stream.as_u128());
        let what = match fact {
            Fact::Accepted { stream, seq, body } => {
                // Without its time.
                let text = String::from_utf8_lossy(body);
                let text = text.split_once(',').map_or(&*text, |(_, text)| text);
                let brief: String = text.chars().take(60).collect();
                format!("{}/{seq} is kept: {brief}", label(stream))
            }
            Fact::Adopted { stream, done, head, found, losses, header } => format!(
                "{} is adopted: done {done}, head {head}, events {found:?}, names {losses:?}{}",
                label(stream),
                if *header { "" } else { ", no header" }
            ),
            Fact::Closed { stream } => format!("{} is closed", label(stream)),
            Fact::Forgot { stream, from, to } => format!("{}/{from}..{to} are forgotten", label(stream)),
            Fact::Gone { stream, from, to } => {
                format!("{}/{from}..{to} are not there any more", label(stream))
            }
            Fact::LeftAlone { stream } => format!("{} is of a later version, and left alone", label(stream)),
            Fact::Named { stream, from, to, reason, .. } => {
                format!("{}/{from}..{to} are named {}", label(stream), reason.as_str())
            }
            Fact::Opened { lane, stored, .. } => {
                let place = if *stored { "" } else { " in memory" };
                format!("s{} is opened{place}, {lane:?}", self.oracle.streams())
            }
            Fact::Refused { .. } => return,
            Fact::Restored { stream, seqs } => format!("{}/{seqs:?} are written again", label(stream)),
            Fact::StreamForgotten { stream } => format!("{} is forgotten", label(stream)),
        };
        self.trace.message(self.now, Lane::Page, Lane::Disk, || what);
    }
}

const DAY_MS: u64 = 86_400_000;

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The number behind the first `prefix`.
fn digits(text: &[u8], prefix: &[u8]) -> u64 {
    let at = text
        .windows(prefix.len())
        .position(|window| window == prefix)
        .map_or(text.len(), |at| at + prefix.len());
    text[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |n, byte| n * 10 + u64::from(byte - b'0'))
}

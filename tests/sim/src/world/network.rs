//! Between pages and edges: what is lost, late, answered by somebody else.

use headwater_collector::Unavailable;
use headwater_core::{
    client::{Outcome, Transport},
    time::UnixMs,
};
use headwater_test_shell::{Happening, Sent, Shared};

use super::{EPOCH, World};
use crate::{
    names,
    schedule::{Fate, Hop, Page},
    trace::Lane,
};

/// How long a page waits for an answer, ms.
const PATIENCE_MS: u64 = 30_000;

/// What is under way.
pub(crate) enum Message {
    /// To an edge.
    Arrives { edge: usize, text: Vec<u8>, way: Way },
    /// To a page; its patience ends with `NoAnswer`.
    Answered { to: Address, outcome: Outcome },
    /// To the stage behind, from nobody who waits.
    Copied { records: Vec<Vec<u8>> },
    /// From page to page.
    Shared { page: Page, birth: u32, shared: Shared },
    /// To an edge, from the stage behind.
    StageAnswered { ticket: u64, result: Result<(), Unavailable>, incarnation: Option<u128> },
    /// To the stage behind.
    Submitted { ticket: u64 },
}

/// A request of a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Address {
    pub(crate) page: Page,
    pub(crate) birth: u32,
    pub(crate) request: u32,
}

/// The way back of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// Nobody waits for the answer to a beacon, or to a copy.
    to: Option<Address>,
    late: u64,
    fate: Option<Fate>,
}

impl Way {
    /// Nobody waits.
    pub(crate) const fn nowhere() -> Self {
        Self { to: None, late: 0, fate: None }
    }
}

/// The fates that are armed, first come first served per hop.
#[derive(Debug, Default)]
pub(crate) struct Fates(Vec<(Hop, Fate, u8)>);

impl Fates {
    pub(crate) fn arm(&mut self, hop: Hop, fate: Fate, count: u8) {
        if count > 0 {
            self.0.push((hop, fate, count));
        }
    }

    pub(crate) fn take(&mut self, hop: Hop) -> Option<Fate> {
        let at = self.0.iter().position(|(of, ..)| *of == hop)?;
        let (_, fate, left) = &mut self.0[at];
        let fate = *fate;
        *left -= 1;
        if *left == 0 {
            self.0.remove(at);
        }
        Some(fate)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl World<'_> {
    /// A request leaves a page.
    pub(super) fn send(&mut self, page: Page, birth: u32, sent: Sent) {
        let Sent { request, transport, stream, seqs, mut text } = sent;
        self.sent_at = self.now;
        let address = Address { page, birth, request };
        let to = (transport != Transport::Beacon).then_some(address);
        let label = self.oracle.label(stream.as_u128());
        self.trace.message(self.now, Lane::Page, Lane::Network, || {
            let claim = names::of_request(&text);
            let claim = claim.map_or_else(String::new, |claim| {
                let lost =
                    if claim.lost.is_empty() { String::new() } else { format!(", lost {:?}", claim.lost) };
                format!("at {:?}{lost}", claim.at)
            });
            let end = if names::says_end(&text) { ", end" } else { "" };
            format!("{page}: {transport:?} {request} with {label}/{seqs:?}, {claim}{end}")
        });
        if to.is_some() {
            let outcome = Outcome::NoAnswer;
            self.queue.push(self.now + PATIENCE_MS, Message::Answered { to: address, outcome });
        }
        let edge = self.edge_of(birth, request);
        let latency = self.latency(request);
        let mut way = Way { to, late: 0, fate: None };
        let mut arrives_at = self.now + latency;
        let fate = self.fates.take(Hop::Client);
        if let Some(fate) = fate {
            self.trace.message(self.now, Lane::Network, Lane::Network, || fate.to_string());
        }
        match fate {
            None => {}
            Some(Fate::Lost) => return,
            Some(Fate::Foreign { status }) => {
                let outcome = Outcome::Answer { status, ack: None, retry_after: None, time: None };
                return self.tell_later(2 * latency, to, outcome);
            }
            Some(Fate::Refused { status, retry_after_s }) => {
                if let (400 | 413 | 422, [seq]) = (status, &seqs[..]) {
                    self.oracle.blamed(stream.as_u128(), *seq);
                }
                if status == 410 {
                    self.devices[usize::from(page.device)].excuses.stopped = true;
                }
                let retry_after = (retry_after_s > 0).then(|| u32::from(retry_after_s) * 1_000);
                let time = Some(UnixMs(EPOCH + self.now));
                let outcome = Outcome::Answer { status, ack: Some(0), retry_after, time };
                return self.tell_later(2 * latency, to, outcome);
            }
            Some(Fate::Late { ms }) => arrives_at += ms,
            Some(Fate::LateAnswer { ms }) => way.late = ms,
            Some(Fate::Twice { ms }) => {
                let (text, way) = (text.clone(), Way::nowhere());
                // Another edge may get the copy.
                let edge = self.edge_of(birth, request.wrapping_add(1));
                self.queue.push(arrives_at + ms, Message::Arrives { edge, text, way });
            }
            Some(Fate::WrongAck { by }) if by < 0 => {
                // Whoever is in between takes a part for the whole.
                text = names::without_last(&text, usize::from(by.unsigned_abs()));
            }
            fate => way.fate = fate,
        }
        self.queue.push(arrives_at, Message::Arrives { edge, text, way });
    }

    /// The answer of an edge goes back.
    pub(super) fn travel_back(&mut self, way: Way, outcome: Outcome) {
        let outcome = match (way.fate, outcome) {
            (Some(Fate::AnswerLost), _) => return,
            (Some(Fate::ForeignAfter { status }), _) => {
                Outcome::Answer { status, ack: None, retry_after: None, time: None }
            }
            (Some(Fate::WrongAck { by }), Outcome::Answer { status, ack: Some(ack), retry_after, time }) => {
                let ack = Some(ack.saturating_add_signed(by.into()));
                Outcome::Answer { status, ack, retry_after, time }
            }
            (_, outcome) => outcome,
        };
        let latency = way.to.map_or(0, |to| self.latency(to.request));
        self.tell_later(latency + way.late, way.to, outcome);
    }

    /// An answer reaches its page, if that still waits for it.
    pub(super) fn told(&mut self, to: Address, outcome: Outcome) {
        let Address { page, birth, request } = to;
        let waits = self.page_mut(page).filter(|found| found.birth == birth);
        let Some(waiting) = waits.map(|found| &mut found.outstanding) else { return };
        let Some(at) = waiting.iter().position(|flight| flight.request == request) else { return };
        waiting.swap_remove(at);
        self.trace.message(self.now, Lane::Network, Lane::Page, || {
            let said = match outcome {
                Outcome::Answer { status, ack: Some(ack), .. } => format!("{status}, hw-ack {ack}"),
                Outcome::Answer { status, ack: None, .. } => format!("{status}, not ours"),
                Outcome::NoAnswer => "no answer".to_owned(),
            };
            format!("{page}: {request}: {said}")
        });
        self.tell(page, Happening::Answered { request, outcome });
    }

    fn tell_later(&mut self, ms: u64, to: Option<Address>, outcome: Outcome) {
        if let Some(to) = to {
            self.queue.push(self.now + ms, Message::Answered { to, outcome });
        }
    }

    /// Requests of one page go to one edge or another, as routes change.
    fn edge_of(&self, birth: u32, request: u32) -> usize {
        let spread = mix(u64::from(birth) << 32 | u64::from(request)) % self.edges.len() as u64;
        usize::try_from(spread).unwrap_or_default()
    }

    /// Never the same, so that requests overtake each other.
    fn latency(&self, request: u32) -> u64 {
        let base = u64::from(self.setup.latency_ms);
        base + mix(self.now ^ u64::from(request)) % (base / 2 + 1)
    }
}

/// Well spread bits of a number.
pub(crate) fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number ^ number >> 29
}

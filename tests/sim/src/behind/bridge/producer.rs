//! An idempotent producer: in order per partition, nothing passes what failed, and every record gets a report in time.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use headwater_bridge_flow::{Failure, Input, To};

use crate::behind::broker::{Broker, Fault, Letter};

/// After so many milliseconds a record is given up (`message.timeout.ms`).
pub(super) const GIVE_UP_MS: u64 = 5_000;

/// Milliseconds between tries while the broker is away.
const RETRY_MS: u64 = 500;

#[derive(Debug, Default)]
pub(super) struct Producer {
    /// Per partition, in the order in which they were sent; dead letters have a queue of their own.
    queues: BTreeMap<u32, VecDeque<Sent>>,
    /// Acknowledgements that are on their way, by time and order.
    late: BTreeMap<(u64, u64), u64>,
    /// Whether the broker was told to be away.
    is_away: bool,
}

#[derive(Debug)]
struct Sent {
    attempt: u64,
    to: To,
    body: Bytes,
    due: u64,
    expires: u64,
    fault: Option<Fault>,
}

impl Producer {
    pub(super) fn send(&mut self, now: u64, broker: &mut Broker, attempt: u64, to: To, body: Bytes) {
        let queue = self.queues.entry(number(&to)).or_default();
        let (fault, takes_ms) = broker.send();
        let late = if let Some(Fault::Late { ms }) = fault { ms } else { 0 };
        let due = (now + takes_ms + late).max(queue.back().map_or(0, |last| last.due));
        queue.push_back(Sent { attempt, to, body, due, expires: now + GIVE_UP_MS, fault });
    }

    /// When something is to be decided or told.
    pub(super) fn next_at(&self) -> Option<u64> {
        let heads = self.queues.values().filter_map(|queue| Some(queue.front()?.due));
        heads.chain(self.late.keys().map(|(at, _)| *at)).min()
    }

    /// Tells what is known by `now`. Once there is a fatal error, nothing more is.
    pub(super) fn advance(&mut self, now: u64, broker: &mut Broker, tell: &mut VecDeque<Input>) {
        while let Some(entry) = self.late.first_entry().filter(|entry| entry.key().0 <= now) {
            arrived(tell, entry.remove());
        }
        for queue in self.queues.values_mut() {
            while let Some(sent) = queue.pop_front_if(|sent| sent.due <= now) {
                if !broker.is_up() && now < sent.expires {
                    let due = (now + RETRY_MS).min(sent.expires);
                    queue.push_front(Sent { due, ..sent });
                    if !std::mem::replace(&mut self.is_away, true) {
                        tell.push_back(Input::Broker(false));
                    }
                    break;
                }
                if broker.is_up() && std::mem::take(&mut self.is_away) {
                    tell.push_back(Input::Broker(true));
                }
                let attempt = sent.attempt;
                // Who slept over the time limit has given up, whatever the broker had got by then.
                let is_late = now > sent.expires;
                if !broker.is_up() || sent.fault == Some(Fault::Lost) {
                    let behind = queue.drain(..).map(|sent| sent.attempt);
                    tell.extend([attempt].into_iter().chain(behind).map(unsure));
                    break;
                }
                if sent.is_refused(broker) {
                    let result = Err(Failure::Refused("MSG_SIZE_TOO_LARGE".to_owned()));
                    tell.push_back(Input::Produced { attempt, result });
                    continue;
                }
                let fault = sent.fault;
                if fault != Some(Fault::Fatal { done: false }) {
                    arrive(broker, sent);
                }
                match fault {
                    Some(Fault::Fatal { .. }) => {
                        tell.push_back(Input::Fatal);
                        return;
                    }
                    Some(Fault::LateAck { ms }) => _ = self.late.insert((now + ms, attempt), attempt),
                    Some(Fault::AckLost) => tell.push_back(unsure(attempt)),
                    _ if is_late => tell.push_back(unsure(attempt)),
                    _ => arrived(tell, attempt),
                }
            }
        }
    }

    /// It ends at once. Of each partition, the first `arrives` of what was sent arrive nevertheless.
    pub(super) fn tear(&mut self, broker: &mut Broker, mut arrives: impl FnMut(usize) -> usize) {
        for queue in std::mem::take(self).queues.into_values() {
            let count = if broker.is_up() { arrives(queue.len()) } else { 0 };
            for sent in queue.into_iter().take(count) {
                if sent.fault == Some(Fault::Lost) || sent.is_refused(broker) {
                    break;
                }
                arrive(broker, sent);
            }
        }
    }
}

impl Sent {
    /// The dead-letter topic takes what the topic of events refuses.
    fn is_refused(&self, broker: &mut Broker) -> bool {
        matches!(self.to, To::Events { .. }) && broker.refuses(&self.body, self.fault)
    }
}

fn number(to: &To) -> u32 {
    match to {
        To::DeadLetters { .. } => u32::MAX,
        To::Events { partition } => *partition,
    }
}

/// As the bridge's sink tells it: what arrived in a row is one word.
fn arrived(tell: &mut VecDeque<Input>, attempt: u64) {
    if let Some(Input::Arrived(attempts)) = tell.back_mut() {
        attempts.push(attempt);
    } else {
        tell.push_back(Input::Arrived(vec![attempt]));
    }
}

fn unsure(attempt: u64) -> Input {
    Input::Produced { attempt, result: Err(Failure::Unsure) }
}

fn arrive(broker: &mut Broker, sent: Sent) {
    match sent.to {
        To::DeadLetters { reason, cut } => broker.bury(Letter { reason, is_cut: cut, body: sent.body }),
        To::Events { partition } => broker.append(partition, sent.body),
    }
}

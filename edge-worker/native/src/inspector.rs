//! The last requests of each site, with what became of each event, for those who may read it.
//!
//! No address, no id and no value of an event is held but its type and name; streams are numbered in the order they were
//! first seen.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use headwater_collector::{Inspected, Outcome, limits};
use lru::LruCache;
use serde::Serialize;

/// Requests of a site.
const REQUESTS: usize = 100;
/// Events of a request that are shown, and likewise of those that were rejected.
pub(crate) const EVENTS: usize = 50;
/// Bytes of all sites together, about; the site that was silent longest is forgotten first.
const BYTES: usize = 16 << 20;
/// Streams of a site whose numbers are remembered.
const STREAMS: usize = 1_000;
/// Bytes of one of them.
const STREAM_BYTES: usize = 64;

/// What is noted of a request while it is answered.
#[derive(Debug, Default)]
pub(crate) struct Note {
    pub(crate) site: Option<String>,
    pub(crate) is_plain: bool,
    pub(crate) total: Option<u64>,
    pub(crate) events: Vec<Inspected>,
}

/// How a request ended.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ended {
    /// Unix ms.
    pub(crate) received_at: i64,
    pub(crate) took_ms: u64,
    /// `collect`, `pixel` or `segment`.
    pub(crate) path: &'static str,
    pub(crate) bytes: usize,
    pub(crate) status: u16,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// A request as it is shown.
#[derive(Clone, Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    ended: Ended,
    /// `sdk` or `plain`; absent if it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<&'static str>,
    /// How many events it had, of which the first are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    events: Vec<ShownEvent>,
}

#[derive(Clone, Debug, Serialize)]
struct ShownEvent {
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u32>,
    index: usize,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// All sites' rings.
pub(crate) struct Inspector(Mutex<Sites>);

struct Sites {
    rings: LruCache<String, Ring>,
    bytes: usize,
}

struct Ring {
    requests: VecDeque<Shown>,
    streams: LruCache<[u8; 16], u32>,
    next_stream: u32,
    /// Of the requests.
    request_bytes: usize,
}

impl Inspector {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Sites { rings: LruCache::unbounded(), bytes: 0 }))
    }

    /// Keeps a request of a site that is known.
    pub(crate) fn keep(&self, note: Note, ended: Ended) {
        let Some(site) = note.site else { return };
        let mut sites = self.lock();
        let ring = sites.rings.get_or_insert_mut(site, Ring::new);
        let before = ring.bytes();
        ring.keep(note.is_plain, note.total, note.events, ended);
        let after = ring.bytes();
        sites.bytes = sites.bytes + after - before;
        while sites.bytes > BYTES && sites.rings.len() > 1 {
            let Some((_, forgotten)) = sites.rings.pop_lru() else { break };
            sites.bytes -= forgotten.bytes();
        }
    }

    /// The requests of a site, newest first, as JSON.
    pub(crate) fn show(&self, site: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Answer {
            requests: Vec<Shown>,
        }
        let requests = self.lock().rings.peek(site).map(|ring| ring.requests.iter().rev().cloned().collect());
        serde_json::to_vec(&Answer { requests: requests.unwrap_or_default() })
            .expect("text and numbers into memory")
    }

    /// Nothing that may panic is done under the lock but allocating.
    fn lock(&self) -> std::sync::MutexGuard<'_, Sites> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn new() -> Self {
        let streams = LruCache::new(NonZeroUsize::new(STREAMS).expect("a bound of ours"));
        Self { requests: VecDeque::new(), streams, next_stream: 1, request_bytes: 0 }
    }

    fn keep(&mut self, is_plain: bool, total: Option<u64>, events: Vec<Inspected>, mut ended: Ended) {
        let is_settled = matches!(ended.status, 200 | 204);
        let events = events.into_iter().map(|event| self.shown(event, is_settled)).collect();
        ended.message = ended.message.map(|message| scrubbed(&message));
        let form = total.map(|_| if is_plain { "plain" } else { "sdk" });
        let shown = Shown { ended, form, total, events };
        self.request_bytes += shown.bytes();
        self.requests.push_back(shown);
        if self.requests.len() > REQUESTS
            && let Some(oldest) = self.requests.pop_front()
        {
            self.request_bytes -= oldest.bytes();
        }
    }

    fn shown(&mut self, event: Inspected, is_settled: bool) -> ShownEvent {
        let next = &mut self.next_stream;
        let stream = event.stream.map(|stream| {
            *self.streams.get_or_insert(stream, || {
                *next += 1;
                *next - 1
            })
        });
        let (outcome, reason) = match event.outcome {
            _ if !is_settled => ("deferred", None),
            Outcome::Forwarded => ("accepted", None),
            Outcome::Duplicate => ("duplicate", None),
            Outcome::Rejected(why) => ("rejected", Some(scrubbed(&why))),
        };
        let Inspected { seq, place: (_, index), kind, name, .. } = event;
        ShownEvent { stream, seq, index, kind, name, outcome, reason }
    }

    /// About what it holds.
    fn bytes(&self) -> usize {
        self.streams.len() * STREAM_BYTES + self.request_bytes
    }
}

impl Shown {
    fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let events = self.events.iter().map(|event| {
            size_of::<ShownEvent>() + event.kind.len() + text(&event.name) + text(&event.reason)
        });
        size_of::<Self>() + text(&self.ended.message) + events.sum::<usize>()
    }
}

/// The site that a text names which could not be read, as far as that can be seen.
pub(crate) fn site_in(text: &[u8]) -> Option<&str> {
    const FIELD: &[u8] = b"\"site_id\"";
    let at = text.windows(FIELD.len()).position(|window| window == FIELD)?;
    let rest = text[at + FIELD.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let value = rest.strip_prefix(b"\"")?;
    let end = value.iter().take(limits::ID_BYTES + 1).position(|byte| *byte == b'"')?;
    std::str::from_utf8(&value[..end]).ok()
}

/// A parser's message quotes what it found instead of what it expected.
fn scrubbed(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}…{}", &message[..=first], &message[last..]),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(site: &str, kind_bytes: usize) -> Note {
        let event = Inspected {
            stream: Some([7; 16]),
            seq: Some(3),
            place: (0, 0),
            kind: "k".repeat(kind_bytes),
            name: None,
            outcome: Outcome::Forwarded,
        };
        Note { site: Some(site.to_owned()), total: Some(1), events: vec![event], ..Note::default() }
    }

    fn ended(status: u16) -> Ended {
        Ended { received_at: 1, took_ms: 0, path: "collect", bytes: 9, status, message: None }
    }

    fn shown(inspector: &Inspector, site: &str) -> Vec<serde_json::Value> {
        let answer: serde_json::Value = serde_json::from_slice(&inspector.show(site)).unwrap();
        answer["requests"].as_array().unwrap().clone()
    }

    #[test]
    fn a_hundred_requests_of_a_site_are_kept_newest_first() {
        let inspector = Inspector::new();
        for status in [204; 150].into_iter().chain([503]) {
            inspector.keep(note("s", 1), ended(status));
        }
        let requests = shown(&inspector, "s");
        assert_eq!(
            (requests.len(), &requests[0]["status"], &requests[1]["status"]),
            (100, &503.into(), &204.into())
        );
        assert_eq!(requests[0]["events"][0]["outcome"], "deferred");
        assert_eq!(
            requests[1]["events"][0],
            serde_json::json!({"stream": 1, "seq": 3, "index": 0, "type": "k", "outcome": "accepted"})
        );
        assert_eq!(shown(&inspector, "other").len(), 0);
    }

    #[test]
    fn all_sites_together_are_bounded() {
        let inspector = Inspector::new();
        for site in 0..1_000 {
            inspector.keep(note(&format!("s{site}"), 100_000), ended(204));
        }
        let sites = inspector.lock();
        let (rings, bytes) = (sites.rings.len(), sites.bytes);
        drop(sites);
        assert!(bytes <= BYTES && rings > 100, "{bytes} bytes in {rings} rings");
        assert_eq!(shown(&inspector, "s999").len(), 1);
        assert_eq!(shown(&inspector, "s0").len(), 0);
    }

    #[test]
    fn a_message_does_not_quote_a_value() {
        let message = "client_id: invalid type: string \"a \"b\" c\", expected a number";
        assert_eq!(scrubbed(message), "client_id: invalid type: string \"…\", expected a number");
        assert_eq!(scrubbed("events[0].ts: negative"), "events[0].ts: negative");
    }
}

//! Decides about the records of one commit, beside the committed state.

use std::collections::{BTreeMap, HashSet};

use headwater_core::{planted, ranges::RangeSet, seen::Admission};
use headwater_numbers::delivery::{Plain, Word};
use headwater_schema::{Event, LEDGER_TYPE, Ledger, Lost, Record, Uuid};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    Kind, Numbers, State, Tracked,
    rows::{Commit, CopiesRow, DeadLetter, Deleted, EventRow, LedgerRow, WindowRow},
};

/// Records of one commit and what they change.
pub struct Batch<'a, N> {
    state: &'a State,
    numbers: &'a mut N,
    commit: Commit,
    changes: Changes,
    in_window: HashSet<(u64, u128)>,
    copies: BTreeMap<(u64, Option<u64>), CopiesRow>,
}

/// What a committed batch changes in memory.
#[derive(Debug, Default)]
pub struct Changes {
    pub(super) streams: BTreeMap<u64, Tracked>,
    pub(super) plain: BTreeMap<u64, Plain>,
    pub(super) window: Vec<WindowRow>,
    pub(super) deleted: Vec<Deleted>,
}

/// Why a record cannot be counted as what it is.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It is not in the schema.
    #[error("{0}")]
    Schema(#[from] serde_json::Error),
    /// A field holds what it never can.
    #[error("{0}")]
    Value(&'static str),
}

/// What can be told of a record that cannot be read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Remains {
    site_id: Option<String>,
    client_id: Option<String>,
    stream: Option<Uuid>,
    seq: Option<u32>,
    event_type: Option<String>,
    received_at: i64,
    sent_at: i64,
}

impl<'a, N: Numbers> Batch<'a, N> {
    /// An empty batch beside `state`.
    pub fn new(state: &'a State, numbers: &'a mut N) -> Self {
        Self {
            state,
            numbers,
            commit: Commit::default(),
            changes: Changes::default(),
            in_window: HashSet::new(),
            copies: BTreeMap::new(),
        }
    }

    /// Decides about one record. What cannot be read is put aside with its bytes and named.
    ///
    /// # Errors
    /// Only of [`Numbers`]; the batch must be thrown away then.
    pub fn record(&mut self, part: i32, position: u64, bytes: &[u8]) -> anyhow::Result<()> {
        let decided = match Record::from_slice(bytes) {
            Ok(Record::Event(event)) => match checked(&event) {
                Ok(event_id) => return self.event(part, event, event_id),
                Err(problem) => problem,
            },
            Ok(Record::Ledger(ledger)) => match checked_ledger(&ledger) {
                Ok(()) => return self.ledger(part, ledger, bytes),
                Err(problem) => problem,
            },
            Err(error) => error.into(),
        };
        self.dead_letter(part, position, &decided, bytes)
    }

    /// What to commit, and what to change when that is done.
    #[must_use]
    pub fn finish(mut self) -> (Commit, Changes) {
        for (number, tracked) in &self.changes.streams {
            let closed: RangeSet = tracked.stream.closed().collect();
            if !closed.is_empty() && !planted!(GapsClosedSilently) {
                let before = self.state.stream(*number).map(|before| before.stream.closed().collect());
                let before: RangeSet = before.unwrap_or_default();
                self.commit.closed.extend(closed.difference(&before).map(|range| (*number, range)));
            }
        }
        self.commit.copies = self.copies.into_values().collect();
        (self.commit, self.changes)
    }

    fn event(&mut self, part: i32, event: Box<Event>, event_id: u128) -> anyhow::Result<()> {
        let site = self.numbers.site(&event.site_id)?;
        let received_at = event.received_at;
        let stream = match (event.stream, event.seq) {
            (Some(stream), Some(seq)) => {
                let stream = self.stream(site, part, stream)?;
                let tracked = self.tracked(site, stream);
                if tracked.stream.arrive(seq, received_at, event.sent_at) == Admission::Copy {
                    tracked.stream.copied(1, received_at);
                    self.copy(site, Some(stream), received_at);
                    return Ok(());
                }
                Some(stream)
            }
            _ if !self.is_new(site, event_id, received_at) => {
                self.changes.plain.entry(site).or_default().copies += 1;
                self.copy(site, None, received_at);
                return Ok(());
            }
            _ => {
                self.changes.plain.entry(site).or_default().counted += 1;
                None
            }
        };
        let client = self.numbers.number(Kind::Client, site, event.client_id.as_bytes())?;
        let user = self.number(Kind::User, site, event.user_id.as_ref())?;
        let session = self.number(Kind::Session, site, event.session_id.as_ref())?;
        let device = self.number(Kind::Device, site, event.device_id.as_ref())?;
        self.commit.events.push(EventRow { site, client, user, session, device, stream, event_id, event });
        Ok(())
    }

    fn ledger(&mut self, part: i32, ledger: Ledger, bytes: &[u8]) -> anyhow::Result<()> {
        let site = self.numbers.site(&ledger.site_id)?;
        let mut row = LedgerRow { site, client: None, stream: None, ledger };
        let mut says_something = false;
        if let Some(stream) = row.ledger.stream {
            let stream = self.stream(site, part, stream)?;
            row.stream = Some(stream);
            let tracked = self.tracked(site, stream);
            let before = tracked.stream.clone();
            tracked.stream.tell(&word(&row.ledger));
            says_something = tracked.stream != before;
        }
        if !row.ledger.unnamed.is_empty() {
            // Counters add up, so a copy of the very record must be known as one.
            if self.is_new(site, hash(bytes), row.ledger.received_at) {
                let plain = self.changes.plain.entry(site).or_default();
                for (reason, count) in &row.ledger.unnamed {
                    let dropped = plain.dropped.entry(reason.clone()).or_default();
                    *dropped = dropped.saturating_add(*count);
                }
                says_something = true;
            } else {
                row.ledger.unnamed.clear();
            }
        }
        if says_something {
            row.client = self.number(Kind::Client, site, row.ledger.client_id.as_ref())?;
            self.commit.ledger.push(row);
        }
        Ok(())
    }

    /// Keeps the bytes, and names the event if it can still be told which one it was.
    fn dead_letter(
        &mut self,
        part: i32,
        position: u64,
        problem: &Problem,
        bytes: &[u8],
    ) -> anyhow::Result<()> {
        let problem = problem.to_string();
        tracing::error!(part, position, %problem, "a record cannot be read; its bytes are in dead_letters");
        self.commit.dead_letters.push(DeadLetter { part, position, problem, record: bytes.to_vec() });
        let remains: Remains = serde_json::from_slice(bytes).unwrap_or_default();
        let Some(site_id) = remains.site_id else { return Ok(()) };
        if remains.event_type.as_deref() == Some(LEDGER_TYPE) || !in_calendar(remains.received_at) {
            return Ok(());
        }
        let mut ledger = Ledger {
            site_id,
            stream: remains.stream,
            client_id: remains.client_id,
            by: "store".to_owned(),
            received_at: remains.received_at,
            sent_at: if in_calendar(remains.sent_at) { remains.sent_at } else { remains.received_at },
            ..Ledger::default()
        };
        let reason = "dead_letter".to_owned();
        if let (Some(_), Some(seq)) = (remains.stream, remains.seq) {
            ledger.lost.push(Lost { from: seq, to: seq.saturating_add(1), reason });
        } else {
            ledger.stream = None;
            ledger.unnamed.insert(reason, 1);
        }
        self.ledger(part, ledger, bytes)
    }

    fn tracked(&mut self, site: u64, stream: u64) -> &mut Tracked {
        let committed = self.state.stream(stream);
        self.changes
            .streams
            .entry(stream)
            .or_insert_with(|| committed.cloned().unwrap_or_else(|| Tracked { site, ..Tracked::default() }))
    }

    /// Whether this is the first time; remembers it.
    fn is_new(&mut self, site: u64, id: u128, received_at: i64) -> bool {
        let new = !self.state.window().contains(site, id) && self.in_window.insert((site, id));
        if new {
            let row = WindowRow { site, id, received_at };
            self.commit.window.push(row);
            self.changes.window.push(row);
        }
        new
    }

    fn copy(&mut self, site: u64, stream: Option<u64>, received_at: i64) {
        let none = CopiesRow { site, stream, copies: 0, received_at };
        let row = self.copies.entry((site, stream)).or_insert(none);
        row.copies += 1;
        row.received_at = row.received_at.max(received_at);
    }

    /// A stream is known by its site and its name, whatever part brought the record.
    fn stream(&mut self, site: u64, part: i32, stream: Uuid) -> anyhow::Result<u64> {
        let mut name = stream.into_bytes();
        if planted!(KeyedByPartition) {
            name.iter_mut().zip(part.to_be_bytes()).for_each(|(byte, part)| *byte ^= part);
        }
        self.numbers.number(Kind::Stream, site, &name)
    }

    fn number(&mut self, kind: Kind, site: u64, name: Option<&String>) -> anyhow::Result<Option<u64>> {
        name.map(|name| self.numbers.number(kind, site, name.as_bytes())).transpose()
    }
}

/// The fingerprint of a record: the first half of its SHA-256.
#[must_use]
pub fn hash(bytes: &[u8]) -> u128 {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    u128::from_be_bytes(*digest.first_chunk().expect("32 bytes hold 16"))
}

/// What numbers need of a ledger record.
pub(crate) fn word(ledger: &Ledger) -> Word {
    Word {
        at: ledger.at.map(Into::into).map(|[done, head]: [u32; 2]| (done, head)),
        end: ledger.end,
        lost: ledger.lost.iter().cloned().map(Into::into).collect(),
        refused: ledger.refused.clone(),
        no_storage: ledger.no_storage,
        received_at: ledger.received_at,
        sent_at: ledger.sent_at,
    }
}

/// The event's id, if the event can be stored.
fn checked(event: &Event) -> Result<u128, Problem> {
    let times = [event.timestamp, event.ts, event.sent_at, event.received_at];
    if !times.into_iter().all(in_calendar) {
        return Err(Problem::Value("a time is not in the calendar"));
    }
    if event.stream.is_some() != event.seq.is_some() || event.seq == Some(u32::MAX) {
        return Err(Problem::Value("stream and seq do not name an event"));
    }
    let id = Uuid::try_parse(&event.event_id).map_err(|_| Problem::Value("event_id is not a UUID"))?;
    Ok(id.as_u128())
}

fn checked_ledger(ledger: &Ledger) -> Result<(), Problem> {
    let sound = in_calendar(ledger.received_at) && in_calendar(ledger.sent_at);
    sound.then_some(()).ok_or(Problem::Value("a time is not in the calendar"))
}

/// The years 1 to 9999, which every engine's timestamps can hold.
fn in_calendar(unix_ms: i64) -> bool {
    (-62_135_596_800_000..253_402_300_800_000).contains(&unix_ms)
}

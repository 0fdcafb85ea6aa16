//! What goes to the stage behind, and what its answer makes of the request.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use headwater_core::{
    event_id::{digest_event_id, stream_event_id},
    reason::Reason,
};
use headwater_schema::{Ledger, Lost, Record, Uuid};

use crate::{
    Enriched, Mark, Refusal, Reply, Tally,
    admit::{Checked, Meta, Rejected, Sound},
    decode::Batch,
    look_up::{Fresh, FreshBatch},
    settings::RemoteSettings,
};

/// A request on its way to the stage behind.
#[must_use = "the sender waits for the answer of the stage behind"]
pub struct Forwarding {
    records: Vec<Vec<u8>>,
    pending: u64,
    total: u64,
    tally: Tally,
    marks: Vec<Mark>,
    rejected: Vec<Rejected>,
    settings: Option<RemoteSettings>,
    /// Whose record each is: the batch, and the event in it unless it is the ledger's.
    places: Vec<(usize, Option<Place>)>,
    batches: Vec<Named>,
    site: Arc<str>,
    received_at: i64,
    sent_at: i64,
}

/// Where an event stands in its batch.
#[derive(Clone, Copy)]
struct Place {
    seq: Option<u32>,
    index: usize,
}

/// By what the events of a batch are named.
struct Named {
    stream: Option<Uuid>,
    client_id: Option<String>,
}

/// The stage behind did not take the records, or did not say that it did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unavailable {
    /// For the sender: what does not work, without secrets.
    pub message: String,
    /// Seconds after which to try again, at least 1.
    pub retry_after_s: u32,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Unavailable {}

impl Enriched<'_> {
    /// Writes the records: per stream its events in the order they came, then its ledger record if that says
    /// more than they show.
    pub fn forward(self) -> Forwarding {
        let mut records = Vec::new();
        let mut ids = Ids::default();
        let meta = &self.fresh.meta;
        let mut pending = 0;
        let (mut places, mut named) = (Vec::new(), Vec::new());
        for (number, batch) in self.fresh.batches.iter().enumerate() {
            for event in &batch.checked.events {
                let event_id = ids.of(meta, &batch.checked, event);
                places.push((number, Some(Place { seq: event.seq, index: event.index })));
                let event = self.event(&batch.checked.batch, event, event_id);
                records.push(Record::from(event).to_vec());
                pending += 1;
            }
            if let Some(ledger) = ledger(meta, batch) {
                places.push((number, None));
                records.push(Record::from(ledger).to_vec());
            }
            let Batch { stream, client_id, .. } = &batch.checked.batch;
            named.push(Named { stream: *stream, client_id: client_id.as_deref().map(str::to_owned) });
        }
        let Fresh { meta, batches, rejected } = self.fresh;
        let marks = batches
            .into_iter()
            .filter(|batch| !batch.seqs.is_empty())
            .filter_map(|batch| Some(Mark { stream: batch.key?, seqs: batch.seqs }))
            .collect();
        let Meta { total, tally, settings, site, received_at, sent_at, .. } = meta;
        Forwarding {
            records,
            pending,
            total,
            tally,
            marks,
            rejected,
            settings,
            places,
            batches: named,
            site,
            received_at,
            sent_at,
        }
    }
}

impl Forwarding {
    /// The records, in the order to append them, as one append. Empty when the stage behind has everything:
    /// then there is nothing to wait for.
    #[must_use]
    pub fn take_records(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.records)
    }

    /// The stage behind will never take these records, by their places in [`take_records`](Self::take_records): their
    /// events are rejected. Returns the ledger records that name them, to be made durable before
    /// [`answered`](Self::answered). Fails if one of them is a ledger record itself: what it names must not get lost.
    pub fn rejected(&mut self, records: &[(usize, String)]) -> Result<Vec<Vec<u8>>, Unavailable> {
        let reason = Reason::Rejected.as_str();
        let mut names: BTreeMap<usize, Ledger> = BTreeMap::new();
        for (at, message) in records {
            let Some((number, Some(Place { seq, index }))) = self.places.get(*at).copied() else {
                let message = "the stage behind does not take a ledger record".to_owned();
                return Err(Unavailable { message, retry_after_s: 10 });
            };
            let Named { stream, client_id } = &self.batches[number];
            let ledger = names.entry(number).or_insert_with(|| Ledger {
                site_id: self.site.to_string(),
                stream: *stream,
                client_id: client_id.clone(),
                by: "collector".to_owned(),
                received_at: self.received_at,
                sent_at: self.sent_at,
                ..Ledger::default()
            });
            match seq {
                Some(seq) => ledger.lost.push(Lost { from: seq, to: seq + 1, reason: reason.to_owned() }),
                None => *ledger.unnamed.entry(reason.to_owned()).or_default() += 1,
            }
            self.rejected.push(Rejected { stream: *stream, seq, index, message: message.clone() });
            self.pending -= 1;
            self.tally.rejected += 1;
        }
        Ok(names.into_values().map(|ledger| Record::from(ledger).to_vec()).collect())
    }

    /// Call with `Ok` only after every record is durable behind you; with `Err` when that is not known.
    pub fn answered(self, answer: Result<(), Unavailable>) -> Answered {
        let mut tally = self.tally;
        match &answer {
            Ok(()) => tally.accepted = self.pending,
            // A request is settled as a whole: its rejected events are not in the ledger either.
            Err(_) => tally = Tally { deferred: self.total, ..Tally::default() },
        }
        debug_assert_eq!(tally.total(), self.total, "conservation: {tally:?}");
        let answer = match answer {
            Ok(()) => {
                let Self { marks, rejected, settings, .. } = self;
                Ok(Settled { marks, rejected, settings })
            }
            Err(why) => Err(Refusal::unavailable(why.message, why.retry_after_s)),
        };
        Answered { tally, answer }
    }
}

/// A request whose events all have their outcome.
#[must_use = "the sender waits for the reply"]
pub struct Answered {
    tally: Tally,
    answer: Result<Settled, Refusal>,
}

struct Settled {
    marks: Vec<Mark>,
    rejected: Vec<Rejected>,
    settings: Option<RemoteSettings>,
}

impl Answered {
    /// What became of the events.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// What the seen cache may remember now: only what is durable behind us.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        self.answer.as_ref().map_or(&[], |settled| &settled.marks)
    }

    /// The reply: 204 with `hw-ack: N`, 200 if there is something to say beside that, or 503 with 0.
    #[must_use]
    pub fn reply(&self) -> Reply {
        match &self.answer {
            Ok(settled) => Reply::settled(self.tally.total(), &settled.rejected, settled.settings.as_ref()),
            Err(refusal) => refusal.reply(),
        }
    }
}

/// Names the events of a request.
#[derive(Default)]
struct Ids<'a> {
    /// How often each text of an event without a name was seen: two equal ones in one request are two events,
    /// and a retry of the request gives them the same ids again.
    ordinals: HashMap<(&'a str, &'a str), u32>,
}

impl<'a> Ids<'a> {
    fn of(&mut self, meta: &Meta, checked: &'a Checked<'_>, event: &'a Sound<'_>) -> String {
        let batch = &checked.batch;
        let id = if let (Some(stream), Some(seq)) = (batch.stream, event.seq) {
            stream_event_id(stream.as_bytes(), seq, event.ts)
        } else if let Some(given) = event.fields.event_id.as_deref().filter(|given| !given.is_empty()) {
            match Uuid::try_parse(given) {
                Ok(id) => id.into_bytes(),
                // Any other key of the sender's own.
                Err(_) => digest_event_id(event.ts, &[meta.site.as_bytes(), given.as_bytes()]),
            }
        } else {
            let client = batch.client_id.as_deref().unwrap_or_default();
            let session =
                event.fields.session_id.as_deref().or(batch.session_id.as_deref()).unwrap_or_default();
            let ordinal = self.ordinals.entry((event.raw, session)).or_default();
            let parts = [meta.site.as_bytes(), client.as_bytes(), session.as_bytes(), event.raw.as_bytes()];
            let [site, client, session, raw] = parts;
            let id = digest_event_id(event.ts, &[site, client, session, raw, &ordinal.to_le_bytes()]);
            *ordinal += 1;
            id
        };
        Uuid::from_bytes(id).hyphenated().to_string()
    }
}

/// The ledger record of a batch, if it says more than its events show.
fn ledger(meta: &Meta, fresh: &FreshBatch<'_>) -> Option<Ledger> {
    let Checked { batch, dropped, unnamed, .. } = &fresh.checked;
    let word = &batch.word;
    let no_storage = batch.context.no_storage.unwrap_or(false);
    let at = word.at.filter(|at| !fresh.seqs.covers(0, at.done) || at.head > fresh.seqs.end());
    let rejected = Reason::Rejected.as_str();
    let mut lost = word.lost.clone();
    for &seq in dropped {
        match lost.last_mut() {
            Some(run) if run.to == seq && run.reason == rejected => run.to += 1,
            _ => lost.push(Lost { from: seq, to: seq + 1, reason: rejected.to_owned() }),
        }
    }
    let says_more = at.is_some()
        || word.end
        || no_storage
        || *unnamed > 0
        || !lost.is_empty()
        || !word.refused.is_empty();
    says_more.then(|| Ledger {
        site_id: meta.site.to_string(),
        stream: batch.stream,
        client_id: batch.client_id.as_deref().map(str::to_owned),
        at: word.at,
        end: word.end,
        lost,
        refused: word.refused.clone(),
        unnamed: if *unnamed > 0 { [(rejected.to_owned(), *unnamed)].into() } else { BTreeMap::new() },
        by: if batch.stream.is_some() { "sdk" } else { "collector" }.to_owned(),
        received_at: meta.received_at,
        sent_at: meta.sent_at,
        no_storage,
    })
}

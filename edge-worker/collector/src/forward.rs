//! What goes to the stage behind, and what its answer makes of the request.

use std::{collections::BTreeMap, fmt, sync::Arc};

use headwater_core::{ranges::RangeSet, reason::Reason};
use headwater_schema::{Ledger, Lost, Record, Uuid};

use crate::{
    Enriched, Mark, Refusal, Reply, Tally,
    admit::{Meta, Rejected},
    cause::Cause,
    decode::Batch,
    look_up::Fresh,
    name::{Ids, ledger},
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
        let (mut places, mut named, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        let mut rejected_bots = Vec::new();
        for (number, batch) in self.fresh.batches.iter().enumerate() {
            let Batch { stream, client_id, .. } = &batch.checked.batch;
            let (mut seqs, mut bots) = (RangeSet::new(), Vec::new());
            for event in &batch.checked.events {
                let event_id = ids.of(meta, &batch.checked, event);
                let mut record = self.event(&batch.checked.batch, event, event_id);
                if !meta.rules.policy.bots.keeps(&mut record) {
                    bots.push(event.seq);
                    let (seq, index) = (event.seq, event.index);
                    let (stream, cause, message) = (*stream, Cause::Bot, String::new());
                    rejected_bots.push(Rejected { stream, seq, index, cause, message });
                    continue;
                }
                places.push((number, Some(Place { seq: event.seq, index: event.index })));
                records.push(Record::from(record).to_vec());
                pending += 1;
                if let Some(seq) = event.seq {
                    seqs.insert(seq);
                }
            }
            if let Some(ledger) = ledger(meta, &batch.checked, &seqs, &bots) {
                places.push((number, None));
                records.push(Record::from(ledger).to_vec());
            }
            named.push(Named { stream: *stream, client_id: client_id.as_deref().map(str::to_owned) });
            if let Some(stream) = batch.key.clone().filter(|_| !seqs.is_empty()) {
                marks.push(Mark { stream, seqs });
            }
        }
        let settings = self.settings();
        let Fresh { meta, mut rejected, .. } = self.fresh;
        let Meta { total, mut tally, site, received_at, sent_at, .. } = meta;
        *Cause::Bot.outcome(&mut tally) += rejected_bots.len() as u64;
        rejected.append(&mut rejected_bots);
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

    /// Which batch and event a record is of, unless it is the ledger's.
    pub(crate) fn place(&self, record: usize) -> Option<(usize, usize)> {
        let (batch, place) = self.places.get(record)?;
        place.map(|place| (*batch, place.index))
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
            let (cause, message) = (Cause::Rejected, message.clone());
            self.rejected.push(Rejected { stream: *stream, seq, index, cause, message });
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

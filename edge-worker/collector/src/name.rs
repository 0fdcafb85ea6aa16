//! By what an event is named behind the collector, and what the ledger says of a batch.

use std::collections::{BTreeMap, HashMap};

use headwater_core::{
    event_id::{digest_event_id, stream_event_id},
    ranges::RangeSet,
};
use headwater_schema::{Ledger, Lost, Uuid};

use crate::{
    admit::{Checked, Meta, Sound},
    cause::Cause,
};

/// Names the events of a request.
#[derive(Default)]
pub(crate) struct Ids<'a> {
    /// How often each text of an event without a name was seen: two equal ones in one request are two events,
    /// and a retry of the request gives them the same ids again.
    ordinals: HashMap<(&'a str, &'a str), u32>,
}

impl<'a> Ids<'a> {
    pub(crate) fn of(&mut self, meta: &Meta, checked: &'a Checked<'_>, event: &'a Sound<'_>) -> String {
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

/// The ledger record of a batch of which these seqs are forwarded, if it says more than its events show. `bots` are
/// events that are not forwarded either.
pub(crate) fn ledger(
    meta: &Meta,
    checked: &Checked<'_>,
    seqs: &RangeSet,
    bots: &[Option<u32>],
) -> Option<Ledger> {
    let Checked { batch, dropped, unnamed, .. } = checked;
    let word = &batch.word;
    let no_storage = batch.context.no_storage.unwrap_or(false);
    let at = word.at.filter(|at| !seqs.covers(0, at.done) || at.head > seqs.end());
    let mut lost = word.lost.clone();
    let named_bots = bots.iter().flatten().map(|&seq| (seq, Cause::Bot));
    for (seq, cause) in dropped.iter().copied().chain(named_bots) {
        match lost.last_mut() {
            Some(run) if run.to == seq && run.reason == cause.as_str() => run.to += 1,
            _ => lost.push(Lost { from: seq, to: seq + 1, reason: cause.as_str().to_owned() }),
        }
    }
    let mut unnamed: BTreeMap<_, _> =
        unnamed.iter().map(|(cause, count)| (cause.as_str().to_owned(), *count)).collect();
    let unnamed_bots = bots.iter().filter(|seq| seq.is_none()).count() as u64;
    if unnamed_bots > 0 {
        unnamed.insert(Cause::Bot.as_str().to_owned(), unnamed_bots);
    }
    let says_more = at.is_some()
        || word.end
        || no_storage
        || !unnamed.is_empty()
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
        unnamed,
        by: if batch.stream.is_some() { "sdk" } else { "collector" }.to_owned(),
        received_at: meta.received_at,
        sent_at: meta.sent_at,
        no_storage,
    })
}

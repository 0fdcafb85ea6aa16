//! The fold of everything committed, in its plainest form.

use std::collections::BTreeMap;

use headwater_core::ranges::{Range, RangeSet};
use headwater_numbers::delivery::{Plain, Stream};

use crate::{State, Tracked, WINDOW_MS, batch::word, rows::Commit};

/// What the event rows and closed gaps say about one stream.
struct Arrived {
    site: u64,
    seqs: RangeSet,
    closed: Vec<Range>,
    received_at: i64,
    sent_at: i64,
}

impl State {
    /// What these commits, in their order, say as of `now` (Unix milliseconds). The reference for
    /// [`Store::load`](crate::Store::load); it visits every row.
    #[must_use]
    pub fn refold<'a>(commits: impl IntoIterator<Item = &'a Commit> + Clone, now: i64) -> Self {
        let mut state = Self::default();
        let mut arrived = BTreeMap::new();
        for commit in commits.clone() {
            arrivals(commit, &mut arrived, &mut state);
            for row in commit.window.iter().filter(|row| row.received_at >= now - WINDOW_MS) {
                state.window_mut().add(row.site, row.id, row.received_at);
            }
            for span in &commit.deleted {
                state.add_deleted(span.clone());
            }
        }
        let streams = arrived.into_iter().map(|(number, arrived)| {
            let mut stream = Stream::from_parts(arrived.seqs.iter(), arrived.closed);
            stream.heard(arrived.received_at, arrived.sent_at);
            (number, Tracked { site: arrived.site, stream })
        });
        let mut streams: BTreeMap<u64, Tracked> = streams.collect();
        for commit in commits {
            words(commit, &mut streams, &mut state);
        }
        for (number, tracked) in streams {
            state.put(number, tracked);
        }
        state
    }
}

fn arrivals(commit: &Commit, arrived: &mut BTreeMap<u64, Arrived>, state: &mut State) {
    for row in &commit.events {
        let (Some(number), Some(seq)) = (row.stream, row.event.seq) else {
            state.add_plain(row.site, &Plain { counted: 1, ..Plain::default() });
            continue;
        };
        let (received_at, sent_at) = (row.event.received_at, row.event.sent_at);
        let stream = arrived.entry(number).or_insert_with(|| Arrived {
            site: row.site,
            seqs: RangeSet::new(),
            closed: Vec::new(),
            received_at,
            sent_at,
        });
        stream.seqs.insert(seq);
        stream.received_at = stream.received_at.max(received_at);
        stream.sent_at = stream.sent_at.max(sent_at);
    }
    for (number, range) in &commit.closed {
        if let Some(stream) = arrived.get_mut(number) {
            stream.closed.push(*range);
        }
    }
}

fn words(commit: &Commit, streams: &mut BTreeMap<u64, Tracked>, state: &mut State) {
    let unheard = |site| move || Tracked { site, ..Tracked::default() };
    for row in &commit.ledger {
        if let Some(number) = row.stream {
            streams.entry(number).or_insert_with(unheard(row.site)).stream.tell(&word(&row.ledger));
        }
        if !row.ledger.unnamed.is_empty() {
            let dropped = row.ledger.unnamed.clone();
            state.add_plain(row.site, &Plain { dropped, ..Plain::default() });
        }
    }
    for row in &commit.copies {
        match row.stream {
            None => state.add_plain(row.site, &Plain { copies: row.copies, ..Plain::default() }),
            Some(number) => {
                let tracked = streams.entry(number).or_insert_with(unheard(row.site));
                tracked.stream.copied(row.copies, row.received_at);
            }
        }
    }
}

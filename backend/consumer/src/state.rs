//! What the committed rows say, in memory: which events arrived, what became of the rest, and the names of
//! what has no stream.
//!
//! A [`State`] is a fold of the tables and changes only after a commit: a [`Batch`](crate::Batch) decides about records
//! beside it, and [`State::apply`] takes over what was committed. When a commit fails, both are thrown
//! away and the state is read back from the tables.

use std::collections::{BTreeSet, HashMap};

use headwater_numbers::delivery::{Account, Plain, Stream};

use crate::{Changes, Window, rows::Deleted};

/// The fold of everything committed.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct State {
    streams: HashMap<u64, Tracked>,
    sites: HashMap<u64, Site>,
    window: Window,
    deleted: Vec<Deleted>,
}

/// A stream and whose it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tracked {
    /// The site's number.
    pub site: u64,
    /// Its fold.
    pub stream: Stream,
}

#[derive(Debug, Default, Eq, PartialEq)]
struct Site {
    /// Of the streams that time does not change any more, so that asking costs what is open.
    settled: Account,
    open: BTreeSet<u64>,
    streams: BTreeSet<u64>,
    plain: Plain,
}

/// The account of a site, and of its newest streams.
#[derive(Debug, Default)]
pub struct Delivery {
    /// All streams together.
    pub total: Account,
    /// Events without a stream.
    pub plain: Plain,
    /// The newest streams, newest first.
    pub streams: Vec<StreamAccount>,
    /// How many streams there are.
    pub streams_total: usize,
    /// What was deleted before it was read, of all sites together, oldest first: the cause of what is unexplained.
    pub deleted: Vec<Deleted>,
}

/// The account of one stream, which is shown by its number.
#[derive(Debug)]
pub struct StreamAccount {
    /// The stream's number.
    pub number: u64,
    /// Its account.
    pub account: Account,
    /// Largest `done` told.
    pub done: u32,
    /// Largest `head` told.
    pub head: u32,
    /// Whether its sender holds nothing more.
    pub ended: bool,
    /// When the server last heard of it, Unix milliseconds.
    pub last_received_at: Option<i64>,
}

impl State {
    /// Puts a stream in the place of what was known of it.
    pub fn put(&mut self, number: u64, tracked: Tracked) {
        let site = self.sites.entry(tracked.site).or_default();
        if let Some(before) = self.streams.get(&number)
            && before.stream.is_settled()
        {
            site.settled.subtract(&before.stream.account(0));
        }
        if tracked.stream.is_settled() {
            site.settled.add(&tracked.stream.account(0));
            site.open.remove(&number);
        } else {
            site.open.insert(number);
        }
        site.streams.insert(number);
        self.streams.insert(number, tracked);
    }

    /// Adds to the numbers of a site's events without a stream.
    pub fn add_plain(&mut self, site: u64, more: &Plain) {
        let plain = &mut self.sites.entry(site).or_default().plain;
        plain.counted += more.counted;
        plain.copies += more.copies;
        for (reason, count) in &more.dropped {
            let dropped = plain.dropped.entry(reason.clone()).or_default();
            *dropped = dropped.saturating_add(*count);
        }
    }

    /// Notes what was deleted before it was read, in the order of commits.
    pub fn add_deleted(&mut self, span: Deleted) {
        self.deleted.push(span);
    }

    /// What is known of a stream.
    #[must_use]
    pub fn stream(&self, number: u64) -> Option<&Tracked> {
        self.streams.get(&number)
    }

    /// The names of what has no stream.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The same, for a store that reads them back and for thinning them out.
    pub fn window_mut(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Takes over what was committed.
    pub fn apply(&mut self, changes: Changes) {
        for (number, tracked) in changes.streams {
            self.put(number, tracked);
        }
        for (site, plain) in &changes.plain {
            self.add_plain(*site, plain);
        }
        for row in changes.window {
            self.window.add(row.site, row.id, row.received_at);
        }
        self.deleted.extend(changes.deleted);
    }

    /// A site's account at `now` (Unix milliseconds), with at most `limit` of its streams.
    #[must_use]
    pub fn delivery(&self, site: u64, now: i64, limit: usize) -> Delivery {
        let Some(site) = self.sites.get(&site) else { return Delivery::default() };
        let mut total = site.settled.clone();
        for number in &site.open {
            total.add(&self.streams[number].stream.account(now));
        }
        let newest = site.streams.iter().rev().take(limit);
        let streams = newest.map(|number| {
            let stream = &self.streams[number].stream;
            StreamAccount {
                number: *number,
                account: stream.account(now),
                done: stream.done(),
                head: stream.head(),
                ended: stream.ended(),
                last_received_at: stream.last_received_at(),
            }
        });
        Delivery {
            total,
            plain: site.plain.clone(),
            streams: streams.collect(),
            streams_total: site.streams.len(),
            deleted: self.deleted.clone(),
        }
    }
}

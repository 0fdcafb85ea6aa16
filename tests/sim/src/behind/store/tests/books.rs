//! What the tests ask of a store, answered from its rows alone.

use std::collections::BTreeMap;

use headwater_consumer::{Delivery, State};
use headwater_numbers::delivery::Account;
use headwater_schema::RawValue;

use super::Store;

/// The rows of one moment.
pub(super) struct Books<'a> {
    counted: Vec<Counted<'a>>,
    /// Numbers of each stream by its UUID: one, unless something is wrong.
    streams: BTreeMap<u128, Vec<u64>>,
    sites: BTreeMap<&'a str, u64>,
    state: State,
    now: i64,
}

/// One event of a stream that is counted.
pub(super) struct Counted<'a> {
    /// The site's public key.
    pub(super) site: &'a str,
    /// The stream's UUID, big-endian.
    pub(super) stream: u128,
    /// Its number in the stream.
    pub(super) seq: u32,
    /// How many rows it has: 1, unless something is wrong.
    pub(super) count: u32,
    /// `name` of its first row.
    pub(super) name: Option<&'a str>,
    /// `props` of its first row, as JSON text.
    pub(super) props: Option<&'a str>,
}

impl<'a> Books<'a> {
    /// Reads `store` at `now`, Unix milliseconds.
    pub(super) fn read(store: &'a Store, now: i64) -> Self {
        let mut books = Self {
            counted: Vec::new(),
            streams: BTreeMap::new(),
            sites: BTreeMap::new(),
            state: store.refold(now),
            now,
        };
        for commit in store.commits() {
            for row in &commit.events {
                books.name(
                    &row.event.site_id,
                    row.site,
                    row.event.stream.map(|id| id.as_u128()).zip(row.stream),
                );
                if let (Some(stream), Some(seq)) = (row.event.stream, row.event.seq) {
                    books.counted.push(Counted {
                        site: &row.event.site_id,
                        stream: stream.as_u128(),
                        seq,
                        count: 1,
                        name: row.event.name.as_deref(),
                        props: row.event.props.as_deref().map(RawValue::get),
                    });
                }
            }
            for row in &commit.ledger {
                books.name(
                    &row.ledger.site_id,
                    row.site,
                    row.ledger.stream.map(|id| id.as_u128()).zip(row.stream),
                );
            }
        }
        // Stable, so that the row that was committed first stands for the others.
        books.counted.sort_by_key(|row| (row.site, row.stream, row.seq));
        books.counted.dedup_by(|later, first| {
            let same = (later.site, later.stream, later.seq) == (first.site, first.stream, first.seq);
            first.count += u32::from(same);
            same
        });
        books
    }

    /// Every counted event that has a stream, by site, stream and seq.
    pub(super) fn counted(&self) -> &[Counted<'a>] {
        &self.counted
    }

    /// Every stream that a row names, ascending.
    pub(super) fn streams(&self) -> impl Iterator<Item = u128> + '_ {
        self.streams.keys().copied()
    }

    /// The account of a stream; none if no row names it.
    pub(super) fn account(&self, stream: u128) -> Option<Account> {
        let mut account = Account::default();
        for number in self.streams.get(&stream)? {
            let tracked = self.state.stream(*number)?;
            account.add(&tracked.stream.account(self.now));
        }
        Some(account)
    }

    /// The answer of `/delivery`, with at most so many streams; empty if no row names the site.
    pub(super) fn delivery(&self, site: &str, streams: usize) -> Delivery {
        let number = self.sites.get(site).copied().unwrap_or_default();
        self.state.delivery(number, self.now, streams)
    }

    fn name(&mut self, site: &'a str, site_no: u64, stream: Option<(u128, u64)>) {
        self.sites.insert(site, site_no);
        if let Some((stream, number)) = stream {
            let numbers = self.streams.entry(stream).or_default();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
    }
}

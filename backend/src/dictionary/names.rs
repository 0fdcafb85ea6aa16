//! The names in memory.

use std::collections::HashMap;

use headwater_consumer::{Counts, Kind};

/// All names, both ways where both are needed.
#[derive(Debug, Default)]
pub struct Names {
    counts: Counts,
    /// Key: the kind's code, the site's number (little endian), the name.
    numbers: HashMap<Box<[u8]>, u64>,
    /// Streams by number, because the total order of events goes by the stream's UUID.
    streams: Vec<u128>,
}

impl Names {
    /// The number of a name that belongs to a site (0 for sites themselves).
    #[must_use]
    pub fn number(&self, kind: Kind, site: u64, name: &[u8]) -> Option<u64> {
        self.numbers.get(&key(kind, site, name)[..]).copied()
    }

    /// The number of a site.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<u64> {
        self.number(Kind::Site, 0, id.as_bytes())
    }

    /// The UUID of a stream, as a big-endian number.
    #[must_use]
    pub fn stream(&self, number: u64) -> Option<u128> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.streams.get(index).copied()
    }

    /// How many there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Adds a name under the next number of its kind.
    pub(super) fn add(&mut self, kind: Kind, site: u64, name: &[u8]) {
        let number = self.counts.of(kind) + 1;
        self.counts = self.counts.with(kind, number);
        self.numbers.insert(key(kind, site, name).into(), number);
        if kind == Kind::Stream {
            let bytes = name.try_into().unwrap_or_default();
            self.streams.push(u128::from_be_bytes(bytes));
        }
    }
}

fn key(kind: Kind, site: u64, name: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + size_of::<u64>() + name.len());
    key.push(kind.code());
    key.extend_from_slice(&site.to_le_bytes());
    key.extend_from_slice(name);
    key
}

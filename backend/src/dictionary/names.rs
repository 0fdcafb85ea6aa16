//! The names in memory.

use std::collections::HashMap;

/// What is named. The codes are on disk and never change.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// A device or browser, by the id it was given.
    Client = 1,
    /// A device, by the platform's identity for it.
    Device = 2,
    /// A session of the SDK.
    Session = 3,
    /// A site.
    Site = 4,
    /// An opening of a journal, by its 16 bytes.
    Stream = 5,
    /// A person.
    User = 6,
}

impl Kind {
    /// Every kind, by its code.
    pub const ALL: [Self; 6] =
        [Self::Client, Self::Device, Self::Session, Self::Site, Self::Stream, Self::User];

    pub(super) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    pub(super) fn code(self) -> u8 {
        self as u8
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Device => "device",
            Self::Session => "session",
            Self::Site => "site",
            Self::Stream => "stream",
            Self::User => "user",
        }
    }
}

/// How many numbers of each kind were given out; also the largest of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts([u64; Kind::ALL.len()]);

impl Counts {
    /// The count of one kind.
    #[must_use]
    pub fn of(self, kind: Kind) -> u64 {
        self.0[usize::from(kind.code()) - 1]
    }

    /// Sets the count of one kind.
    #[must_use]
    pub fn with(mut self, kind: Kind, count: u64) -> Self {
        self.0[usize::from(kind.code()) - 1] = count;
        self
    }
}

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

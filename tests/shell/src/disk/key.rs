//! What entries are called.

use std::ops::RangeInclusive;

use uuid::Uuid;

/// The name of an entry. No name that is part of a stream has two writers, or is written twice.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    /// Nil for what the streams share.
    pub(crate) stream: Uuid,
    pub(crate) part: Part,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Part {
    /// Written first and removed last.
    Header,
    /// Events; the owner counts its writes.
    Events(u32),
    /// A name of lost events, by whoever names them: a number drawn for its life, and the record's.
    Loss { writer: u32, record: u32 },
    /// A session, likewise.
    Stamp { writer: u32, n: u32 },
    /// Last writer wins.
    Shared(Item),
}

/// What the pages or processes of a device share.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Item {
    /// Of one purpose.
    Consent(u8),
    Gate,
    Identity,
    Refusal,
    Registered,
    Session,
    Settings,
}

impl Key {
    pub(crate) const fn shared(item: Item) -> Self {
        Self { stream: Uuid::nil(), part: Part::Shared(item) }
    }

    /// Everything of one stream.
    pub(crate) fn all_of(stream: Uuid) -> RangeInclusive<Self> {
        let last = Part::Stamp { writer: u32::MAX, n: u32::MAX };
        Self { stream, part: Part::Header }..=Self { stream, part: last }
    }

    pub(crate) const fn is_shared(self) -> bool {
        matches!(self.part, Part::Shared(_))
    }

    pub(crate) const fn is_ledger(self) -> bool {
        matches!(self.part, Part::Loss { .. })
    }
}

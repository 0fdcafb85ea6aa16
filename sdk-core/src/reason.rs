//! Why an event is not counted: the words of the loss ledger.

/// A reason that this version knows. On the wire it is text, and servers pass on words they do not know; the numbers are
/// those of browsers' journals, and never reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u32)]
pub enum Reason {
    /// The visitor denied consent and what was held was purged.
    Consent = 1,
    /// The bridge could not hand it to the broker and put it aside.
    DeadLetter = 2,
    /// The server's rules dropped it (a bot, a blocked address).
    Filtered = 3,
    /// The client's queue was full and this was the oldest.
    QueueFull = 4,
    /// It can never be accepted: it alone got 400, 413 or 422, or the server said so of it.
    Rejected = 5,
    /// The site answered 410.
    Stopped = 6,
    /// The journal could not be written.
    Storage = 7,
    /// It was older than the client gives up at, or than the server remembers names for.
    TooOld = 9,
    /// It fell into a gap that [`Seen`](crate::seen::Seen) had to close.
    TooManyGaps = 8,
    /// The journal is known to have held it and no longer does.
    Vanished = 10,
}

impl Reason {
    /// Every reason, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::Consent,
        Self::DeadLetter,
        Self::Filtered,
        Self::QueueFull,
        Self::Rejected,
        Self::Stopped,
        Self::Storage,
        Self::TooOld,
        Self::TooManyGaps,
        Self::Vanished,
    ];

    /// The word on the wire and in journals.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::DeadLetter => "dead_letter",
            Self::Filtered => "filtered",
            Self::QueueFull => "queue_full",
            Self::Rejected => "rejected",
            Self::Stopped => "stopped",
            Self::Storage => "storage",
            Self::TooOld => "too_old",
            Self::TooManyGaps => "too_many_gaps",
            Self::Vanished => "vanished",
        }
    }

    /// The reason that `word` names, if this version knows it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// Whether an event with this name that turns up after all is sent (the name was about room or about
    /// storage), rather than forgotten (the name was a decision about the event).
    pub(crate) const fn is_undone_by_the_event(self) -> bool {
        matches!(self, Self::QueueFull | Self::Storage | Self::Vanished)
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn every_word_leads_back_to_its_reason() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(Reason::parse("sampled"), None);
    }
}

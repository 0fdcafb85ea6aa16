//! Planted bugs: slips that the simulator must find. Only with the feature `planted`, which no product turns on; the
//! proof that the proof works.

use core::cell::Cell;

std::thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// A slip, at the place that its crate marks by [`planted!`](crate::planted!).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "each is told where it is planted")]
pub enum Bug {
    AckByStatus,
    AdopterDeletesUnsent,
    AnswerBeforeBroker,
    AnswerOfPartSettles,
    CacheAheadOfCommit,
    ClearedStorageUnnoticed,
    ClosedForgottenOwing,
    CommitFailedMarksStay,
    DeadLetterUnnamed,
    DonePassesHole,
    EndBeforeAnswers,
    EvictionBeforeLedger,
    FingerprintIgnored,
    ForgetBeforeAck,
    ForkKeepsStream,
    GapsClosedSilently,
    HeaderFromCurrentIdentity,
    HeaderRemovedFirst,
    HoleUnnamed,
    IncarnationIgnored,
    JournalKeyRewritten,
    KeyedByPartition,
    LostWithoutSubtractingSeen,
    NamesForgottenUnacknowledged,
    OffByOneInRanges,
    OffsetsApart,
    PurgeKeepsHeader,
    ReadPastFsync,
    RebuildForgetsInFlight,
    ReplyBeforeForward,
    RetryResetsLedger,
    SeqReusedAfterFailedWrite,
    SpoolAckBeforeSync,
    SpoolTrimBeforeAck,
    StreamContinued,
    TooOldByDeviceClock,
    TornTailAccepted,
}

impl Bug {
    /// Every bug, in the order of the enum.
    pub const ALL: [Self; 37] = [
        Self::AckByStatus,
        Self::AdopterDeletesUnsent,
        Self::AnswerBeforeBroker,
        Self::AnswerOfPartSettles,
        Self::CacheAheadOfCommit,
        Self::ClearedStorageUnnoticed,
        Self::ClosedForgottenOwing,
        Self::CommitFailedMarksStay,
        Self::DeadLetterUnnamed,
        Self::DonePassesHole,
        Self::EndBeforeAnswers,
        Self::EvictionBeforeLedger,
        Self::FingerprintIgnored,
        Self::ForgetBeforeAck,
        Self::ForkKeepsStream,
        Self::GapsClosedSilently,
        Self::HeaderFromCurrentIdentity,
        Self::HeaderRemovedFirst,
        Self::HoleUnnamed,
        Self::IncarnationIgnored,
        Self::JournalKeyRewritten,
        Self::KeyedByPartition,
        Self::LostWithoutSubtractingSeen,
        Self::NamesForgottenUnacknowledged,
        Self::OffByOneInRanges,
        Self::OffsetsApart,
        Self::PurgeKeepsHeader,
        Self::ReadPastFsync,
        Self::RebuildForgetsInFlight,
        Self::ReplyBeforeForward,
        Self::RetryResetsLedger,
        Self::SeqReusedAfterFailedWrite,
        Self::SpoolAckBeforeSync,
        Self::SpoolTrimBeforeAck,
        Self::StreamContinued,
        Self::TooOldByDeviceClock,
        Self::TornTailAccepted,
    ];
}

/// Plants a bug in this thread, in place of the one before.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this bug is planted in this thread.
#[must_use]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

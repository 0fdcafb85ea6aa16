//! The proof that the proof works: every slip that can be planted is found, and without it the same seed is fine.
#![cfg(feature = "planted")]

use std::{io::Write as _, time::Instant};

use headwater_core::planted::{Bug, plant};
use headwater_sim::{Outcome, Schedule, run, shrink};

/// Within so many seeds each must be found.
const SEEDS: u64 = 20_000;

/// Plants a slip, finds it, shrinks it, and sees to it that it was the slip.
fn find(bug: Bug) {
    let started = Instant::now();
    plant(Some(bug));
    let found = (0..SEEDS).map(Schedule::of_seed).find_map(|schedule| match run(&schedule) {
        Outcome::Breach(breach) => Some((schedule, breach)),
        Outcome::Fine => None,
    });
    let (schedule, breach) = found.unwrap_or_else(|| panic!("{bug:?} is not found in {SEEDS} seeds"));
    let smallest = shrink(&schedule);
    let again = run(&smallest);
    assert!(matches!(&again, Outcome::Breach(found) if found.kind == breach.kind), "{bug:?}: {again:?}");
    plant(None);
    for schedule in [&schedule, &smallest] {
        assert_eq!(run(schedule), Outcome::Fine, "{bug:?}: seed {} fails without it", schedule.seed);
    }
    // Not by `println`, which a passing test keeps to itself.
    _ = writeln!(
        std::io::stderr(),
        "{bug:?}: seed {}, {} steps of {}, {} s: {breach}",
        schedule.seed,
        smallest.steps.len(),
        schedule.steps.len(),
        started.elapsed().as_secs(),
    );
}

macro_rules! each_is_found {
    ($($bug:ident)*) => {
        $(
            #[test]
            #[expect(non_snake_case, reason = "the name of the slip")]
            fn $bug() {
                find(Bug::$bug);
            }
        )*

        #[test]
        fn every_slip_has_its_test() {
            let tested = [$(Bug::$bug),*];
            let missing: Vec<_> = Bug::ALL.into_iter().filter(|bug| !tested.contains(bug)).collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    };
}

each_is_found! {
    AckByStatus
    AdopterDeletesUnsent
    AnswerBeforeBroker
    AnswerOfPartSettles
    CacheAheadOfCommit
    ClearedStorageUnnoticed
    ClosedForgottenOwing
    CommitFailedMarksStay
    DeadLetterUnnamed
    DonePassesHole
    EndBeforeAnswers
    EvictionBeforeLedger
    FingerprintIgnored
    ForgetBeforeAck
    ForkKeepsStream
    GapsClosedSilently
    HeaderFromCurrentIdentity
    HeaderRemovedFirst
    HoleUnnamed
    IncarnationIgnored
    JournalKeyRewritten
    KeyedByPartition
    LostWithoutSubtractingSeen
    NamesForgottenUnacknowledged
    OffByOneInRanges
    OffsetsApart
    PurgeKeepsHeader
    ReadPastFsync
    RebuildForgetsInFlight
    ReplyBeforeForward
    RetryResetsLedger
    SeqReusedAfterFailedWrite
    SpoolAckBeforeSync
    SpoolTrimBeforeAck
    StreamContinued
    TooOldByDeviceClock
    TornTailAccepted
}

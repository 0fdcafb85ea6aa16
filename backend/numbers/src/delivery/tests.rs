use proptest::prelude::*;

use super::*;

const T0: i64 = 1_700_000_000_000;

fn word(at: (u32, u32)) -> Word {
    Word { at: Some(at), received_at: T0, sent_at: T0, ..Word::default() }
}

fn lost(from: u32, to: u32, reason: &str) -> Word {
    Word { lost: vec![(from, to, reason.to_owned())], received_at: T0, sent_at: T0, ..Word::default() }
}

fn stream(arrived: &[u32], words: &[Word]) -> Stream {
    let mut stream = Stream::default();
    for seq in arrived {
        stream.arrive(*seq, T0, T0);
    }
    for word in words {
        stream.tell(word);
    }
    stream
}

/// known, counted, lost, in flight, unexplained
fn numbers(stream: &Stream, now: i64) -> [u64; 5] {
    let account = stream.account(now);
    [account.known, account.counted, account.lost_total(), account.in_flight, account.unexplained]
}

#[test]
fn what_arrived_is_counted_once() {
    let mut stream = stream(&[0, 1, 2], &[]);
    assert_eq!(stream.arrive(1, T0, T0), Admission::Copy);
    assert_eq!(numbers(&stream, T0), [3, 3, 0, 0, 0]);
}

#[test]
fn below_a_known_head_nothing_is_forgotten() {
    assert_eq!(numbers(&stream(&[1], &[word((0, 5))]), T0), [5, 1, 0, 4, 0]);
}

#[test]
fn an_arrival_takes_its_name_back() {
    let mut stream = stream(&[0], &[lost(0, 3, "queue_full")]);
    assert_eq!(numbers(&stream, T0), [3, 1, 2, 0, 0]);
    assert_eq!(stream.arrive(2, T0, T0), Admission::Fresh);
    assert_eq!(numbers(&stream, T0), [3, 2, 1, 0, 0]);
}

#[test]
fn the_first_committed_reason_counts() {
    let stream = stream(&[], &[lost(2, 4, "queue_full"), lost(0, 6, "vanished")]);
    let expected = [("queue_full".to_owned(), 2), ("vanished".to_owned(), 4)];
    assert_eq!(stream.account(T0).lost, BTreeMap::from(expected));
}

#[test]
fn an_event_missing_below_done_is_unexplained_once_the_spools_have_forgotten_it() {
    let stream = stream(&[0, 1, 4], &[word((5, 6))]);
    assert_eq!(numbers(&stream, T0 + SPOOL_MS), [6, 3, 0, 3, 0]);
    assert_eq!(numbers(&stream, T0 + SPOOL_MS + HOUR_MS), [6, 3, 0, 1, 2]);
}

#[test]
fn a_stream_that_goes_on_does_not_postpone_the_alarm() {
    let mut stream = stream(&[1], &[word((2, 2))]);
    for day in 1..=8 {
        let mut later = word((2 + day, 2 + day));
        (later.received_at, later.sent_at) = (T0 + i64::from(day) * DAY_MS, T0 + i64::from(day) * DAY_MS);
        stream.arrive(1 + day, later.received_at, later.sent_at);
        stream.tell(&later);
    }
    assert_eq!(numbers(&stream, T0 + 8 * DAY_MS), [10, 9, 0, 0, 1]);
}

#[test]
fn after_an_end_claim_the_rest_has_vanished_until_later_data_undoes_it() {
    let end = Word { end: true, sent_at: T0 + 10, ..word((1, 4)) };
    let mut stream = stream(&[0], &[end]);
    assert!(stream.ended());
    assert_eq!(stream.account(T0).lost, BTreeMap::from([("vanished".to_owned(), 3)]));

    stream.arrive(2, T0 + 5, T0 + 5);
    assert!(stream.ended(), "it was sent before the claim and took a detour");
    assert_eq!(numbers(&stream, T0), [4, 2, 2, 0, 0]);

    stream.arrive(3, T0 + 20, T0 + 20);
    assert!(!stream.ended());
    assert_eq!(numbers(&stream, T0), [4, 3, 0, 1, 0]);
}

#[test]
fn after_thirty_silent_days_the_tail_is_lost() {
    let quiet = stream(&[0], &[word((1, 3))]);
    assert_eq!(numbers(&quiet, T0 + SILENT_MS - 1), [3, 1, 0, 2, 0]);
    assert_eq!(quiet.account(T0 + SILENT_MS).lost, BTreeMap::from([("silent".to_owned(), 2)]));

    let memory_only = stream(&[0], &[Word { no_storage: true, ..word((1, 3)) }]);
    assert_eq!(memory_only.account(T0 + SILENT_MS).lost, BTreeMap::from([("no_storage".to_owned(), 2)]));
}

#[test]
fn a_copy_breaks_the_silence() {
    let mut stream = stream(&[0], &[word((1, 3))]);
    stream.copied(1, T0 + DAY_MS);
    assert_eq!(numbers(&stream, T0 + SILENT_MS), [3, 1, 0, 2, 0]);
    assert_eq!(stream.account(T0).copies, 1);
}

#[test]
fn refused_calls_are_counters_by_maximum_and_no_events() {
    let refused = |count| Word { refused: BTreeMap::from([("sampled".to_owned(), count)]), ..word((0, 0)) };
    let stream = stream(&[], &[refused(3), refused(7), refused(5)]);
    let account = stream.account(T0);
    assert_eq!((account.known, account.refused["sampled"]), (0, 7));
}

#[test]
fn gaps_beyond_what_is_kept_are_lost_and_late_arrivals_there_are_copies() {
    let mut stream = Stream::default();
    for seq in 0..2000 {
        stream.arrive(seq * 2, T0, T0);
    }
    let account = stream.account(T0);
    assert_eq!((account.counted, account.known), (2000, 3999));
    assert_eq!(account.lost["too_many_gaps"] + account.in_flight, 1999);
    assert_eq!(stream.arrive(1, T0, T0), Admission::Copy);
    assert!(stream.closed_count() > 0);
}

#[test]
fn adding_and_subtracting_accounts_leaves_nothing() {
    let one = stream(&[0, 4], &[lost(1, 2, "storage"), word((5, 9))]).account(T0 + SPOOL_MS * 2);
    let two = stream(&[3], &[lost(0, 2, "too_old")]).account(T0);
    let mut total = one.clone();
    total.add(&two);
    assert_eq!(total.known, one.known + two.known);
    total.subtract(&one);
    assert_eq!(total, two);
    total.subtract(&two);
    assert_eq!(total, Account::default());
}

#[derive(Clone, Debug)]
enum Step {
    Arrive(u32, i64),
    Tell(Word),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = (0..12_i64).prop_map(|days| T0 + days * DAY_MS);
    let arrive = (0..40_u32, time.clone()).prop_map(|(seq, at)| Step::Arrive(seq, at));
    // One reason: which of two comes first does depend on the order.
    let lost =
        prop::collection::vec((0..40_u32, 0..40_u32).prop_map(|(a, b)| (a, b, "storage".to_owned())), 0..3);
    let tell = (lost, prop::option::of((0..40_u32, 0..44_u32)), any::<bool>(), time, 0..9_u64);
    let tell = tell.prop_map(|(lost, at, end, time, refused)| {
        let refused = BTreeMap::from([("sampled".to_owned(), refused)]);
        Step::Tell(Word { at, end, lost, refused, no_storage: false, received_at: time, sent_at: time })
    });
    prop::collection::vec(prop_oneof![2 => arrive, 1 => tell], 0..40)
}

fn fold(steps: &[Step]) -> Stream {
    let mut stream = Stream::default();
    for step in steps {
        match step {
            Step::Arrive(seq, at) => {
                stream.arrive(*seq, *at, *at);
            }
            Step::Tell(word) => stream.tell(word),
        }
    }
    stream
}

/// The first committed copy of an event wins, and its times with it, so a set of steps has one arrival
/// per seq.
fn without_copies(steps: Vec<Step>) -> Vec<Step> {
    let mut seen = RangeSet::new();
    steps.into_iter().filter(|step| !matches!(step, Step::Arrive(seq, _) if !seen.insert(*seq))).collect()
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_give_the_same_fold(
        steps in steps(), order in prop::collection::vec(any::<u32>(), 40), again in 0..40_usize,
    ) {
        let steps = without_copies(steps);
        let mut other: Vec<_> = steps.iter().cloned().zip(&order).collect();
        other.sort_by_key(|(_, key)| **key);
        let mut other: Vec<_> = other.into_iter().map(|(step, _)| step).collect();
        other.extend(steps.iter().take(again).cloned());
        prop_assert_eq!(fold(&steps), fold(&other));
    }

    #[test]
    fn nothing_known_is_left_out_of_the_account(steps in steps(), days in 0..60_i64) {
        let stream = fold(&steps);
        let account = stream.account(T0 + days * DAY_MS);
        let parts = account.counted + account.lost_total() + account.in_flight + account.unexplained;
        prop_assert_eq!(account.known, parts);
        if stream.is_settled() {
            prop_assert_eq!(&account, &stream.account(T0));
            prop_assert_eq!(account.in_flight + account.unexplained, 0);
        }
    }
}

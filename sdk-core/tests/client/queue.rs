//! When events wait, and what goes when there are too many.

use headwater_core::{
    client::{Effect, Input, Lane, Limits, StreamNo},
    reason::Reason,
    time::UnixMs,
};

use crate::page::{EPOCH, OWN, Page};

#[test]
fn events_go_half_a_second_after_the_first() {
    let mut page = Page::new();
    page.append(1, 100);
    page.wait(400);
    page.append(1, 100);
    assert!(page.sent().is_empty());
    page.wait(99);
    assert_eq!(page.only_sent().seqs, [0, 1]);
}

#[test]
fn a_full_request_goes_at_once() {
    let mut page = Page::new();
    page.append(49, 100);
    assert!(page.sent().is_empty());
    page.append(1, 100);
    assert_eq!(page.only_sent().seqs.len(), 50);

    let mut page = Page::with(Limits { queue_bytes: 1_000_000, ..Limits::default() });
    page.append(4, 11_000);
    assert!(page.sent().is_empty());
    page.append(1, 11_000);
    assert_eq!(page.sent()[0].seqs, [0, 1, 2, 3]);
}

#[test]
fn an_event_larger_than_a_request_goes_alone() {
    let mut page = Page::with(Limits { queue_bytes: 1_000_000, ..Limits::default() });
    page.append(1, 10);
    page.append(1, 60_000);
    page.append(1, 10);
    page.tell(Input::Flush);
    assert_eq!(page.sent().iter().map(|s| s.seqs.clone()).collect::<Vec<_>>(), [[0], [1], [2]]);
}

#[test]
fn nothing_goes_while_offline_and_everything_when_back() {
    let mut page = Page::new();
    page.tell(Input::Online(false));
    page.append(60, 100);
    page.tell(Input::Flush);
    page.tell(Input::Hidden);
    page.wait(3_600_000);
    page.tell(Input::Visible);
    assert!(page.sent().is_empty());
    page.tell(Input::Online(true));
    assert_eq!(page.sent().len(), 2);
}

#[test]
fn what_fails_while_offline_says_nothing_about_the_server() {
    let mut page = Page::with(Limits { queue_bytes: 1_000_000, ..Limits::default() });
    page.append(200, 10);
    page.tell(Input::Online(false));
    for sent in page.sent() {
        page.lose_answer(&sent);
    }
    page.tell(Input::Online(true));
    assert_eq!(page.sent().len(), 4, "no back-off and no probe");
}

#[test]
fn the_oldest_stream_goes_first_and_a_request_carries_one_stream() {
    let mut page = Page::with(Limits { in_flight: 1, ..Limits::default() });
    let other = StreamNo(9);
    page.append(2, 100);
    page.tell(Input::Opened { stream: other, lane: Lane::default() });
    page.tell(Input::Appended { stream: other, seq: 0, len: 10, ts: UnixMs(EPOCH + 3) });
    page.tell(Input::Flush);
    let first = page.only_sent();
    assert_eq!((first.stream, first.seqs.len()), (OWN, 2));
    page.settle(&first);
    let second = page.only_sent();
    assert_eq!((second.stream, second.seqs.len()), (other, 1));
}

#[test]
fn a_full_queue_names_its_oldest_before_it_forgets_them() {
    let mut page = Page::new();
    page.tell(Input::Online(false));
    let effects = page.append(17, 1_000);
    let [.., record, forget] = &effects[..] else { panic!("{effects:?}") };
    assert!(
        matches!(record, Effect::Record { stream: OWN, from: 0, to: 3, reason: Reason::QueueFull, .. }),
        "{record:?}"
    );
    assert_eq!(*forget, Effect::Forget { stream: OWN, from: 0, to: 3 });
    page.tell(Input::Online(true));
    let sent = page.only_sent();
    assert_eq!(sent.seqs, (3..17).collect::<Vec<_>>());
    assert_eq!(sent.lost, [(0, 3, "queue_full".to_owned())]);
    assert_eq!(sent.at, (3, 17));
}

#[test]
fn a_queue_that_stays_full_leaves_one_record() {
    let mut page = Page::new();
    page.tell(Input::Online(false));
    let (mut records, mut held) = (Vec::new(), std::collections::BTreeSet::new());
    for seq in 0..2_000 {
        held.insert(seq);
        for effect in page.append(1, 200) {
            match effect {
                Effect::Record { record, from, to, .. } => records.push((record, from, to)),
                Effect::ForgetRecord { record, .. } => records.retain(|r| r.0 != record),
                Effect::Forget { from, to, .. } => held.retain(|seq| !(from..to).contains(seq)),
                _ => {}
            }
        }
        assert!(held.len() * 200 <= 16_384);
    }
    let &[(_, 0, to)] = &records[..] else { panic!("{records:?}") };
    assert_eq!(held.first(), Some(&to), "what is not named is held");
    assert!(held.len() * 200 > 16_384 / 4 * 3, "and no more is given up than needed");
    page.tell(Input::Online(true));
    assert_eq!(page.sent()[0].lost, [(0, to, "queue_full".to_owned())]);
}

#[test]
fn the_newest_event_stays_however_large() {
    let mut page = Page::new();
    page.tell(Input::Online(false));
    page.append(3, 100);
    let effects = page.append(1, 50_000);
    assert!(effects.contains(&Effect::Forget { stream: OWN, from: 0, to: 3 }), "{effects:?}");
    page.tell(Input::Online(true));
    assert_eq!(page.only_sent().seqs, [3]);
}

#[test]
fn lanes_give_up_their_oldest_together() {
    let mut page = Page::with(Limits { queue_bytes: 800, ..Limits::default() });
    page.tell(Input::Online(false));
    let mut lost = Vec::new();
    for n in 0..20u32 {
        let (stream, seq) = (StreamNo(n % 2), n / 2);
        let ts = UnixMs(EPOCH + u64::from(n));
        for effect in page.tell_and_record(Input::Appended { stream, seq, len: 100, ts }) {
            if let Effect::Forget { stream, from, to } = effect {
                lost.extend((from..to).map(|seq| seq * 2 + stream.0));
            }
        }
    }
    lost.sort_unstable();
    lost.dedup();
    assert_eq!(lost, (0..u32::try_from(lost.len()).expect("few")).collect::<Vec<_>>());
    assert!((12..=14).contains(&lost.len()), "{lost:?}");
}

#[test]
fn an_evicted_event_in_flight_may_still_arrive() {
    let mut page = Page::new();
    page.append(50, 300);
    let sent = page.only_sent();
    page.append(10, 300);
    assert_eq!(page.settle(&sent).iter().filter(|e| matches!(e, Effect::Forget { .. })).count(), 1);
    page.wait(1_000);
    let next = page.only_sent();
    assert_eq!(next.seqs, (50..60).collect::<Vec<_>>());
    assert_eq!(next.lost[0].2, "queue_full");
    assert_eq!(next.at, (50, 60));
}

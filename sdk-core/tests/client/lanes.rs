//! What outlives what when there is too much, and what goes first.

use headwater_core::{
    client::{Effect, Input, Lane, Limits, Purpose, StreamNo},
    reason::Reason,
    time::UnixMs,
};

use crate::page::{EPOCH, OWN, Page};

const PRECIOUS: Lane = Lane { purpose: Purpose(0), precious: true };
const SALES: StreamNo = StreamNo(1);
const DEAD: StreamNo = StreamNo(5);

#[test]
fn page_views_go_before_older_purchases() {
    let mut page = offline(Limits { queue_bytes: 1_000, ..Limits::default() });
    page.open(SALES, PRECIOUS);
    for seq in 0..5 {
        page.append_to(SALES, seq, 100);
    }
    page.append(30, 100);
    page.tell(Input::Online(true));
    let sent = page.sent();
    let sales = sent.iter().find(|s| s.stream == SALES).expect("the purchases");
    assert_eq!((sales.seqs.clone(), sales.lost.len()), (vec![0, 1, 2, 3, 4], 0));
    let views = sent.iter().find(|s| s.stream == OWN).expect("what is left of the page views");
    assert_eq!(views.seqs.last(), Some(&29));
    assert_eq!(views.lost, [(0, views.seqs[0], "queue_full".to_owned())]);
}

#[test]
fn purchases_go_too_when_nothing_else_is_left() {
    let mut page = offline(Limits { queue_bytes: 1_000, ..Limits::default() });
    page.open(SALES, PRECIOUS);
    page.append(5, 100);
    let mut effects = Vec::new();
    for seq in 0..30 {
        effects.extend(page.append_to(SALES, seq, 100));
    }
    let all_views = Effect::Forget { stream: OWN, from: 0, to: 5 };
    let views_are_gone = effects.iter().position(|e| *e == all_views).expect("all page views go");
    let is_sale = |e: &Effect| matches!(e, Effect::Forget { stream: SALES, .. });
    let sales = effects.iter().position(is_sale).expect("purchases go too");
    assert!(views_are_gone < sales, "{effects:?}");
    page.tell(Input::Online(true));
    let sent = page.sent();
    assert_eq!(sent[0].stream, SALES);
    assert_eq!(sent[0].seqs.last(), Some(&29));
}

#[test]
fn a_page_view_that_has_no_room_beside_purchases_goes_itself() {
    let mut page = offline(Limits { queue_bytes: 1_000, ..Limits::default() });
    page.open(SALES, PRECIOUS);
    for seq in 0..9 {
        page.append_to(SALES, seq, 100);
    }
    page.append(1, 2_000);
    page.append(1, 200);
    page.append(1, 100);
    page.tell(Input::Online(true));
    let sent = page.sent();
    let sales = sent.iter().find(|s| s.stream == SALES).expect("the purchases");
    assert_eq!((sales.seqs.len(), sales.lost.len()), (9, 0));
    let views = sent.iter().find(|s| s.stream == OWN).expect("the page view that has room");
    assert_eq!((views.seqs.clone(), views.lost.clone()), (vec![2], vec![(0, 2, "queue_full".to_owned())]));
}

#[test]
fn the_newest_purchase_stays_however_large() {
    let mut page = offline(Limits { queue_bytes: 1_000, ..Limits::default() });
    page.open(SALES, PRECIOUS);
    page.append_to(SALES, 0, 100);
    page.append(3, 100);
    page.append_to(SALES, 1, 2_000);
    page.tell(Input::Online(true));
    let sent = page.sent();
    assert_eq!(sent.iter().find(|s| s.stream == SALES).expect("the purchase").seqs, [1]);
    assert_eq!(sent.iter().find(|s| s.stream == OWN).expect("names").lost, [(0, 3, "queue_full".to_owned())]);
}

#[test]
fn the_count_of_events_is_limited_as_their_bytes_are() {
    let mut page = offline(Limits { queue_events: 16, ..Limits::default() });
    let effects = page.append(17, 1);
    let [.., Effect::Record { from: 0, to: 3, reason: Reason::QueueFull, .. }, Effect::Forget { .. }] =
        effects[..]
    else {
        panic!("{effects:?}")
    };
    let mut held = 14;
    for _ in 0..1_000 {
        held += 1;
        for effect in page.append(1, 1) {
            if let Effect::Record { from, to, .. } = effect {
                held = page_head(&page) - to;
                assert_eq!(from, 0, "one name is continued");
            }
        }
        assert!((14..=16).contains(&held), "{held}");
    }
}

#[test]
fn the_default_holds_twenty_thousand_events_and_sixteen_kibibytes() {
    let mut page = offline(Limits { queue_bytes: u32::MAX, ..Limits::default() });
    assert!(!page.append(20_000, 1).iter().any(|e| matches!(e, Effect::Record { .. })));
    assert!(page.append(1, 1).iter().any(|e| matches!(e, Effect::Record { .. })));
}

#[test]
fn only_own_streams_are_limited() {
    let mut page = offline(Limits { queue_bytes: 1_000, queue_events: 5, ..Limits::default() });
    page.find(DEAD, 0, 200, &(0..200).collect::<Vec<_>>(), &[]);
    page.tell(Input::Adopted { stream: DEAD });
    let effects = page.append(5, 100);
    assert!(!effects.iter().any(|e| matches!(e, Effect::Record { .. })), "{effects:?}");
}

#[test]
fn a_queue_is_never_dropped_because_the_server_has_trouble() {
    let mut page = Page::new();
    page.append(20, 100);
    page.tell(Input::Flush);
    let mut sent = page.only_sent();
    for n in 0..500u32 {
        let (status, ack) =
            [(503, Some(0)), (500, None), (429, Some(0)), (401, Some(0)), (404, None), (200, None)]
                [n as usize % 6];
        let effects = page.answer(&sent, status, ack);
        assert!(
            !effects.iter().any(|e| matches!(e, Effect::Record { .. } | Effect::Forget { .. })),
            "{effects:?}"
        );
        page.wait(60 * 60 * 1_000);
        sent = page.only_sent();
    }
    assert_eq!(sent.seqs.len(), 20);
}

#[test]
fn precious_streams_are_sent_first_and_then_the_oldest() {
    let mut page = offline(Limits { in_flight: 1, ..Limits::default() });
    page.append(1, 10);
    page.open(SALES, PRECIOUS);
    page.append_to(SALES, 0, 10);
    page.tell(Input::StreamFound { stream: DEAD, lane: Lane::default(), done: 0, head: 1 });
    page.tell(Input::Found { stream: DEAD, seq: 0, len: 10, ts: UnixMs(EPOCH - 1_000) });
    page.tell(Input::Adopted { stream: DEAD });
    page.tell(Input::Online(true));
    let mut order = Vec::new();
    for _ in 0..3 {
        let sent = page.only_sent();
        page.settle(&sent);
        order.push(sent.stream);
    }
    assert_eq!(order, [SALES, DEAD, OWN]);
}

#[test]
fn the_last_words_begin_with_own_purchases() {
    let mut page = offline(Limits { leaving_bytes: 4_000, ..Limits::default() });
    page.find(DEAD, 0, 1, &[0], &[]);
    page.tell(Input::Adopted { stream: DEAD });
    page.append(1, 1_500);
    page.open(SALES, PRECIOUS);
    page.append_to(SALES, 0, 1_500);
    page.tell(Input::Gate { until: UnixMs(u64::MAX) });
    page.tell(Input::Online(true));
    page.tell(Input::Terminating);
    let sent: Vec<_> = page.sent().iter().map(|s| (s.stream, s.seqs.clone())).collect();
    assert_eq!(sent, [(SALES, vec![0]), (DEAD, vec![0])], "what does not fit stays");
}

fn offline(limits: Limits) -> Page {
    let mut page = Page::with(limits);
    page.tell(Input::Online(false));
    page
}

fn page_head(page: &Page) -> u32 {
    u32::try_from(page.now).expect("an event per ms")
}

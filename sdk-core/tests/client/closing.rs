//! Own streams that nothing more is appended to.

use headwater_core::{
    client::{Effect, Input, Lane, Limits, StreamNo},
    refusal::Refusal,
};

use crate::page::{OWN, Page};

const NEXT: StreamNo = StreamNo(1);
const FORGOTTEN: Effect = Effect::ForgetStream { stream: OWN };

#[test]
fn a_closed_stream_that_owes_nothing_is_forgotten_at_once() {
    let mut page = Page::new();
    assert_eq!(page.tell(Input::Closed { stream: OWN }), [FORGOTTEN]);
    assert_eq!(page.tell(Input::Terminating), [], "it is not forgotten twice");
}

#[test]
fn a_closed_stream_is_forgotten_when_its_last_event_is_settled() {
    let mut page = Page::new();
    page.append(60, 100);
    let first = page.only_sent();
    assert_eq!(page.tell(Input::Closed { stream: OWN }), []);
    assert!(!page.settle(&first).contains(&FORGOTTEN), "ten events wait");
    page.wait(1_000);
    let second = page.only_sent();
    assert_eq!(page.settle(&second), [Effect::Forget { stream: OWN, from: 50, to: 60 }, FORGOTTEN]);
    assert_eq!(page.client.poll_timeout(), None);
}

#[test]
fn a_closed_stream_is_kept_until_its_names_are_acknowledged() {
    let mut page = Page::with(Limits { queue_bytes: 1_000, ..Limits::default() });
    page.tell(Input::Online(false));
    page.append(20, 100);
    page.tell(Input::Closed { stream: OWN });
    page.tell(Input::Online(true));
    let sent = page.only_sent();
    assert!(!sent.lost.is_empty());
    let effects = page.answer(&sent, 503, Some(0));
    assert!(!effects.contains(&FORGOTTEN));
    page.wait(1_000);
    let again = page.only_sent();
    assert_eq!(page.settle(&again).last(), Some(&FORGOTTEN));
}

#[test]
fn a_closed_stream_is_kept_until_its_counters_are_acknowledged() {
    let mut page = Page::new();
    page.tell(Input::Refused { stream: OWN, verdict: Refusal::Plugin, total: 2 });
    assert_eq!(page.tell(Input::Closed { stream: OWN }), []);
    page.wait(500);
    let sent = page.only_sent();
    assert_eq!(page.settle(&sent), [FORGOTTEN]);
}

#[test]
fn a_stream_that_was_replaced_leaves_the_books_and_the_next_goes_on() {
    let mut page = Page::new();
    for no in 0..100 {
        let (old, new) = (StreamNo(no), StreamNo(no + 1));
        page.append_to(old, 0, 100);
        page.open(new, Lane::default());
        page.tell(Input::Closed { stream: old });
        page.wait(1_000);
        let sent = page.only_sent();
        assert_eq!(sent.stream, old);
        assert_eq!(page.settle(&sent).last(), Some(&Effect::ForgetStream { stream: old }));
    }
    let last = Effect::ForgetStream { stream: StreamNo(100) };
    let forgotten =
        page.tell(Input::Terminating).into_iter().filter(|e| matches!(e, Effect::ForgetStream { .. }));
    assert_eq!(forgotten.collect::<Vec<_>>(), [last], "no other is in the books");
}

#[test]
fn closing_says_nothing_about_an_adopted_stream() {
    let mut page = Page::new();
    page.find(NEXT, 0, 1, &[0], &[]);
    assert_eq!(page.tell(Input::Closed { stream: NEXT }), []);
    page.tell(Input::Adopted { stream: NEXT });
    let sent = page.only_sent();
    assert!(sent.end);
    assert_eq!(page.settle(&sent).last(), Some(&Effect::ForgetStream { stream: NEXT }));
}

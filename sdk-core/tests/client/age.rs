//! What is too old, and by which clock.

use headwater_core::{
    client::{Effect, Input, Lane, Limits, StreamNo},
    reason::Reason,
    time::{Instant, UnixMs},
};

use crate::page::{EPOCH, OWN, Page};

const DEAD: StreamNo = StreamNo(3);
const HOUR: u64 = 60 * 60 * 1_000;
const DAY: u64 = 24 * HOUR;
const MONTH: u64 = 30 * DAY;

#[test]
fn by_a_clock_that_the_server_confirmed_what_is_older_than_the_limit_is_named() {
    let mut page = page_with_old_and_new();
    let sent = page.only_sent();
    let effects = page.answer_at(&sent, 503, 0, UnixMs(EPOCH + page.now));
    let named = (0, 2, Reason::TooOld);
    assert_eq!(names(&effects), [named]);
    assert!(effects.contains(&Effect::Forget { stream: DEAD, from: 0, to: 2 }), "{effects:?}");
    page.wait(1_000);
    let again = page.only_sent();
    assert_eq!((again.seqs.clone(), again.lost.clone()), (vec![2], vec![(0, 2, "too_old".to_owned())]));
}

#[test]
fn a_clock_that_is_wrong_or_that_nobody_confirmed_names_nothing() {
    let wrong =
        [EPOCH + HOUR + 1, EPOCH - HOUR - 1, 0, u64::MAX].map(|time| (503, Some(0), Some(UnixMs(time))));
    let unconfirmed =
        [(503, Some(0), None), (503, None, Some(UnixMs(EPOCH))), (200, None, Some(UnixMs(EPOCH)))];
    for (status, ack, time) in wrong.into_iter().chain(unconfirmed) {
        let mut page = page_with_old_and_new();
        let sent = page.only_sent();
        let outcome = headwater_core::client::Outcome::Answer { status, ack, retry_after: None, time };
        let effects = page.tell_and_record(Input::Answered { request: sent.request, outcome });
        assert_eq!(names(&effects), [], "{status} {ack:?} {time:?}");
        page.wait(1_000);
        assert_eq!(page.only_sent().seqs, [0, 1, 2]);
    }
}

#[test]
fn a_confirmed_clock_is_remembered_for_streams_that_are_adopted_later() {
    let mut page = Page::new();
    confirm(&mut page);
    page.wait(HOUR);
    find_old(&mut page);
    assert_eq!(names(&page.tell_and_record(Input::Adopted { stream: DEAD })), [(0, 2, Reason::TooOld)]);
}

#[test]
fn a_clock_that_runs_away_from_the_monotonic_one_is_trusted_no_more() {
    for (jump, trusted) in [(HOUR, true), (HOUR + 1, false), (50 * 365 * DAY, false)] {
        let mut page = Page::new();
        confirm(&mut page);
        find_old(&mut page);
        // Somebody sets the wall clock.
        let (now, unix) = (Instant(page.now), UnixMs(EPOCH + page.now + jump));
        page.client.handle(now, unix, Input::Adopted { stream: DEAD });
        let effects: Vec<_> = std::iter::from_fn(|| page.client.poll()).collect();
        assert_eq!(!names(&effects).is_empty(), trusted, "{jump} ms: {effects:?}");
    }
}

#[test]
fn an_own_event_that_was_stamped_before_the_clock_was_put_right_is_not_old() {
    // The device began in 1970; then its clock was set.
    let mut page = Page::new();
    page.tell(Input::Appended { stream: OWN, seq: 0, len: 100, ts: UnixMs(1_000) });
    page.wait(500);
    let sent = page.only_sent();
    let effects = page.answer_at(&sent, 503, 0, UnixMs(EPOCH + page.now));
    assert_eq!(names(&effects), []);
    page.wait(1_000);
    assert_eq!(page.only_sent().seqs, [0]);
}

#[test]
fn an_own_event_that_waited_too_long_in_this_very_page_is_named() {
    let mut page = Page::new();
    page.tell(Input::Online(false));
    page.append(2, 100);
    page.wait(MONTH);
    page.append(1, 100);
    page.tell(Input::Online(true));
    let sent = page.only_sent();
    assert_eq!(sent.seqs, [0, 1, 2], "not before a clock is confirmed");
    let effects = page.answer_at(&sent, 503, 0, UnixMs(EPOCH + page.now));
    assert_eq!(names(&effects), [(0, 2, Reason::TooOld)]);
}

#[test]
fn exactly_the_limit_is_not_too_old_and_the_shell_sets_the_limit() {
    let mut page = Page::with(Limits { max_age_ms: 5_000, ..Limits::default() });
    page.tell(Input::Online(false));
    page.append(3, 100);
    page.wait(4_998);
    page.tell(Input::Online(true));
    let sent = page.only_sent();
    // 5,000, 4,999 and 4,998 ms old.
    let now = UnixMs(EPOCH + page.now);
    assert_eq!(names(&page.answer_at(&sent, 503, 0, now)), []);
    page.tell(Input::Flush);
    page.now += 2;
    let sent = page.only_sent();
    assert_eq!(names(&page.answer_at(&sent, 503, 0, now)), [(0, 2, Reason::TooOld)]);
}

#[test]
fn what_was_settled_by_the_same_answer_is_not_named() {
    let mut page = page_with_old_and_new();
    let sent = page.only_sent();
    let effects = page.answer_at(&sent, 204, 3, UnixMs(EPOCH + page.now));
    assert_eq!(names(&effects), []);
}

/// A stream of two events that are older than a month, and of one that is not.
fn find_old(page: &mut Page) {
    page.tell(Input::StreamFound { stream: DEAD, lane: Lane::default(), done: 0, head: 3 });
    for (seq, age) in [(0, MONTH + DAY), (1, MONTH + 3 * HOUR), (2, DAY)] {
        page.tell(Input::Found { stream: DEAD, seq, len: 100, ts: UnixMs(EPOCH + page.now - age) });
    }
}

fn page_with_old_and_new() -> Page {
    let mut page = Page::new();
    find_old(&mut page);
    page.tell(Input::Adopted { stream: DEAD });
    page
}

fn confirm(page: &mut Page) {
    page.append(1, 10);
    page.wait(500);
    let sent = page.only_sent();
    page.answer_at(&sent, 204, 1, UnixMs(EPOCH + page.now));
}

fn names(effects: &[Effect]) -> Vec<(u32, u32, Reason)> {
    let named = effects.iter().filter_map(|effect| match *effect {
        Effect::Record { from, to, reason, .. } => Some((from, to, reason)),
        _ => None,
    });
    named.collect()
}

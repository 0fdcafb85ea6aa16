//! Consent by purpose, and erasure.

use headwater_core::{
    client::{Decision, Effect, Input, Lane, Limits, Purpose, StreamNo},
    reason::Reason,
    session::{Session, SessionId},
    time::UnixMs,
};

use crate::page::{EPOCH, OWN, Page};

const ADS: Lane = Lane { purpose: Purpose(3), precious: false };
const OTHER: StreamNo = StreamNo(1);
const DEAD: StreamNo = StreamNo(5);

#[test]
fn a_denial_purges_the_streams_of_its_purpose_and_others_go_on() {
    let mut page = Page::new();
    page.open(OTHER, ADS);
    page.append(3, 100);
    page.append_to(OTHER, 0, 100);
    let effects = decide(&mut page, ADS.purpose, Decision::Denied);
    assert_eq!(forgotten(&effects), [(OTHER, 0, 1)]);
    let [others, purge] = &page.sent()[..] else { panic!("two requests, at once") };
    assert_eq!((others.stream, others.has_header, others.seqs.len()), (OWN, true, 3));
    assert_eq!((purge.stream, purge.has_header, purge.seqs.len()), (OTHER, false, 0));
    assert_eq!((purge.lost.clone(), purge.at), (vec![(0, 1, "consent".to_owned())], (1, 1)));
    assert_eq!(page.settle(purge).last(), Some(&Effect::ForgetStream { stream: OTHER }));
    assert_eq!(page.settle(others), [Effect::Forget { stream: OWN, from: 0, to: 3 }]);
}

#[test]
fn dead_owners_streams_of_a_denied_purpose_are_purged_as_they_are_adopted() {
    for (lane, purged) in [(ADS, true), (Lane::default(), false)] {
        let mut page = Page::new();
        decide(&mut page, ADS.purpose, Decision::Denied);
        page.tell(Input::StreamFound { stream: DEAD, lane, done: 0, head: 1 });
        page.tell(Input::Found { stream: DEAD, seq: 0, len: 100, ts: UnixMs(EPOCH) });
        page.tell_and_record(Input::Adopted { stream: DEAD });
        let sent = page.only_sent();
        assert_eq!((sent.has_header, sent.seqs.is_empty(), sent.end), (!purged, purged, true));
        assert_eq!(page.settle(&sent).last(), Some(&Effect::ForgetStream { stream: DEAD }));
    }
}

#[test]
fn a_denial_that_was_taken_back_before_all_was_told_still_purges_what_was_held_then() {
    let mut page = Page::new();
    page.find(DEAD, 0, 2, &[0, 1], &[]);
    decide(&mut page, Purpose::default(), Decision::Denied);
    decide(&mut page, Purpose::default(), Decision::Granted);
    let effects = page.tell_and_record(Input::Adopted { stream: DEAD });
    assert_eq!(forgotten(&effects), [(DEAD, 0, 2)]);
}

#[test]
fn what_was_accepted_under_a_grant_is_sent_when_consent_is_unknown_again() {
    let mut page = Page::new();
    page.append(2, 100);
    assert_eq!(decide(&mut page, Purpose::default(), Decision::Unknown), []);
    page.wait(500);
    assert_eq!(page.only_sent().seqs, [0, 1]);
}

#[test]
fn a_denial_that_follows_an_unanswered_question_purges_as_any() {
    let mut page = Page::new();
    page.append(2, 100);
    decide(&mut page, Purpose::default(), Decision::Unknown);
    let effects = decide(&mut page, Purpose::default(), Decision::Denied);
    assert_eq!(forgotten(&effects), [(OWN, 0, 2)]);
}

#[test]
fn no_limit_evicts_what_is_to_be_forgotten() {
    let mut page =
        Page::with(Limits { queue_bytes: 500, queue_events: 2, max_age_ms: 1, ..Limits::default() });
    page.tell(Input::Online(false));
    page.append(2, 100);
    decide(&mut page, Purpose::default(), Decision::Denied);
    page.tell(Input::Closed { stream: OWN });
    decide(&mut page, Purpose::default(), Decision::Granted);
    page.open(OTHER, Lane::default());
    for seq in 0..50 {
        page.append_to(OTHER, seq, 100);
    }
    page.wait(86_400_000);
    page.tell(Input::Online(true));
    let sent = page.sent();
    let purge = sent.iter().find(|s| s.stream == OWN).expect("one request");
    assert_eq!((purge.has_header, purge.lost.clone()), (false, vec![(0, 2, "consent".to_owned())]));
}

#[test]
fn the_forget_me_request_is_repeated_until_it_is_acknowledged() {
    let mut page = Page::new();
    page.append(2, 100);
    decide(&mut page, Purpose::default(), Decision::Denied);
    for (status, ack) in [(200, None), (204, None), (503, Some(0)), (403, None), (401, Some(0))] {
        let sent = page.only_sent();
        assert_eq!((sent.has_header, sent.lost.len()), (false, 1));
        assert_eq!(page.answer(&sent, status, ack), []);
        page.wait(60 * 60 * 1_000);
    }
    let sent = page.only_sent();
    assert_eq!(page.settle(&sent).last(), Some(&Effect::ForgetStream { stream: OWN }));
}

#[test]
fn the_session_of_a_visitor_who_denied_everything_is_not_kept() {
    for (purposes, kept) in [(&[Purpose(0)][..], true), (&[Purpose(0), ADS.purpose], false)] {
        let mut page = Page::new();
        page.open(OTHER, ADS);
        page.append(1, 10);
        page.append_to(OTHER, 0, 10);
        for &purpose in purposes {
            decide(&mut page, purpose, Decision::Denied);
        }
        let effects = page.tell(Input::Hidden);
        assert_eq!(effects.iter().any(|e| matches!(e, Effect::SaveSession(_))), kept, "{effects:?}");
    }
}

#[test]
fn an_erasure_purges_every_stream_and_ends_the_session() {
    let mut page = Page::new();
    let begun = page.append(3, 100);
    let Effect::SaveSession(before) = begun[0] else { panic!("{begun:?}") };
    page.open(OTHER, ADS);
    page.append_to(OTHER, 0, 100);
    page.find(DEAD, 0, 2, &[0, 1], &[]);
    let effects = page.tell_and_record(Input::Erase);
    let at = effects.iter().position(|e| *e == Effect::Erase).expect("the shell is told");
    let named = effects[..at].iter().filter(|e| matches!(e, Effect::Record { reason: Reason::Consent, .. }));
    assert_eq!(named.count(), 2, "before: {effects:?}");
    assert_eq!(forgotten(&effects), [(OWN, 0, 3), (OTHER, 0, 1)]);
    let effects = page.tell_and_record(Input::Adopted { stream: DEAD });
    assert_eq!(forgotten(&effects), [(DEAD, 0, 2)]);
    for sent in page.sent() {
        assert!(!sent.has_header && sent.seqs.is_empty() && !sent.lost.is_empty(), "{sent:?}");
        assert_eq!(page.settle(&sent).last(), Some(&Effect::ForgetStream { stream: sent.stream }));
    }

    // Whoever comes after is somebody else.
    page.tell(Input::SessionChanged(before));
    page.open(StreamNo(2), Lane::default());
    let effects = page.append_to(StreamNo(2), 0, 10);
    let [Effect::SaveSession(Session { id, .. }), ..] = effects[..] else { panic!("{effects:?}") };
    assert_ne!(id, before.id);
    page.wait(1_000);
    assert!(page.only_sent().has_header);
}

#[test]
fn after_an_erasure_another_tabs_session_may_be_joined() {
    let mut page = Page::new();
    page.append(1, 10);
    page.tell_and_record(Input::Erase);
    let theirs = Session::begin(SessionId::from_random([9; 4]), UnixMs(EPOCH + page.now));
    page.tell(Input::SessionChanged(theirs));
    page.open(OTHER, Lane::default());
    let effects = page.append_to(OTHER, 0, 10);
    assert_eq!(effects, [Effect::Stamp { stream: OTHER, from: 0, session: theirs.id }]);
}

fn decide(page: &mut Page, purpose: Purpose, decision: Decision) -> Vec<Effect> {
    page.tell_and_record(Input::Consent { purpose, decision })
}

fn forgotten(effects: &[Effect]) -> Vec<(StreamNo, u32, u32)> {
    let forgotten = effects.iter().filter_map(|effect| match *effect {
        Effect::Forget { stream, from, to } => Some((stream, from, to)),
        _ => None,
    });
    forgotten.collect()
}

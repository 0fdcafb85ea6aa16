//! Counters of calls that never became events.

use headwater_core::{
    client::{Decision, Effect, Input, Purpose},
    refusal::Refusal,
};

use crate::page::{OWN, Page, Sent};

#[test]
fn counters_go_with_the_next_request_until_they_are_acknowledged() {
    let mut page = Page::new();
    refuse(&mut page, Refusal::Sampled, 3);
    refuse(&mut page, Refusal::Plugin, 1);
    page.append(50, 10);
    let sent = page.only_sent();
    assert_eq!(told(&sent), [("plugin", 1), ("sampled", 3)]);
    page.lose_answer(&sent);
    page.wait(1_000);
    let again = page.only_sent();
    assert_eq!(told(&again), [("plugin", 1), ("sampled", 3)]);
    page.settle(&again);
    page.append(50, 10);
    assert_eq!(told(&page.only_sent()), [], "acknowledged");
}

#[test]
fn counters_go_alone_after_the_usual_wait() {
    let mut page = Page::new();
    refuse(&mut page, Refusal::RateCap, 7);
    page.wait(499);
    assert!(page.sent().is_empty());
    page.wait(1);
    let sent = page.only_sent();
    assert_eq!(
        (told(&sent), sent.seqs.len(), sent.at, sent.has_header),
        (vec![("rate_cap", 7)], 0, (0, 0), true)
    );
    page.settle(&sent);
    assert_eq!(page.client.poll_timeout(), None);
}

#[test]
fn a_total_never_goes_back_and_the_same_total_is_no_news() {
    let mut page = Page::new();
    refuse(&mut page, Refusal::Invalid, 5);
    refuse(&mut page, Refusal::Invalid, 4);
    page.wait(500);
    let sent = page.only_sent();
    assert_eq!(told(&sent), [("invalid", 5)]);
    page.settle(&sent);
    refuse(&mut page, Refusal::Invalid, 5);
    assert_eq!(page.client.poll_timeout(), None);
}

#[test]
fn only_an_acknowledgement_of_this_total_settles_it() {
    let mut page = Page::new();
    refuse(&mut page, Refusal::Sampled, 1);
    page.append(50, 10);
    let sent = page.only_sent();
    refuse(&mut page, Refusal::Sampled, 2);
    page.settle(&sent);
    page.wait(1_000);
    let next = page.only_sent();
    assert_eq!(told(&next), [("sampled", 2)]);
    page.settle(&next);
    assert_eq!(page.client.poll_timeout(), None);
}

#[test]
fn an_older_answer_that_comes_late_takes_nothing_back() {
    let mut page = Page::new();
    refuse(&mut page, Refusal::Sampled, 1);
    page.append(50, 10);
    let first = page.only_sent();
    refuse(&mut page, Refusal::Sampled, 2);
    page.append(50, 10);
    let second = page.only_sent();
    page.settle(&second);
    page.settle(&first);
    assert_eq!(page.client.poll_timeout(), None, "the server has the larger total");
}

#[test]
fn every_verdict_has_its_word() {
    let mut page = Page::new();
    for (n, verdict) in (1..).zip(Refusal::ALL) {
        refuse(&mut page, verdict, n);
    }
    page.wait(500);
    let sent = page.only_sent();
    let all: Vec<_> = (1..).zip(Refusal::ALL).map(|(n, verdict)| (verdict.as_str(), n)).collect();
    assert_eq!(told(&sent), all);
}

#[test]
fn counters_are_told_in_the_last_words() {
    let mut page = Page::new();
    refuse(&mut page, Refusal::Waiting, 2);
    let effects = page.tell(Input::Terminating);
    assert_eq!(told(&page.only_sent()), [("waiting", 2)]);
    assert_eq!(effects.last(), Some(&Effect::ForgetStream { stream: OWN }), "nothing is owed");
}

#[test]
fn a_purged_stream_tells_them_without_a_header() {
    let mut page = Page::new();
    page.append(2, 100);
    refuse(&mut page, Refusal::Plugin, 4);
    page.tell_and_record(Input::Consent { purpose: Purpose::default(), decision: Decision::Denied });
    let sent = page.only_sent();
    assert_eq!((told(&sent), sent.lost.len(), sent.has_header), (vec![("plugin", 4)], 1, false));
    assert_eq!(page.settle(&sent).last(), Some(&Effect::ForgetStream { stream: OWN }));
}

#[test]
fn counters_that_change_while_a_purge_is_told_are_told_too() {
    let mut page = Page::new();
    page.append(2, 100);
    page.tell_and_record(Input::Consent { purpose: Purpose::default(), decision: Decision::Denied });
    let purge = page.only_sent();
    refuse(&mut page, Refusal::Consent, 9);
    page.settle(&purge);
    page.wait(1_000);
    let sent = page.only_sent();
    assert_eq!((told(&sent), sent.has_header), (vec![("consent", 9)], false));
    assert_eq!(page.settle(&sent).last(), Some(&Effect::ForgetStream { stream: OWN }));
}

fn refuse(page: &mut Page, verdict: Refusal, total: u32) {
    page.tell(Input::Refused { stream: OWN, verdict, total });
}

fn told(sent: &Sent) -> Vec<(&str, u32)> {
    sent.refused.iter().map(|(verdict, total)| (verdict.as_str(), *total)).collect()
}

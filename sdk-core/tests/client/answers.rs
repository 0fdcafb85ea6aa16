//! What each answer leads to.

use headwater_core::{
    client::{Effect, Input, Limits},
    reason::Reason,
    refusal::Refusal,
    status::{Verdict, judge},
    time::UnixMs,
};

use crate::page::{EPOCH, OWN, Page, Sent};

#[test]
fn every_status_means_what_the_table_says() {
    use Verdict::{ForeignTooLarge, Isolate, Retry, Settled, Stop, Wait};
    for status in 100..=599u16 {
        let ours = match status {
            200..=299 => Settled,
            400 | 413 | 422 => Isolate,
            401 | 403 | 404 | 405 => Wait,
            410 => Stop,
            _ => Retry,
        };
        assert_eq!(judge(status, Some(3), 3), ours, "{status}");
        let wrong_number = if ours == Settled { Retry } else { ours };
        for ack in [0, 2, 4, u32::MAX] {
            assert_eq!(judge(status, Some(ack), 3), wrong_number, "{status} with {ack} of 3");
        }
        let foreign = if status == 413 { ForeignTooLarge } else { Retry };
        assert_eq!(judge(status, None, 3), foreign, "{status} without hw-ack");
    }
    assert_eq!(judge(204, Some(0), 0), Settled, "a request without events");
    assert_eq!(judge(503, Some(0), 0), Retry);
}

#[test]
fn a_settled_batch_is_forgotten() {
    let (mut page, sent) = page_with_sent(3);
    assert_eq!(sent.at, (0, 3));
    assert_eq!(page.settle(&sent), [Effect::Forget { stream: OWN, from: 0, to: 3 }]);
    assert_eq!(page.client.done(OWN), 3);
    assert_eq!(page.client.poll_timeout(), None, "nothing is left to do");
    assert!(page.client.request(sent.request).is_none());
}

#[test]
fn nothing_is_forgotten_on_an_answer_that_is_not_ours_or_wrong() {
    for (status, ack) in [
        (200, None),
        (204, None),
        (200, Some(0)),
        (200, Some(2)),
        (200, Some(4)),
        (302, Some(3)),
        (400, None),
        (401, None),
        (401, Some(0)),
        (403, Some(0)),
        (404, Some(0)),
        (404, None),
        (405, Some(0)),
        (408, Some(0)),
        (410, None),
        (422, None),
        (425, Some(0)),
        (429, Some(0)),
        (500, Some(0)),
        (503, Some(0)),
        (503, Some(3)),
    ] {
        let (mut page, sent) = page_with_sent(3);
        assert_eq!(page.answer(&sent, status, ack), [], "{status} {ack:?}");
        page.wait(60 * 60 * 1000);
        assert_eq!(page.only_sent().seqs, [0, 1, 2], "the whole request again after {status} {ack:?}");
    }
}

#[test]
fn a_lost_answer_is_tried_again_after_a_growing_time() {
    let (mut page, mut sent) = page_with_sent(1);
    let mut longest = 0;
    for failure in 1..30 {
        let from = page.now;
        page.lose_answer(&sent);
        assert_eq!(page.client.done(OWN), 0);
        let again = page.sent();
        sent = if again.is_empty() {
            let at = page.client.poll_timeout().expect("a time to try again");
            page.wait(at.0 - page.now);
            page.only_sent()
        } else {
            again[0].clone()
        };
        let waited = page.now - from;
        assert!(
            waited <= (1_000u64 << (failure - 1).min(20)).min(300_000),
            "{waited} ms after failure {failure}"
        );
        longest = longest.max(waited);
    }
    assert!(longest > 100_000, "{longest}");
    page.settle(&sent);
    page.append(1, 100);
    page.wait(1_000);
    assert_eq!(page.only_sent().seqs, [1], "a success ends the back-off");
}

#[test]
fn a_wrong_key_waits_a_minute_to_an_hour_and_loses_nothing() {
    let (mut page, mut sent) = page_with_sent(2);
    for failure in 0..12 {
        page.answer(&sent, 401, Some(0));
        page.tell(Input::Visible);
        page.tell(Input::Flush);
        assert!(page.sent().is_empty(), "nothing hurries a wrong key");
        page.wait(60 * 60 * 1000);
        sent = page.only_sent();
        assert_eq!(sent.seqs, [0, 1], "after {failure} failures");
    }
    let from = page.now;
    page.answer(&sent, 401, Some(0));
    let at = page.client.poll_timeout().expect("another try").0 - from;
    assert!((60_000..=3_600_000).contains(&at), "{at}");
}

#[test]
fn retry_after_is_kept_clamped_and_shared() {
    for (told, kept) in [(0, 1_000), (7_000, 7_000), (u32::MAX, 3_600_000)] {
        let (mut page, sent) = page_with_sent(1);
        let until = UnixMs(EPOCH + page.now + kept);
        assert_eq!(page.answer_after(&sent, 503, Some(0), Some(told)), [Effect::SaveGate { until }]);
        for input in [Input::Online(true), Input::Visible, Input::Flush, Input::Hidden] {
            page.tell(input);
        }
        page.wait(kept - 1);
        assert!(page.sent().is_empty(), "nothing goes before the gate opens");
        page.wait(1);
        page.only_sent();
    }
}

#[test]
fn a_gate_that_another_tab_stored_holds_here_too_but_not_for_ever() {
    let mut page = Page::new();
    page.tell(Input::Gate { until: UnixMs(EPOCH + 10_000) });
    page.tell(Input::Gate { until: UnixMs(EPOCH + 5_000) });
    page.append(1, 100);
    page.wait(10_000 - 1 - page.now);
    assert!(page.sent().is_empty());
    page.wait(1);
    page.only_sent();

    let mut page = Page::new();
    page.tell(Input::Gate { until: UnixMs(u64::MAX) });
    page.append(1, 100);
    page.wait(3_600_000);
    page.only_sent();
}

#[test]
fn a_retry_after_that_is_not_ours_is_no_gate() {
    let (mut page, sent) = page_with_sent(1);
    assert_eq!(page.answer_after(&sent, 503, None, Some(3_600_000)), []);
    page.wait(1_000);
    page.only_sent();
}

#[test]
fn coming_back_ends_a_back_off() {
    for input in [Input::Online(true), Input::Visible, Input::Flush, Input::Hidden] {
        let (mut page, mut sent) = page_with_sent(1);
        for _ in 0..8 {
            page.lose_answer(&sent);
            page.tell(input);
            sent = page.only_sent();
        }
    }
}

#[test]
fn after_a_failure_one_request_goes_ahead() {
    let mut page = Page::with(Limits { queue_bytes: 1_000_000, ..Limits::default() });
    page.append(200, 10);
    let sent = page.sent();
    assert_eq!(sent.len(), 4);
    for one in &sent {
        page.lose_answer(one);
    }
    page.wait(1_000);
    let probe = page.only_sent();
    page.settle(&probe);
    assert_eq!(page.sent().len(), 3);
}

#[test]
fn four_failures_at_once_are_one() {
    let mut page = Page::with(Limits { queue_bytes: 1_000_000, ..Limits::default() });
    page.append(200, 10);
    for one in page.sent() {
        page.lose_answer(&one);
    }
    page.wait(1_000);
    page.only_sent();
}

#[test]
fn at_most_four_requests_are_in_flight() {
    let mut page = Page::with(Limits { queue_bytes: 1_000_000, ..Limits::default() });
    page.append(500, 10);
    page.tell(Input::Flush);
    let sent = page.sent();
    assert_eq!(sent.iter().map(|s| s.seqs.len()).collect::<Vec<_>>(), [50; 4]);
    page.settle(&sent[2]);
    let next = page.only_sent();
    assert_eq!(next.seqs, (200..250).collect::<Vec<_>>());
    assert_eq!(next.at, (0, 500), "what is still in flight is not settled");
    page.settle(&sent[0]);
    assert_eq!(page.only_sent().at.0, 50);
}

#[test]
fn a_poisonous_event_is_found_by_halving_and_named() {
    for status in [400, 413, 422] {
        for poison in [0, 1, 24, 25, 37, 49] {
            let mut page = Page::new();
            page.append(50, 10);
            let (requests, delivered) = serve(&mut page, |sent| {
                let refused = sent.seqs.contains(&poison);
                if refused { (status, Some(0)) } else { (204, Some(sent.count())) }
            });
            assert_eq!(delivered.len(), 49, "all but {poison}");
            assert!(requests.len() <= 14, "{} requests", requests.len());
            let last = requests.last().expect("the one with the name");
            assert_eq!(last.lost, [(poison, poison + 1, Reason::Rejected.as_str().to_owned())]);
            assert_eq!(page.client.done(OWN), 50);
        }
    }
}

#[test]
fn a_name_is_durable_before_its_event_is_forgotten_and_sent_after() {
    let (mut page, sent) = page_with_sent(1);
    let effects = page.tell(Input::Answered {
        request: sent.request,
        outcome: headwater_core::client::Outcome::Answer {
            status: 422,
            ack: Some(0),
            retry_after: None,
            time: None,
        },
    });
    let [Effect::Record { record, stream: OWN, from: 0, to: 1, reason: Reason::Rejected }] = effects[..]
    else {
        panic!("{effects:?}")
    };
    page.wait(3_600_000);
    assert!(page.sent().is_empty(), "not durable yet");
    assert_eq!(page.client.done(OWN), 0);
    assert_eq!(page.tell(Input::Recorded { record }), [Effect::Forget { stream: OWN, from: 0, to: 1 }]);
    assert_eq!(page.tell(Input::Recorded { record }), [], "told twice");
    page.wait(500);
    let names = page.only_sent();
    assert_eq!((names.at, names.seqs.len()), ((1, 1), 0));
    assert_eq!(page.client.done(OWN), 0, "the journal's done counts acknowledged names only");
    assert_eq!(page.settle(&names), [Effect::ForgetRecord { record, stream: OWN }]);
    assert_eq!(page.client.done(OWN), 1);
}

#[test]
fn names_are_repeated_until_they_are_acknowledged() {
    let (mut page, sent) = page_with_sent(1);
    page.answer(&sent, 422, Some(0));
    page.append(1, 100);
    page.tell(Input::Flush);
    for (status, ack) in
        [(200, None), (503, Some(0)), (200, Some(0)), (200, Some(2)), (413, None), (404, None)]
    {
        let sent = page.only_sent();
        assert_eq!(sent.lost.len(), 1);
        page.answer(&sent, status, ack);
        page.wait(20 * 60_000);
    }
    let sent = page.only_sent();
    assert_eq!(sent.lost.len(), 1);
    page.settle(&sent);
    page.append(1, 100);
    page.wait(500);
    assert!(page.only_sent().lost.is_empty(), "acknowledged");
}

#[test]
fn something_foreign_that_takes_less_gets_less_and_names_nothing() {
    // A proxy that refuses whatever carries more than two events, or event 7.
    let mut page = Page::new();
    page.append(20, 10);
    page.tell(Input::Flush);
    let mut delivered = Vec::new();
    for _ in 0..200 {
        for sent in page.sent() {
            assert!(sent.lost.is_empty());
            if sent.seqs.len() > 2 || sent.seqs.contains(&7) {
                page.answer(&sent, 413, None);
            } else {
                delivered.extend(sent.seqs.clone());
                page.settle(&sent);
            }
        }
        page.wait(2_000);
    }
    delivered.sort_unstable();
    assert_eq!(delivered, (0..20).filter(|&n| n != 7).collect::<Vec<_>>());
    assert_eq!(page.client.done(OWN), 7);

    page.wait(10 * 60_000);
    let again = page.only_sent();
    assert_eq!(again.seqs, [7], "another network may take it");
    page.settle(&again);
    assert_eq!(page.client.done(OWN), 20);
}

#[test]
fn a_site_that_is_gone_is_left_alone_and_everything_named() {
    let (mut page, sent) = page_with_sent(3);
    page.append(2, 100);
    let effects = page.answer(&sent, 410, Some(0));
    assert_eq!(effects[0], Effect::Refuse { verdict: Refusal::Stopped, until: UnixMs(u64::MAX) });
    assert!(effects.contains(&Effect::Forget { stream: OWN, from: 0, to: 5 }), "{effects:?}");
    let late = page.append(1, 100);
    assert!(
        matches!(late[..], [Effect::Record { reason: Reason::Stopped, .. }, Effect::Forget { .. }, ..]),
        "{late:?}"
    );
    for input in [Input::Flush, Input::Online(true), Input::Hidden, Input::Visible, Input::Terminating] {
        page.tell(input);
        page.wait(3_600_000);
    }
    assert!(page.sent().is_empty());
}

fn page_with_sent(count: u32) -> (Page, Sent) {
    let mut page = Page::new();
    page.append(count, 100);
    page.wait(500);
    let sent = page.only_sent();
    (page, sent)
}

/// Answers until nothing is sent any more. Returns all requests and the events that were settled.
fn serve(page: &mut Page, answer: impl Fn(&Sent) -> (u16, Option<u32>)) -> (Vec<Sent>, Vec<u32>) {
    let (mut requests, mut delivered) = (Vec::new(), Vec::new());
    page.tell(Input::Flush);
    loop {
        let sent = page.sent();
        if sent.is_empty() {
            let Some(at) = page.client.poll_timeout() else { return (requests, delivered) };
            page.wait(at.0 - page.now);
            continue;
        }
        for one in sent {
            let (status, ack) = answer(&one);
            page.answer(&one, status, ack);
            if status == 204 {
                delivered.extend(one.seqs.clone());
            }
            requests.push(one);
            assert!(requests.len() < 1_000, "it never ends");
        }
    }
}

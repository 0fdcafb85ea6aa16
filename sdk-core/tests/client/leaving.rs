//! Hidden, ended, denied.

use headwater_core::{
    client::{Decision, Effect, Input, Lane, Limits, Purpose, StreamNo, Transport},
    reason::Reason,
};

use crate::page::{OWN, Page};

#[test]
fn a_hidden_page_sends_at_once_and_its_answer_counts() {
    let mut page = Page::new();
    page.append(3, 100);
    page.tell(Input::Hidden);
    let sent = page.only_sent();
    assert_eq!(sent.transport, Transport::Keepalive);
    assert!(page.settle(&sent).contains(&Effect::Forget { stream: OWN, from: 0, to: 3 }));
}

#[test]
fn no_more_outlives_the_page_than_browsers_allow() {
    let mut page = Page::with(Limits { queue_bytes: 1_000_000, ..Limits::default() });
    page.tell(Input::Online(false));
    page.append(20, 10_000);
    page.tell(Input::Hidden);
    page.tell(Input::Online(true));
    let sent = page.sent();
    let kept: usize = sent.iter().filter(|s| s.transport == Transport::Keepalive).map(|s| s.seqs.len()).sum();
    assert_eq!(kept, 5, "50,000 bytes of bodies and their envelopes");
    assert_eq!(sent.len(), 4, "the rest goes as ordinary requests");
    page.tell(Input::Terminating);
    let beacons = page.sent();
    assert!(beacons.is_empty() || beacons.iter().map(|s| s.seqs.len()).sum::<usize>() == 0, "{beacons:?}");
}

#[test]
fn the_last_words_repeat_what_is_in_flight_and_forget_nothing() {
    let mut page = Page::new();
    page.append(50, 100);
    let in_flight = page.only_sent();
    page.append(2, 100);
    let effects = page.tell(Input::Terminating);
    assert!(
        !effects.iter().any(|e| matches!(e, Effect::Forget { .. } | Effect::ForgetStream { .. })),
        "{effects:?}"
    );
    let beacon = page.only_sent();
    assert_eq!(beacon.transport, Transport::Beacon);
    assert_eq!(beacon.seqs, (0..52).collect::<Vec<_>>());
    assert_eq!((beacon.at, beacon.end), ((0, 52), false));
    assert_eq!(page.settle(&in_flight), [], "it is over");
    assert_eq!(page.client.poll_timeout(), None);
}

#[test]
fn the_last_words_do_not_repeat_what_outlives_the_page() {
    let mut page = Page::new();
    page.append(3, 100);
    page.tell(Input::Hidden);
    page.only_sent();
    page.append(1, 100);
    page.tell(Input::Terminating);
    assert_eq!(page.only_sent().seqs, [3]);
}

#[test]
fn each_stream_has_its_own_last_words_the_page_s_own_first() {
    let mut page = Page::new();
    page.tell(Input::Gate { until: headwater_core::time::UnixMs(u64::MAX) });
    page.find(StreamNo(5), 0, 2, &[0, 1], &[]);
    page.tell(Input::Adopted { stream: StreamNo(5) });
    page.append(2, 100);
    page.tell(Input::Terminating);
    let sent = page.sent();
    assert_eq!(
        sent.iter().map(|s| (s.stream, s.seqs.len(), s.end)).collect::<Vec<_>>(),
        [(OWN, 2, false), (StreamNo(5), 2, true)]
    );
}

#[test]
fn a_settled_stream_is_forgotten_when_the_page_ends() {
    let mut page = Page::new();
    page.append(1, 100);
    page.wait(500);
    let sent = page.only_sent();
    page.settle(&sent);
    let effects = page.tell(Input::Terminating);
    assert_eq!(effects, [Effect::ForgetStream { stream: OWN }]);
    assert!(page.sent().is_empty());
}

#[test]
fn a_denial_names_everything_and_says_so_without_a_header() {
    let mut page = Page::new();
    page.append(50, 100);
    let in_flight = page.only_sent();
    page.append(3, 100);
    page.find(StreamNo(5), 2, 6, &[2, 4], &[]);
    page.tell(Input::Adopted { stream: StreamNo(5) });
    let adopted = page.sent();
    let effects =
        page.tell_and_record(Input::Consent { purpose: Purpose::default(), decision: Decision::Denied });
    assert!(effects.contains(&Effect::Forget { stream: OWN, from: 0, to: 53 }), "{effects:?}");

    page.lose_answer(&in_flight);
    for sent in &adopted {
        page.lose_answer(sent);
    }
    page.wait(5_000);
    let mut requests = page.sent();
    while let Some(sent) = requests.pop() {
        let batch = &sent.body["batches"][0];
        assert!(batch.get("client_id").is_none(), "{batch}");
        assert_eq!(batch["stream"], sent.stream.0.to_string());
        assert!(sent.seqs.is_empty());
        if sent.stream == OWN {
            assert_eq!(sent.lost, [(0, 53, "consent".to_owned())]);
            assert_eq!(page.settle(&sent).last(), Some(&Effect::ForgetStream { stream: OWN }));
        } else {
            assert!(
                sent.lost.iter().all(|l| l.2 == "consent" || (l.2 == "vanished" && [3, 5].contains(&l.0)))
            );
            page.settle(&sent);
        }
        page.wait(5_000);
        requests.extend(page.sent());
    }
    assert_eq!(page.client.poll_timeout(), None);
}

#[test]
fn what_is_appended_after_a_denial_is_named_and_never_sent() {
    let mut page = Page::new();
    page.tell(Input::Consent { purpose: Purpose::default(), decision: Decision::Denied });
    let effects = page.append(1, 100);
    assert!(
        matches!(
            effects[..],
            [Effect::Record { reason: Reason::Consent, from: 0, to: 1, .. }, Effect::Forget { .. }, ..]
        ),
        "{effects:?}"
    );
    page.wait(500);
    let sent = page.only_sent();
    assert!(sent.seqs.is_empty() && sent.body["batches"][0].get("client_id").is_none());
}

#[test]
fn a_stream_found_after_a_denial_is_purged() {
    let mut page = Page::new();
    page.tell(Input::Consent { purpose: Purpose::default(), decision: Decision::Denied });
    page.find(StreamNo(5), 0, 2, &[0, 1], &[]);
    let effects = page.tell_and_record(Input::Adopted { stream: StreamNo(5) });
    assert!(effects.contains(&Effect::Forget { stream: StreamNo(5), from: 0, to: 2 }), "{effects:?}");
    let sent = page.only_sent();
    assert_eq!((sent.lost.clone(), sent.end), (vec![(0, 2, "consent".to_owned())], true));
    assert_eq!(page.settle(&sent).last(), Some(&Effect::ForgetStream { stream: StreamNo(5) }));
}

#[test]
fn consent_given_again_serves_the_next_stream() {
    let mut page = Page::new();
    page.append(1, 100);
    page.tell_and_record(Input::Consent { purpose: Purpose::default(), decision: Decision::Denied });
    let purge = page.only_sent();
    page.settle(&purge);
    page.tell(Input::Consent { purpose: Purpose::default(), decision: Decision::Granted });
    let next = StreamNo(1);
    page.tell(Input::Opened { stream: next, lane: Lane::default() });
    let ts = headwater_core::time::UnixMs(crate::page::EPOCH + page.now + 1);
    page.tell(Input::Appended { stream: next, seq: 0, len: 10, ts });
    page.wait(1_000);
    let sent = page.only_sent();
    assert_eq!((sent.stream, sent.seqs.len()), (next, 1));
    assert_eq!(sent.body["batches"][0]["client_id"], "c");
}

//! What becomes of a dead owner's stream.

use headwater_core::{
    client::{Effect, Input, Limits, StreamNo},
    reason::Reason,
};

use crate::page::Page;

const DEAD: StreamNo = StreamNo(3);

#[test]
fn a_found_stream_is_sent_whole_with_its_end_and_forgotten() {
    let mut page = Page::new();
    page.find(DEAD, 0, 3, &[0, 1, 2], &[]);
    assert!(page.sent().is_empty(), "not before all of it is told");
    page.tell(Input::Adopted { stream: DEAD });
    let sent = page.only_sent();
    assert_eq!((sent.stream, sent.seqs.len(), sent.at, sent.end), (DEAD, 3, (0, 3), true));
    assert_eq!(
        page.settle(&sent),
        [Effect::Forget { stream: DEAD, from: 0, to: 3 }, Effect::ForgetStream { stream: DEAD }]
    );
    assert_eq!(page.client.poll_timeout(), None);
}

#[test]
fn the_end_is_said_even_when_nothing_was_found() {
    let mut page = Page::new();
    page.find(DEAD, 7, 7, &[], &[]);
    page.tell(Input::Adopted { stream: DEAD });
    let sent = page.only_sent();
    assert_eq!((sent.seqs.len(), sent.at, sent.end), (0, (7, 7), true));
    page.lose_answer(&sent);
    page.wait(1_000);
    let again = page.only_sent();
    assert!(again.end);
    assert_eq!(page.settle(&again), [Effect::ForgetStream { stream: DEAD }]);
}

#[test]
fn a_name_beside_one_that_an_event_undoes_leaves_the_event_in_the_journal() {
    let mut page = Page::new();
    page.find(DEAD, 0, 5, &[1], &[(0, 3, Reason::Vanished)]);
    let effects = page.tell(Input::Adopted { stream: DEAD });
    let vanished = effects.iter().filter_map(|effect| match *effect {
        Effect::Record { from, to, .. } => Some((from, to)),
        _ => None,
    });
    assert_eq!(vanished.collect::<Vec<_>>(), [(3, 5)], "event 1 is there, and goes once it is settled");
}

#[test]
fn holes_between_done_and_head_have_vanished() {
    let mut page = Page::new();
    page.find(DEAD, 10, 20, &[12, 13, 17], &[(14, 16, Reason::QueueFull)]);
    let effects = page.tell(Input::Adopted { stream: DEAD });
    let records: Vec<_> = effects
        .iter()
        .filter_map(|e| match *e {
            Effect::Record { record, stream: DEAD, from, to, reason: Reason::Vanished } => {
                Some((record, from, to))
            }
            _ => None,
        })
        .collect();
    assert_eq!(records.iter().map(|r| (r.1, r.2)).collect::<Vec<_>>(), [(10, 12), (16, 17), (18, 20)]);
    let first = page.only_sent();
    assert_eq!((first.at, first.end), ((10, 20), false), "the names are not durable yet");
    for &(record, ..) in &records {
        page.tell(Input::Recorded { record });
    }
    page.settle(&first);
    let last = page.only_sent();
    assert_eq!((last.at, last.end), ((20, 20), true));
    assert_eq!(last.lost.iter().filter(|l| l.2 == "vanished").count(), 3);
    assert_eq!(page.settle(&last).last(), Some(&Effect::ForgetStream { stream: DEAD }));
}

#[test]
fn the_end_waits_until_nothing_else_is_in_flight() {
    let mut page = Page::with(Limits { in_flight: 4, ..Limits::default() });
    page.find(DEAD, 0, 120, &(0..120).collect::<Vec<_>>(), &[]);
    page.tell(Input::Adopted { stream: DEAD });
    let sent = page.sent();
    assert_eq!(
        sent.iter().map(|s| (s.seqs.len(), s.end)).collect::<Vec<_>>(),
        [(50, false), (50, false), (20, false)]
    );
    for one in &sent[..2] {
        page.settle(one);
        assert!(page.sent().is_empty());
    }
    page.settle(&sent[2]);
    let end = page.only_sent();
    assert_eq!((end.seqs.len(), end.at, end.end), (0, (120, 120), true));
    assert_eq!(page.settle(&end), [Effect::ForgetStream { stream: DEAD }]);
}

#[test]
fn an_event_that_was_named_and_not_yet_forgotten_is_sent_only_if_the_name_was_about_room() {
    let mut page = Page::new();
    page.find(
        DEAD,
        0,
        4,
        &[0, 1, 2, 3],
        &[(0, 1, Reason::QueueFull), (1, 2, Reason::Consent), (2, 3, Reason::Rejected)],
    );
    let effects = page.tell(Input::Adopted { stream: DEAD });
    assert_eq!(effects[0], Effect::Forget { stream: DEAD, from: 1, to: 3 });
    let sent = page.only_sent();
    assert_eq!(sent.seqs, [0, 3]);
    assert_eq!((sent.lost.len(), sent.end), (3, true));
}

#[test]
fn many_names_go_in_several_requests() {
    let mut page = Page::new();
    let losses: Vec<_> = (0..200).map(|n| (2 * n, 2 * n + 1, Reason::QueueFull)).collect();
    page.find(DEAD, 0, 400, &(0..200).map(|n| 2 * n + 1).collect::<Vec<_>>(), &losses);
    page.tell(Input::Adopted { stream: DEAD });
    let (mut names, mut ended) = (0, false);
    while !ended {
        let sent = page.sent();
        assert!(!sent.is_empty());
        for one in sent {
            assert!(one.lost.len() <= 64);
            assert!(!ended, "after the end nothing follows");
            ended = one.end;
            let effects = page.settle(&one);
            names += one.lost.len();
            assert_eq!(effects.contains(&Effect::ForgetStream { stream: DEAD }), ended);
        }
    }
    assert!(names >= 200);
}

#[test]
fn what_another_adopter_took_away_has_vanished_and_the_rest_is_sent() {
    let mut page = Page::new();
    page.find(DEAD, 0, 4, &[0, 1, 2, 3], &[]);
    page.tell(Input::Adopted { stream: DEAD });
    let sent = page.only_sent();
    page.tell_and_record(Input::Gone { stream: DEAD, from: 1, to: 3 });
    page.lose_answer(&sent);
    page.wait(1_000);
    let again = page.only_sent();
    assert_eq!((again.seqs.clone(), again.end), (vec![0, 3], true));
    assert_eq!(again.lost, [(1, 3, "vanished".to_owned())]);
    assert_eq!(page.settle(&again).last(), Some(&Effect::ForgetStream { stream: DEAD }));
}

#[test]
fn a_server_that_refuses_even_the_end_is_not_pestered() {
    let mut page = Page::new();
    page.find(DEAD, 0, 0, &[], &[]);
    page.tell(Input::Adopted { stream: DEAD });
    for _ in 0..5 {
        let sent = page.only_sent();
        page.answer(&sent, 400, Some(0));
        page.wait(59_999);
        assert!(page.sent().is_empty());
        page.wait(60 * 60_000);
    }
}

//! Records that the broker will never take.

use bytes::Bytes;
use headwater_bridge_flow::{Cause, Effect, Limits, Outcome, SpoolPolicy, To};
use headwater_schema::{Ledger, Lost, Record};

use crate::rig::{Produce, Rig, appended, event, lane, only_answer, padded, produces, retry, sync};

/// Refuses a record until it is given up; what takes its place.
fn bury(rig: &mut Rig, mut sent: Vec<Produce>) -> Vec<Effect> {
    for _ in 1..Limits::default().tries {
        let effects = rig.refused(sent[0].attempt);
        assert_eq!(produces(&effects)[0].body, sent[0].body, "another try");
        sent = produces(&effects);
    }
    rig.refused(sent[0].attempt)
}

fn letter(effects: &[Effect]) -> (u64, Bytes, bool) {
    let letter = effects.iter().find_map(|effect| match effect {
        Effect::Produce { attempt, to: To::DeadLetters { reason, cut }, body, .. } => {
            assert_eq!(reason, "MSG_SIZE_TOO_LARGE");
            Some((*attempt, body.clone(), *cut))
        }
        _ => None,
    });
    letter.expect("a dead letter")
}

fn ledger(produce: &Produce) -> Ledger {
    match Record::from_slice(&produce.body).expect("a record") {
        Record::Ledger(ledger) => ledger,
        Record::Event(event) => panic!("{event:?}"),
    }
}

#[test]
fn a_record_that_is_refused_thrice_is_kept_and_named_and_only_then_accepted() {
    let mut rig = Rig::new(SpoolPolicy::Off, Limits::default());
    let sent = produces(&rig.request(1, &[event("a", 7)]));
    let effects = bury(&mut rig, sent);
    let (dead, body, cut) = letter(&effects);
    assert_eq!((body, cut), (event("a", 7), false));
    let named = produces(&effects);
    assert_eq!(named[0].partition, lane("a"), "with the events of its client");
    let name = ledger(&named[0]);
    assert_eq!(name.lost, [Lost { from: 7, to: 8, reason: "dead_letter".to_owned() }]);
    assert_eq!(
        (name.site_id.as_str(), name.client_id.as_deref(), name.by.as_str()),
        ("s", Some("a"), "bridge")
    );
    assert_eq!((name.at, name.end, name.sent_at, name.received_at), (None, false, 2, 3));

    assert_eq!(rig.acked(named[0].attempt), [], "the bytes are not safe yet");
    assert_eq!(only_answer(&rig.acked(dead)), [Outcome::Accepted]);
    assert_eq!(rig.flow.gauges().held_messages, 0);
}

#[test]
fn an_event_without_a_name_is_counted_among_the_unnamed() {
    let mut rig = Rig::new(SpoolPolicy::Off, Limits::default());
    let text = String::from_utf8(event("a", 7).to_vec()).expect("text");
    let start = text.find("\"stream\"").expect("there");
    let end = text.find("\"site_id\"").expect("there");
    let plain = Bytes::from(format!("{}{}", &text[..start], &text[end..]));
    let sent = produces(&rig.request(1, &[plain]));
    let name = ledger(&produces(&bury(&mut rig, sent))[0]);
    assert_eq!((name.stream, name.lost.len()), (None, 0));
    assert_eq!(name.unnamed, [("dead_letter".to_owned(), 1)].into());
}

#[test]
fn without_its_name_or_its_bytes_a_dead_letter_is_not_accepted() {
    for first_fails in [false, true] {
        let mut rig = Rig::new(SpoolPolicy::Off, Limits::default());
        let sent = produces(&rig.request(1, &[event("a", 7)]));
        let effects = bury(&mut rig, sent);
        let (dead, ..) = letter(&effects);
        let name = produces(&effects)[0].attempt;
        let fails = if first_fails { dead } else { name };
        assert_eq!(only_answer(&rig.unsure(fails)), retry(Cause::Broker));
        assert_eq!(rig.acked(dead), []);
        assert_eq!(rig.acked(name), []);
        assert_eq!(rig.flow.gauges().in_flight, 0);
    }
}

#[test]
fn without_a_broker_that_takes_its_name_a_dead_letter_is_not_accepted() {
    let mut rig = Rig::new(SpoolPolicy::Off, Limits::default());
    let sent = produces(&rig.request(1, &[event("a", 7)]));
    let effects = bury(&mut rig, sent);
    assert_eq!(rig.acked(letter(&effects).0), []);
    assert_eq!(only_answer(&rig.refused(produces(&effects)[0].attempt)), retry(Cause::Broker));
}

#[test]
fn with_a_spool_a_dead_letter_that_cannot_be_written_waits_there_as_itself() {
    let mut rig = Rig::new(SpoolPolicy::On, Limits::default());
    let sent = produces(&rig.request(1, &[event("a", 7)]));
    let behind = rig.request(2, &[event("a", 8)]);
    assert_eq!(produces(&behind).len(), 1);
    let effects = bury(&mut rig, sent);
    let (dead, ..) = letter(&effects);
    let effects = rig.unsure(dead);
    assert_eq!(appended(&effects), [(lane("a"), 0, event("a", 7)), (lane("a"), 1, event("a", 8))]);
    assert!(sync(&effects).is_some());
}

#[test]
fn a_letter_that_is_refused_too_is_cut_and_its_name_kept() {
    let limits = Limits { cut_letter_bytes: 100, ..Limits::default() };
    let mut rig = Rig::new(SpoolPolicy::Off, limits);
    let big = padded("a", 7, 1000);
    let sent = produces(&rig.request(1, std::slice::from_ref(&big)));
    let effects = bury(&mut rig, sent);
    let name = produces(&effects)[0].attempt;
    let effects = rig.refused(letter(&effects).0);
    let (dead, body, cut) = letter(&effects);
    assert_eq!((body, cut), (big.slice(..100), true));
    assert_eq!(rig.refused(dead), [], "nothing of it can be kept");
    assert_eq!(only_answer(&rig.acked(name)), [Outcome::Accepted], "but it is named");
}

#[test]
fn a_ledger_record_that_is_refused_arrives_in_parts() {
    let mut rig = Rig::new(SpoolPolicy::Off, Limits::default());
    let lost = |seq| Lost { from: seq, to: seq + 1, reason: "queue_full".to_owned() };
    let whole = Ledger { lost: [0, 2, 4].map(lost).into(), by: "sdk".to_owned(), ..Ledger::default() };
    let sent = produces(&rig.request(1, &[Bytes::from(Record::from(whole.clone()).to_vec())]));
    let halves = produces(&bury(&mut rig, sent));
    assert_eq!(halves.iter().flat_map(|half| ledger(half).lost).collect::<Vec<_>>(), whole.lost);
    let quarters = produces(&rig.refused(halves[1].attempt));
    assert_eq!(quarters.len(), 2);
    assert_eq!(rig.acked(halves[0].attempt), []);
    assert_eq!(rig.acked(quarters[0].attempt), []);
    assert_eq!(only_answer(&rig.acked(quarters[1].attempt)), [Outcome::Accepted]);
}

#[test]
fn a_broken_producer_takes_no_dead_letter_with_it() {
    use headwater_bridge_flow::Input;
    let mut rig = Rig::new(SpoolPolicy::Off, Limits::default());
    let sent = produces(&rig.request(1, &[event("a", 7)]));
    let effects = bury(&mut rig, sent);
    rig.acked(letter(&effects).0);
    rig.tell(Input::Fatal);
    let effects = rig.tell(Input::ProducerBuilt);
    let again = produces(&effects);
    assert_eq!((effects.len(), again.len()), (1, 1), "the letter arrived, the name did not");
    assert_eq!(only_answer(&rig.acked(again[0].attempt)), [Outcome::Accepted]);
}

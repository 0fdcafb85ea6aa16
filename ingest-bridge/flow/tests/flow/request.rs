//! When a request is answered, and with what.

use bytes::Bytes;
use headwater_bridge_flow::{Cause, Effect, Input, Limits, Outcome, SpoolPolicy};

use crate::rig::{Rig, answers, event, only_answer, produces, retry};

fn rig() -> Rig {
    Rig::new(SpoolPolicy::Off, Limits::default())
}

#[test]
fn nothing_is_answered_before_the_broker_has_each_record() {
    let mut rig = rig();
    let effects = rig.request(1, &[event("a", 0), event("a", 1), event("b", 0)]);
    let sent = produces(&effects);
    assert_eq!((sent.len(), effects.len()), (3, 3));
    assert_eq!(rig.acked(sent[2].attempt), []);
    assert_eq!(rig.acked(sent[0].attempt), []);
    assert_eq!(only_answer(&rig.acked(sent[1].attempt)), vec![Outcome::Accepted; 3]);
    let gauges = rig.flow.gauges();
    assert_eq!((gauges.held_bytes, gauges.held_messages, gauges.in_flight, gauges.requests), (0, 0, 0, 0));
}

#[test]
fn a_bad_line_is_named_and_the_good_ones_land() {
    let mut rig = rig();
    let sent = produces(&rig.request(1, &[event("a", 0), Bytes::from_static(b"{nope"), event("a", 1)]));
    assert_eq!(sent.len(), 2);
    assert_eq!(rig.acked(sent[0].attempt), []);
    let outcomes = only_answer(&rig.acked(sent[1].attempt));
    let [Outcome::Accepted, Outcome::Rejected(why), Outcome::Accepted] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert!(why.contains("column"), "{why}");
}

#[test]
fn a_request_that_has_nothing_good_or_nothing_at_all_is_answered_at_once() {
    let mut rig = rig();
    assert_eq!(only_answer(&rig.request(1, &[])), []);
    let outcomes = only_answer(&rig.request(2, &[Bytes::from_static(b"1")]));
    assert!(matches!(&outcomes[..], [Outcome::Rejected(_)]), "{outcomes:?}");
}

#[test]
fn what_is_told_twice_is_answered_once() {
    let mut rig = rig();
    let sent = produces(&rig.request(1, &[event("a", 0), event("a", 1)]));
    assert_eq!(rig.request(1, &[event("a", 0), event("a", 1)]), [], "the same request again");
    assert_eq!(rig.acked(sent[0].attempt), []);
    assert_eq!(rig.acked(sent[0].attempt), []);
    assert_eq!(rig.unsure(sent[0].attempt), []);
    assert_eq!(answers(&rig.acked(sent[1].attempt)).len(), 1);
    assert_eq!(rig.acked(sent[1].attempt), []);
    assert_eq!(rig.wait(100_000), []);
}

#[test]
fn a_record_that_may_not_have_arrived_is_to_be_sent_again_and_the_request_with_it() {
    let mut rig = rig();
    let sent = produces(&rig.request(1, &[event("a", 0), event("b", 0)]));
    assert_eq!(rig.unsure(sent[0].attempt), []);
    let answered = answers(&rig.acked(sent[1].attempt));
    let [(1, answer)] = &answered[..] else { panic!("{answered:?}") };
    assert_eq!(answer.outcomes, [Outcome::Retry(Cause::Broker), Outcome::Accepted]);
    assert!(!answer.is_settled());
    assert_eq!(answer.retry_after_s, Some(5));
}

#[test]
fn a_sender_that_hung_up_loses_nothing_and_is_not_answered() {
    let mut rig = rig();
    let sent = produces(&rig.request(1, &[event("a", 0)]));
    assert_eq!(rig.tell(Input::Gone { request: 1 }), []);
    assert_eq!(rig.flow.gauges().in_flight, 1, "it goes on");
    assert_eq!(rig.acked(sent[0].attempt), []);
    assert_eq!(rig.flow.gauges().held_messages, 0);
}

#[test]
fn a_sender_does_not_wait_for_ever() {
    let mut rig = rig();
    let sent = produces(&rig.request(1, &[event("a", 0), event("b", 0)]));
    assert_eq!(rig.acked(sent[0].attempt), []);
    assert_eq!(only_answer(&rig.wake()), [Outcome::Accepted, Outcome::Retry(Cause::Late)]);
    assert_eq!(rig.now, u64::from(Limits::default().answer_within_ms));
    assert_eq!(rig.acked(sent[1].attempt), [], "it landed after all; the copy will be harmless");
}

#[test]
fn a_topic_that_is_created_anew_takes_the_yes_of_the_old_one_back() {
    let mut rig = rig();
    rig.tell(Input::Incarnation(1));
    let sent = produces(&rig.request(1, &[event("a", 0), event("b", 0)]));
    rig.acked(sent[0].attempt);
    rig.tell(Input::Incarnation(1));
    rig.tell(Input::Incarnation(2));
    let answered = answers(&rig.acked(sent[1].attempt));
    let [(1, answer)] = &answered[..] else { panic!("{answered:?}") };
    assert_eq!(answer.incarnation, Some(1));
    assert_eq!(answer.outcomes, vec![Outcome::Retry(Cause::Recreated); 2]);

    let sent = produces(&rig.request(2, &[event("a", 0)]));
    let effects = rig.acked(sent[0].attempt);
    let [Effect::Answer { request: 2, answer }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((answer.incarnation, answer.is_settled()), (Some(2), true));
}

#[test]
fn a_stop_finishes_what_is_there_and_refuses_what_is_new() {
    let mut rig = rig();
    let sent = produces(&rig.request(1, &[event("a", 0)]));
    assert_eq!(rig.tell(Input::Stop { within_ms: 1000 }), []);
    assert_eq!(only_answer(&rig.request(2, &[event("a", 1)])), retry(Cause::Stopping));
    let effects = rig.acked(sent[0].attempt);
    let [Effect::Answer { request: 1, answer }, Effect::Stopped] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert!(answer.is_settled());
    assert_eq!(rig.request(3, &[event("a", 1)]), [], "it has ended");
}

#[test]
fn a_stop_that_cannot_finish_says_no() {
    let mut rig = rig();
    rig.request(1, &[event("a", 0)]);
    rig.tell(Input::Stop { within_ms: 1000 });
    let effects = rig.wake();
    let [Effect::Answer { request: 1, answer }, Effect::Stopped] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(answer.outcomes, retry(Cause::Stopping));
    assert_eq!(rig.now, 1000);
}

//! Producers that break, brokers that go away.

use headwater_bridge_flow::{Cause, Effect, Input, Limits, Outcome, SpoolPolicy};

use crate::rig::{Rig, answers, bodies, event, only_answer, produces, retry};

#[test]
fn a_broken_producer_is_replaced_and_the_next_one_gets_all_that_was_not_acknowledged_in_order() {
    let mut rig = Rig::new(SpoolPolicy::Off, Limits::default());
    let lines = [event("a", 0), event("b", 0), event("a", 1)];
    let sent = produces(&rig.request(1, &lines));
    rig.acked(sent[1].attempt);
    assert_eq!(rig.tell(Input::Fatal), [Effect::BuildProducer]);
    assert_eq!(rig.tell(Input::Fatal), [], "it is being built");
    assert_eq!(rig.request(2, &[event("a", 2)]), [], "waits for the new one");
    assert_eq!(rig.unsure(sent[0].attempt), [], "the last words of the old one");
    let effects = rig.tell(Input::ProducerBuilt);
    assert_eq!(bodies(&effects), [event("a", 0), event("a", 1), event("a", 2)]);
    let again = produces(&effects);
    assert_eq!(rig.unsure(sent[2].attempt), [], "more of them");
    assert_eq!(rig.acked(again[0].attempt), []);
    assert_eq!(only_answer(&rig.acked(again[1].attempt)), vec![Outcome::Accepted; 3]);
    assert_eq!(only_answer(&rig.acked(again[2].attempt)), vec![Outcome::Accepted]);
}

#[test]
fn good_news_of_a_broken_producer_counts() {
    let mut rig = Rig::new(SpoolPolicy::Off, Limits::default());
    let sent = produces(&rig.request(1, &[event("a", 0)]));
    rig.tell(Input::Fatal);
    assert_eq!(only_answer(&rig.acked(sent[0].attempt)), [Outcome::Accepted]);
    assert_eq!(rig.tell(Input::ProducerBuilt), []);
}

#[test]
fn without_a_producer_senders_are_told_and_it_is_built_again_and_again() {
    let limits = Limits { backoff_ms: (100, 300), ..Limits::default() };
    let mut rig = Rig::new(SpoolPolicy::Off, limits);
    rig.request(1, &[event("a", 0)]);
    rig.tell(Input::Fatal);
    assert_eq!(only_answer(&rig.tell(Input::ProducerFailed)), retry(Cause::Broker));
    assert_eq!(only_answer(&rig.request(2, &[event("a", 0)])), retry(Cause::Broker));
    for waits in [100, 200, 300, 300] {
        let before = rig.now;
        assert_eq!(rig.wake(), [Effect::BuildProducer]);
        assert_eq!(rig.now - before, waits);
        assert_eq!(rig.tell(Input::ProducerFailed), []);
    }
    assert_eq!(rig.wake(), [Effect::BuildProducer]);
    assert_eq!(rig.tell(Input::ProducerBuilt), []);
    assert_eq!(bodies(&rig.request(3, &[event("a", 0)])), [event("a", 0)]);
}

#[test]
fn while_the_broker_is_away_requests_are_refused_but_one_now_and_then_tries() {
    let mut rig = Rig::new(SpoolPolicy::Off, Limits { probe_ms: 1000, ..Limits::default() });
    rig.tell(Input::Broker(false));
    assert_eq!(only_answer(&rig.request(1, &[event("a", 0)])), retry(Cause::Broker));
    rig.now = 1000;
    let tried = produces(&rig.request(2, &[event("a", 0)]));
    assert_eq!(only_answer(&rig.request(3, &[event("a", 0)])), retry(Cause::Broker));
    assert_eq!(only_answer(&rig.unsure(tried[0].attempt)), retry(Cause::Broker));
    rig.now = 2000;
    let tried = produces(&rig.request(4, &[event("a", 0)]));
    assert_eq!(only_answer(&rig.acked(tried[0].attempt)), [Outcome::Accepted]);
    assert_eq!(produces(&rig.request(5, &[event("a", 0)])).len(), 1, "nobody had to say that it is back");
}

#[test]
fn a_broker_that_is_said_to_be_back_is_believed() {
    let mut rig = Rig::new(SpoolPolicy::Off, Limits::default());
    let sent = produces(&rig.request(1, &[event("a", 0)]));
    assert_eq!(rig.tell(Input::Broker(false)), [], "what is under way has its own time limit");
    assert_eq!(rig.tell(Input::Broker(true)), []);
    assert_eq!(produces(&rig.request(2, &[event("a", 0)])).len(), 1);
    assert_eq!(answers(&rig.acked(sent[0].attempt)).len(), 1);
}

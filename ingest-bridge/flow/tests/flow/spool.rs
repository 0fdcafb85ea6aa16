//! What waits on disk.

use bytes::Bytes;
use headwater_bridge_flow::{Cause, Effect, Input, Limits, Outcome, SpoolPolicy, To};

use crate::rig::{
    Rig, answers, appended, bodies, event, found, lane, only_answer, padded, produces, retry, sync,
};

/// A rig whose broker is away.
fn away(limits: Limits) -> Rig {
    let mut rig = Rig::new(SpoolPolicy::On, limits);
    assert_eq!(rig.tell(Input::Broker(false)), []);
    rig
}

fn reads(effects: &[Effect]) -> Vec<(u32, u64)> {
    let read = |effect: &Effect| match effect {
        Effect::Read { partition, from, .. } => Some((*partition, *from)),
        _ => None,
    };
    effects.iter().filter_map(read).collect()
}

#[test]
fn an_event_in_the_spool_is_accepted_after_the_sync_and_not_before() {
    let mut rig = away(Limits::default());
    let effects = rig.request(1, &[event("a", 0)]);
    assert_eq!(appended(&effects), [(lane("a"), 0, event("a", 0))]);
    let first = sync(&effects).expect("a sync");
    assert_eq!(answers(&effects), []);

    let effects = rig.request(2, &[event("a", 1)]);
    assert_eq!(appended(&effects), [(lane("a"), 1, event("a", 1))]);
    assert_eq!(sync(&effects), None, "one at a time");

    let effects = rig.tell(Input::Synced { sync: first });
    assert_eq!(answers(&effects).len(), 1, "the second was appended after that sync began");
    let second = sync(&effects).expect("its own");
    assert_eq!(answers(&rig.tell(Input::Synced { sync: second }))[0].1.outcomes, [Outcome::Accepted]);
    assert_eq!(answers(&rig.tell(Input::Synced { sync: second })), []);
}

#[test]
fn live_records_queue_behind_spooled_ones_until_the_broker_has_those() {
    let mut rig = away(Limits::default());
    let lane = lane("a");
    let effects = rig.request(1, &[event("a", 0)]);
    let effects = rig.tell(Input::Synced { sync: sync(&effects).expect("a sync") });
    assert_eq!(reads(&effects), [(lane, 0)], "it is tried, whatever was said of the broker");
    let drained = rig.read(lane, 0, &[event("a", 0)]);
    assert_eq!(bodies(&drained), [event("a", 0)]);

    rig.tell(Input::Broker(true));
    let effects = rig.request(2, &[event("a", 1)]);
    assert_eq!((bodies(&effects).len(), appended(&effects).len()), (0, 1), "behind");
    let second = sync(&effects).expect("a sync");
    let effects = rig.acked(produces(&drained)[0].attempt);
    assert_eq!(effects, [Effect::Trim { partition: lane, upto: 1 }], "the second is not synced");
    let effects = rig.tell(Input::Synced { sync: second });
    assert_eq!(reads(&effects), [(lane, 1)]);
    let drained = rig.read(lane, 1, &[event("a", 1)]);
    let effects = rig.acked(produces(&drained)[0].attempt);
    assert_eq!(effects, [Effect::Trim { partition: lane, upto: 2 }]);
    assert_eq!((rig.flow.gauges().spooled_lanes, rig.flow.gauges().spooled_bytes), (0, 0));

    assert_eq!(bodies(&rig.request(3, &[event("a", 2)])), [event("a", 2)], "nothing is before it");
    let effects = rig.tell(Input::Broker(false));
    assert_eq!(
        appended(&effects),
        [(lane, 2, event("a", 2))],
        "offsets go on; what was under way comes first"
    );
    assert_eq!(appended(&rig.request(4, &[event("a", 3)])), [(lane, 3, event("a", 3))]);
}

#[test]
fn a_record_that_fails_takes_those_of_its_partition_behind_it_along_in_order() {
    let mut rig = Rig::new(SpoolPolicy::On, Limits::default());
    let other = ["b", "c", "d", "e", "f"].into_iter().find(|c| lane(c) != lane("a")).expect("some");
    let lines = [event("a", 0), event("a", 1), event(other, 0), event("a", 2)];
    let sent = produces(&rig.request(1, &lines));
    let effects = rig.unsure(sent[1].attempt);
    let spooled: Vec<Bytes> = appended(&effects).into_iter().map(|(_, _, body)| body).collect();
    assert_eq!(spooled, [event("a", 0), event("a", 1), event("a", 2)]);
    assert_eq!(rig.acked(sent[0].attempt), [], "it arrived after all: a copy");
    assert_eq!(rig.acked(sent[2].attempt), []);
    let effects = rig.tell(Input::Synced { sync: sync(&effects).expect("a sync") });
    assert_eq!(answers(&effects)[0].1.outcomes, vec![Outcome::Accepted; 4]);
}

#[test]
fn a_batch_that_does_not_get_through_is_read_again_from_where_it_broke() {
    let mut rig = Rig::cold(SpoolPolicy::On, Limits { backoff_ms: (100, 150), ..Limits::default() });
    rig.tell(Input::ProducerBuilt);
    let effects = rig.tell(Input::SpoolOpened(vec![found(2, 10, 13)]));
    assert_eq!(reads(&effects), [(2, 10)]);
    let lines = [event("a", 0), event("a", 1), event("a", 2)];
    let sent = produces(&rig.read(2, 10, &lines));
    assert!(sent.iter().all(|produce| produce.partition == 2));
    assert_eq!(rig.acked(sent[0].attempt), [], "trimmed when the batch has ended");
    assert_eq!(rig.unsure(sent[1].attempt), [Effect::Trim { partition: 2, upto: 11 }]);
    assert_eq!(rig.acked(sent[2].attempt), [], "it is read again: a copy");
    for waits in [100, 150, 150] {
        let before = rig.now;
        assert_eq!(reads(&rig.wake()), [(2, 11)]);
        assert_eq!(rig.now - before, waits);
        let sent = produces(&rig.read(2, 11, &lines[1..]));
        assert_eq!(sent.len(), 2);
        assert_eq!(rig.unsure(sent[0].attempt), []);
        assert_eq!(rig.unsure(sent[1].attempt), []);
    }
    let effects = rig.tell(Input::Broker(true));
    assert_eq!(reads(&effects), [], "it was not thought to be away");
    rig.tell(Input::Broker(false));
    assert_eq!(reads(&rig.tell(Input::Broker(true))), [(2, 11)], "at once");
}

#[test]
fn what_an_earlier_process_left_goes_before_what_is_new() {
    let mut rig = Rig::cold(SpoolPolicy::On, Limits::default());
    rig.tell(Input::ProducerBuilt);
    assert_eq!(only_answer(&rig.request(1, &[event("a", 5)])), retry(Cause::Spool), "not known yet");
    let lane = lane("a");
    let effects = rig.tell(Input::SpoolOpened(vec![found(lane, 3, 4)]));
    assert_eq!(reads(&effects), [(lane, 3)]);
    assert_eq!(appended(&rig.request(2, &[event("a", 5)])), [(lane, 4, event("a", 5))]);
}

#[test]
fn a_full_spool_says_try_again() {
    let line = padded("a", 0, 100);
    let limits = Limits { spool_bytes: 2 * line.len() as u64, ..Limits::default() };
    let mut rig = away(limits);
    rig.request(1, &[line.clone(), line.clone()]);
    let effects = rig.request(2, std::slice::from_ref(&line));
    assert_eq!(only_answer(&effects), retry(Cause::Spool));
    assert_eq!(answers(&effects)[0].1.retry_after_s, Some(10));
}

#[test]
fn a_spool_whose_oldest_record_is_too_old_drops_nothing_and_takes_nothing() {
    let mut rig = away(Limits { spool_age_ms: 10_000, ..Limits::default() });
    let sync = sync(&rig.request(1, &[event("a", 0)])).expect("a sync");
    rig.tell(Input::Synced { sync });
    rig.now = 9_000;
    assert_eq!(appended(&rig.request(2, &[event("a", 1)])).len(), 1);
    rig.now = 10_000;
    assert_eq!(only_answer(&rig.request(3, &[event("a", 2)])), retry(Cause::Spool));
    let sent = produces(&rig.read(lane("a"), 0, &[event("a", 0)]));
    rig.acked(sent[0].attempt);
    assert_eq!(appended(&rig.request(4, &[event("a", 2)])).len(), 1, "the next oldest is younger");
}

#[test]
fn only_senders_that_cannot_retry_wait_in_the_spool_if_it_is_for_them() {
    let mut rig = Rig::new(SpoolPolicy::CannotRetry, Limits::default());
    let sent = produces(&rig.request(1, &[event("a", 0)]));
    let pixel = produces(&rig.request_of(2, 2, false, &[event("a", 1)]));
    assert_eq!(only_answer(&rig.unsure(sent[0].attempt)), retry(Cause::Broker));
    let effects = rig.unsure(pixel[0].attempt);
    assert_eq!(appended(&effects), [(lane("a"), 0, event("a", 1))]);
    assert_eq!(only_answer(&rig.request(3, &[event("a", 2)])), retry(Cause::Spool), "it would overtake");
    rig.tell(Input::Broker(false));
    assert_eq!(only_answer(&rig.request(4, &[event("a", 2)])), retry(Cause::Broker));
    assert_eq!(appended(&rig.request_of(5, 2, false, &[event("a", 2)])).len(), 1);
}

#[test]
fn a_disk_that_fails_is_no_yes_and_what_is_on_it_is_told_again() {
    let mut rig = away(Limits { backoff_ms: (100, 100), ..Limits::default() });
    let other = ["b", "c", "d", "e", "f"].into_iter().find(|c| lane(c) != lane("a")).expect("some");
    rig.request(1, &[event("a", 0)]);
    let effects = rig.tell(Input::SpoolFailed);
    assert_eq!(answers(&effects)[0].1.outcomes, retry(Cause::Spool));
    assert_eq!(effects.last(), Some(&Effect::OpenSpool));
    rig.tell(Input::Broker(true));
    assert_eq!(bodies(&rig.request(2, &[event(other, 0)])).len(), 1, "other partitions need no disk");
    assert_eq!(only_answer(&rig.request(3, &[event("a", 1)])), retry(Cause::Spool), "it may hold something");
    assert_eq!(rig.tell(Input::SpoolFailed), []);
    assert_eq!(rig.wake(), [Effect::OpenSpool]);
    let effects = rig.tell(Input::SpoolOpened(vec![found(lane("a"), 0, 0)]));
    assert_eq!(effects, []);
    assert_eq!(bodies(&rig.request(4, &[event("a", 1)])).len(), 1);
}

#[test]
fn a_rebuilt_producer_gets_the_batch_again_and_a_failed_one_leaves_it_on_disk() {
    let mut rig = Rig::cold(SpoolPolicy::On, Limits::default());
    rig.tell(Input::ProducerBuilt);
    rig.tell(Input::SpoolOpened(vec![found(2, 0, 2)]));
    let lines = [event("a", 0), event("a", 1)];
    rig.read(2, 0, &lines);
    rig.tell(Input::Fatal);
    assert_eq!(bodies(&rig.tell(Input::ProducerBuilt)), lines);
    rig.tell(Input::Fatal);
    assert_eq!(rig.tell(Input::ProducerFailed), []);
    assert_eq!(rig.wake(), [Effect::BuildProducer]);
    let effects = rig.tell(Input::ProducerBuilt);
    assert_eq!((bodies(&effects).len(), reads(&effects)), (0, vec![(2, 0)]));
}

#[test]
fn a_rebuilt_producer_does_not_get_what_was_behind_a_record_that_went_to_the_spool() {
    let mut rig = Rig::new(SpoolPolicy::CannotRetry, Limits::default());
    rig.request_of(1, 1, false, &[event("a", 0)]);
    rig.request_of(2, 2, true, &[event("a", 1)]);
    assert!(matches!(&rig.tell(Input::Broker(false))[..], [Effect::Append { .. }, Effect::Sync { .. }]));
    rig.tell(Input::Fatal);
    let effects = rig.tell(Input::ProducerBuilt);
    assert_eq!(bodies(&effects), [] as [Bytes; 0]);
    assert_eq!(only_answer(&effects), retry(Cause::Broker));
}

#[test]
fn a_spooled_line_that_cannot_be_read_becomes_a_dead_letter() {
    let mut rig = Rig::cold(SpoolPolicy::On, Limits::default());
    rig.tell(Input::ProducerBuilt);
    rig.tell(Input::SpoolOpened(vec![found(2, 0, 1)]));
    let effects = rig.read(2, 0, &[Bytes::from_static(b"{old")]);
    let [Effect::Produce { attempt, to: To::DeadLetters { .. }, body, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(&body[..], b"{old");
    assert_eq!(rig.acked(*attempt), [Effect::Trim { partition: 2, upto: 1 }]);
}

#[test]
fn a_stop_leaves_the_spool_where_it_is() {
    let mut rig = away(Limits::default());
    let effects = rig.request(1, &[event("a", 0)]);
    rig.tell(Input::Stop { within_ms: 1000 });
    let effects = rig.tell(Input::Synced { sync: sync(&effects).expect("a sync") });
    let [Effect::Answer { answer, .. }, Effect::Stopped] = &effects[..] else { panic!("{effects:?}") };
    assert!(answer.is_settled());
}

#[test]
fn what_went_out_while_the_disk_failed_keeps_its_place_when_it_is_back() {
    let mut rig = away(Limits::default());
    let other = ["b", "c", "d", "e", "f"].into_iter().find(|c| lane(c) != lane("a")).expect("some");
    rig.request(1, &[event(other, 0)]);
    rig.tell(Input::SpoolFailed);
    assert_eq!(bodies(&rig.request(2, &[event("a", 0)])).len(), 1, "there is no other way");
    rig.tell(Input::SpoolOpened(Vec::new()));
    let effects = rig.request(3, &[event("a", 1)]);
    let spooled: Vec<Bytes> = appended(&effects).into_iter().map(|(_, _, body)| body).collect();
    assert_eq!(spooled, [event("a", 0), event("a", 1)]);
}

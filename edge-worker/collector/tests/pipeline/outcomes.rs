//! What becomes of each event, what the sender is told, and what the ledger keeps.

use crate::common::{Collector, STREAM, event, message, native, native_seqs, status_and_ack};
use headwater_collector::Tally;
use headwater_schema::Lost;

fn lost(from: u32, to: u32, reason: &str) -> Lost {
    Lost { from, to, reason: reason.to_owned() }
}

#[test]
fn a_rejected_event_is_named_in_the_answer_and_in_the_ledger() {
    let mut collector = Collector::default();
    let bad = r#"{"seq":1,"type":"x","ts":-5}"#;
    let also_bad = r#"{"seq":2,"type":7,"ts":1710320000123}"#;
    let reply = collector.post(native(r#""at":[0,4],"#, &[&event(0), bad, also_bad, &event(3)]));
    assert_eq!(status_and_ack(&reply), (200, "4"));
    assert_eq!(
        std::str::from_utf8(&reply.body).unwrap(),
        format!(
            r#"{{"rejected":[{{"stream":"{STREAM}","seq":1,"reason":"rejected","message":"batches[0].events[1].ts: negative"}},{{"stream":"{STREAM}","seq":2,"reason":"rejected","message":"batches[0].events[2].type: invalid type: integer `7`, expected a string"}}]}}"#
        )
    );
    let (events, ledgers) = collector.take();
    assert_eq!(events.iter().filter_map(|event| event.seq).collect::<Vec<_>>(), [0, 3]);
    assert_eq!(ledgers[0].lost, [lost(1, 3, "rejected")]);
    assert!(ledgers[0].unnamed.is_empty());
    assert_eq!(collector.tally, Tally { accepted: 2, rejected: 2, ..Tally::default() });
}

#[test]
fn a_rejected_event_without_a_name_is_counted_by_reason() {
    let mut collector = Collector::default();
    let reply = collector.post(
        r#"{"site_id":"s","client_id":"c","events":[{"type":"x","ts":1710320000},{"ts":1710320000},{"type":"x","ts":99999999999}]}"#,
    );
    assert_eq!(status_and_ack(&reply), (200, "3"));
    assert!(message(&reply).starts_with("events[1]: missing field `type`"), "{}", message(&reply));
    assert!(std::str::from_utf8(&reply.body).unwrap().contains(r#""index":2"#));
    let (events, ledgers) = collector.take();
    assert_eq!((events.len(), ledgers[0].unnamed["rejected"], &*ledgers[0].by), (1, 2, "collector"));

    let reply = collector.post(native(
        "",
        &[&event(0), r#"{"type":"x","ts":1710320000123}"#, r#"{"seq":4294967295,"type":"x","ts":1}"#],
    ));
    assert_eq!(status_and_ack(&reply), (200, "3"));
    let (_, ledgers) = collector.take();
    assert_eq!((ledgers[0].unnamed["rejected"], ledgers[0].lost.len()), (2, 0));
    assert_eq!(ledgers[0].stream.unwrap().to_string(), STREAM);
}

#[test]
fn a_request_whose_events_are_all_rejected_settles_and_writes_nothing() {
    let mut collector = Collector::default();
    let reply =
        collector.post(native(r#""lost":[[0,1,"queue_full"]],"#, &[r#"{"seq":1,"type":"x","ts":-1}"#]));
    assert_eq!(status_and_ack(&reply), (422, "0"));
    assert_eq!(message(&reply), "batches[0].events[0].ts: negative");
    assert!(collector.records.is_empty());
    assert_eq!(collector.tally.total(), 0);
}

#[test]
fn a_copy_is_settled_without_being_forwarded_and_its_senders_word_is_passed_on() {
    let mut collector = Collector::default();
    collector.post(native_seqs("", 0..5));
    assert_eq!(collector.take_events().len(), 5);
    assert_eq!(status_and_ack(&collector.post(native_seqs("", 0..5))), (204, "5"));
    assert!(collector.records.is_empty(), "nothing new, nothing to wait for");
    let reply = collector.post(native_seqs(r#""at":[5,7],"lost":[[5,6,"storage"]],"#, 0..5));
    assert_eq!(status_and_ack(&reply), (204, "5"));
    let (events, ledgers) = collector.take();
    assert!(events.is_empty());
    assert_eq!((ledgers[0].lost.as_slice(), ledgers[0].at.unwrap().head), (&[lost(5, 6, "storage")][..], 7));
    assert_eq!(collector.tally, Tally { accepted: 5, duplicate: 10, ..Tally::default() });
}

#[test]
fn a_copy_within_a_request_is_one_event() {
    let mut collector = Collector::default();
    assert_eq!(status_and_ack(&collector.post(native_seqs("", [3, 3, 4, 3]))), (204, "4"));
    assert_eq!(collector.take_events().len(), 2);
    assert_eq!(collector.tally, Tally { accepted: 2, duplicate: 2, ..Tally::default() });
}

#[test]
fn a_copy_in_another_batch_of_the_request_is_one_event() {
    let mut collector = Collector::default();
    let batch = |seq| format!(r#"{{"stream":"{STREAM}","client_id":"c","events":[{}]}}"#, event(seq));
    let batches = [batch(3), batch(4), batch(3)].join(",");
    let reply = collector.post(format!(r#"{{"v":1,"site_id":"s","batches":[{batches}]}}"#));
    assert_eq!(status_and_ack(&reply), (204, "3"));
    assert_eq!(collector.take_events().len(), 2);
    assert_eq!(collector.tally, Tally { accepted: 2, duplicate: 1, ..Tally::default() });
}

#[test]
fn nothing_is_settled_or_remembered_while_the_stage_behind_is_down() {
    let mut collector = Collector { down: true, ..Collector::default() };
    let body = native(r#""at":[0,2],"#, &[&event(0), r#"{"seq":1,"type":"x","ts":-1}"#]);
    let reply = collector.post(&body);
    assert_eq!((status_and_ack(&reply), reply.header("retry-after")), ((503, "0"), Some("7")));
    assert_eq!(message(&reply), "the log: full");
    assert_eq!(collector.tally, Tally { deferred: 2, ..Tally::default() });
    collector.down = false;
    assert_eq!(status_and_ack(&collector.post(&body)), (200, "2"));
    let (events, ledgers) = collector.take();
    assert_eq!((events.len(), ledgers[0].lost.as_slice()), (1, &[lost(1, 2, "rejected")][..]));
}

#[test]
fn streams_of_one_request_keep_their_own_names() {
    let other = "01905d1e-7c00-4abc-9def-0123456789ff";
    let one = native_seqs(r#""at":[0,9],"#, 0..2);
    let batch = &one[one.find("[{").unwrap() + 1..one.len() - 2];
    let body = one.replace("]}]}", &format!("]}},{}]}}", batch.replace(STREAM, other)));
    let mut collector = Collector::default();
    assert_eq!(status_and_ack(&collector.post(body)), (204, "4"));
    let (events, ledgers) = collector.take();
    assert_eq!((events.len(), ledgers.len()), (4, 2));
    assert_eq!(ledgers[1].stream.unwrap().to_string(), other);
}

#[test]
fn an_event_that_would_read_as_a_ledger_record_is_rejected() {
    let mut collector = Collector::default();
    let reply = collector.post(native("", &[r#"{"seq":0,"type":"$ledger","ts":1710320000123}"#]));
    assert_eq!(status_and_ack(&reply), (422, "0"));
    let reply = collector.post(native("", &[r#"{"seq":0,"type":"\u0024ledger","ts":1710320000123}"#]));
    assert_eq!(reply.status, 422, "in any spelling");
    let reply = collector.post(native("", &[r#"{"seq":0,"type":"$exposure","ts":1710320000123}"#]));
    assert_eq!(reply.status, 204);
}

//! The program on a real broker, whose address is in `HEADWATER_KAFKA`: `cargo xtask kafka` starts one. Whatever
//! happens, **every event whose request was answered 2xx is in the topic**.
#![expect(clippy::unwrap_used, reason = "clippy knows test functions, not what they share")]
#![expect(clippy::print_stderr, reason = "whoever runs them hears what was skipped")]

mod broker;
mod dead_letters;
mod load;
mod program;
mod registry;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use broker::Topic;
use load::Load;
use program::Program;
use support::until;

/// Partitions of every topic here.
const PARTITIONS: i32 = 6;

#[test]
fn topics_are_created_once_and_never_changed() {
    let Some(topic) = Topic::new("apply") else { return };
    let said = topic.apply(PARTITIONS);
    assert!(said.contains(&format!("{}: created, {PARTITIONS} partitions", topic.name)), "{said}");
    assert!(said.contains(&format!("{}-dlq: created", topic.name)), "{said}");
    let again = topic.apply(PARTITIONS + 1);
    assert!(again.contains(&format!("{}: is there and differs, left as it is", topic.name)), "{again}");
}

#[test]
fn what_is_accepted_is_in_the_topic_and_a_large_one_is_a_dead_letter() {
    let Some(topic) = Topic::created("accept", PARTITIONS) else { return };
    let program = Program::start(&topic, &[]);
    let body = [support::event(1, 1), support::padded(1, 2, 1_100_000), support::event(1, 3)].join("\n");
    let answer = program.post(body.as_bytes()).expect("an answer");
    assert_eq!((answer.status, answer.ack.as_deref()), (200, Some("3")), "{answer:?}");
    assert_eq!(answer.incarnation.map(|id| id.len()), Some(32));
    assert_eq!(topic.events(), [(1, 1), (1, 3)].into(), "the second is named in the ledger");
    assert_eq!(topic.dead_letters(), 1);
    assert!(program.stop().success());
}

#[test]
fn a_trace_is_in_the_headers_of_its_records_and_of_no_others() {
    let Some(topic) = Topic::created("trace", PARTITIONS) else { return };
    let program = Program::start(&topic, &[]);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = [("traceparent", parent), ("tracestate", "a=1")];
    for (seq, headers) in [(1, &traced[..]), (2, &traced[..1]), (3, &[])] {
        let body = support::event(1, seq);
        assert_eq!(program.post_with(headers, body.as_bytes()).expect("an answer").status, 200);
        let expected: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(topic.headers_of(body.as_bytes()), [expected]);
    }
    assert!(program.stop().success());
}

#[test]
fn a_broker_that_stands_still_under_load_loses_nothing() {
    let Some(topic) = Topic::created("still", PARTITIONS) else { return };
    let Some(pid) = broker::pid(&topic.broker) else { return };
    for spool in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let spool_dir = dir.path().to_str().unwrap();
        let settings: &[&str] = if spool { &["--spool", "on", "--spool-dir", spool_dir] } else { &[] };
        let program = Program::start(&topic, settings);
        let load = Load::start(program.address, if spool { 100 } else { 200 });
        until("some are accepted", || load.accepted() > 200);
        let paused = broker::Paused::new(pid);
        std::thread::sleep(Duration::from_secs(8));
        drop(paused);
        let before = load.accepted();
        until("others are accepted", || load.accepted() > before + 200);
        let accepted = load.stop();
        program.drained();
        assert!(program.stop().success());
        topic.holds(&accepted);
    }
}

#[test]
fn a_bridge_that_is_killed_keeps_what_its_spool_has() {
    let Some(topic) = Topic::created("killed", PARTITIONS) else { return };
    let Some(pid) = broker::pid(&topic.broker) else { return };
    let dir = tempfile::tempdir().unwrap();
    // Given up soon, so that the spool takes over while the broker stands still.
    let config = dir.path().join("bridge.toml");
    std::fs::write(&config, "[kafka]\nmessage_timeout_ms = 1500\n").unwrap();
    let spool_dir = dir.path().join("spool");
    let settings =
        ["--config", config.to_str().unwrap(), "--spool", "on", "--spool-dir", spool_dir.to_str().unwrap()];
    let program = Program::start(&topic, &settings);
    let load = Load::start(program.address, 300);
    until("some are accepted", || load.accepted() > 100);
    let paused = broker::Paused::new(pid);
    until("the spool has something", || program.metric("spooled_bytes") > 0);
    let before = load.accepted();
    until("the spool is what accepts", || load.accepted() > before + 100);
    program.kill();
    let accepted = load.stop();
    drop(paused);
    let program = Program::start(&topic, &settings);
    program.drained();
    assert!(program.stop().success());
    topic.holds(&accepted);
}

#[test]
fn sigterm_under_load_ends_in_order() {
    let Some(topic) = Topic::created("sigterm", PARTITIONS) else { return };
    let program = Program::start(&topic, &[]);
    let load = Load::start(program.address, 400);
    until("some are accepted", || load.accepted() > 500);
    assert!(program.stop().success());
    let accepted = load.stop();
    topic.holds(&accepted);
}

#[test]
fn a_topic_that_is_created_anew_is_another_incarnation_and_takes_events() {
    let Some(topic) = Topic::created("anew", PARTITIONS) else { return };
    let program = Program::start(&topic, &[]);
    let first = program.post(support::event(1, 1).as_bytes()).expect("an answer");
    assert_eq!(first.status, 200);
    topic.delete();
    topic.apply(PARTITIONS + 2);
    let mut seq = 1;
    let mut last = None;
    until("an answer speaks for the new topic", || {
        seq += 1;
        let Some(answer) = program.post(support::event(1, seq).as_bytes()) else { return false };
        let is_new = answer.status == 200 && answer.incarnation != first.incarnation;
        last = is_new.then_some(seq);
        is_new
    });
    let load = Load::start(program.address, 500);
    until("some are accepted", || load.accepted() > 200);
    let accepted = load.stop();
    assert!(program.stop().success());
    topic.holds(&accepted);
    assert!(topic.events().contains(&(1, last.expect("a number"))));
}

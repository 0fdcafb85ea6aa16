//! What the user decides about being recorded.
#![expect(clippy::unwrap_used, reason = "in helpers of tests a failure is a failed test")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use headwater_client::{Acceptance, Client, Decision, Error, Refusal, WhileUnknown};
use serde_json::{Value, json};
use support::{Answer, Receiver, drain, on_disk};

/// Part of every event that must not be found any more.
const SECRET: &str = "something-private";

fn track(client: &Client, count: u32) {
    for n in 0..count {
        client.track(SECRET, &json!({ "n": n })).unwrap();
    }
}

/// A client that sends nothing by itself within the test.
fn patient(receiver: &Receiver, journal: &Path) -> Client {
    receiver.builder(journal).flush_every(Duration::from_hours(1)).drain(Duration::ZERO).build().unwrap()
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

#[track_caller]
fn assert_refused(call: &Result<Acceptance, Error>, by: Refusal) {
    assert!(matches!(call, Err(Error::Refused(verdict)) if *verdict == by), "{call:?}");
}

/// Neither events nor ids are there.
#[track_caller]
fn assert_forgotten(journal: &Path) {
    let left = on_disk(journal);
    for private in [SECRET, "client_id", "user-7", "session_id", "plan"] {
        assert!(!left.contains(private), "{private}: {left}");
    }
    assert!(["identity", "registered", "session"].iter().all(|name| !journal.join(name).exists()));
}

#[test]
fn a_denial_purges_what_was_not_sent_and_the_server_hears_of_it_without_a_header() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let client = patient(&receiver, dir.path());
    client.identify("user-7", &()).unwrap();
    client.register(&json!({ "plan": "pro" })).unwrap();
    track(&client, 30);
    client.revenue(SECRET, 1_999, "EUR", &()).unwrap();
    assert!(on_disk(dir.path()).contains(SECRET));

    client.consent(Decision::Denied).unwrap();
    assert_forgotten(dir.path());
    assert_refused(&client.track("after", &()), Refusal::Consent);
    assert!(matches!(client.register(&json!({ "a": 1 })), Err(Error::Refused(Refusal::Consent))));
    drain(&client);
    let state = receiver.state();
    assert_eq!((state.counted(), state.headers().len()), (0, 0));
    assert_eq!(state.lost(), BTreeMap::from([("consent".to_owned(), 32)]));
    state.assert_nothing_in_flight();
    let said = state.requests.iter().map(Value::to_string).collect::<String>();
    assert!(!said.contains("client_id") && !said.contains(SECRET) && !said.contains("user-7"), "{said}");
    drop(state);
    client.close().unwrap();
    assert_forgotten(dir.path());
}

#[test]
fn a_denial_purges_the_logs_of_the_dead() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    for _ in 0..2 {
        let dead = patient(&receiver, dir.path());
        track(&dead, 10);
        // What is adopted goes at once: not before the denial.
        fs::write(dir.path().join("gate"), (now() + 2_000).to_string()).unwrap();
        assert!(matches!(dead.close(), Err(Error::Unsent(_))));
    }
    let client = receiver.client(dir.path());
    client.consent(Decision::Denied).unwrap();
    assert_forgotten(dir.path());
    drain(&client);
    let state = receiver.state();
    assert_eq!((state.counted(), state.lost()), (0, BTreeMap::from([("consent".to_owned(), 20)])));
    assert_eq!(state.headers().len(), 0);
}

#[test]
fn a_living_sibling_notices_a_denial_at_its_next_call_and_purges_its_own_log() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let (client, sibling) = (receiver.client(dir.path()), patient(&receiver, dir.path()));
    track(&sibling, 20);
    client.consent(Decision::Denied).unwrap();
    assert_refused(&sibling.track("after", &()), Refusal::Consent);
    drain(&sibling);
    assert_forgotten(dir.path());
    let state = receiver.state();
    assert_eq!((state.counted(), state.lost()), (0, BTreeMap::from([("consent".to_owned(), 20)])));
}

#[test]
fn a_denial_holds_for_the_next_run() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.client(dir.path()).consent(Decision::Denied).unwrap();
    let next = receiver.client(dir.path());
    assert_refused(&next.track("after", &()), Refusal::Consent);
    drain(&next);
    next.close().unwrap();
    assert_forgotten(dir.path());
    assert!(receiver.state().requests.is_empty());
}

#[test]
fn a_grant_after_a_denial_begins_anew_and_tells_how_many_calls_were_refused() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let client = receiver.client(dir.path());
    track(&client, 2);
    drain(&client);
    client.consent(Decision::Denied).unwrap();
    for _ in 0..3 {
        assert_refused(&client.track("between", &()), Refusal::Consent);
    }
    client.consent(Decision::Granted).unwrap();
    assert_eq!(client.track("after", &()).unwrap(), Acceptance::Accepted);
    drain(&client);
    let state = receiver.state();
    let events = state.events();
    assert_eq!(events.len(), 3);
    assert_ne!(events[1].0, events[2].0, "a stream of its own");
    assert_eq!(state.refused(), BTreeMap::from([("consent".to_owned(), 3)]));
    assert_eq!(state.lost(), BTreeMap::new(), "what was settled before is not named");
    state.assert_nothing_in_flight();
}

#[test]
fn calls_wait_for_a_grant_in_memory_and_are_accepted_with_their_own_times() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let client = receiver.builder(dir.path()).consent(Decision::Unknown).build().unwrap();
    client.register(&json!({ "plan": "pro" })).unwrap();
    assert_eq!(client.track(SECRET, &json!({ "n": 0 })).unwrap(), Acceptance::Held);
    assert_eq!(client.identify("user-7", &()).unwrap(), Acceptance::Held);
    assert_eq!(client.track(SECRET, &json!({ "n": 1 })).unwrap(), Acceptance::Held);
    client.revenue("order", 5, "EUR", &()).unwrap();
    client.flush(support::DEADLINE).unwrap();
    assert_eq!(client.pending(), 0);
    assert_forgotten(dir.path());
    assert!(receiver.state().requests.is_empty());
    // The times of a process have one order.
    let (elsewhere, other_dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let other = elsewhere.client(other_dir.path());
    other.track("before the grant", &()).unwrap();

    client.consent(Decision::Granted).unwrap();
    assert_eq!(client.track("later", &()).unwrap(), Acceptance::Accepted);
    drain(&client);
    let state = receiver.state();
    let events = state.events();
    let seen: Vec<_> = events
        .iter()
        .map(|(stream, event)| {
            let user = state.streams[*stream].header.as_ref().unwrap().1.clone();
            (event["type"].as_str().unwrap(), event["seq"].as_u64().unwrap(), user)
        })
        .collect();
    let user = json!("user-7");
    let expected = [
        ("custom", 0, Value::Null),
        ("identify", 0, user.clone()),
        ("custom", 1, user.clone()),
        ("custom", 0, user.clone()),
        ("custom", 2, user),
    ];
    assert_eq!(seen, expected);
    drain(&other);
    let before_grant = elsewhere.state().events()[0].1["ts"].as_u64().unwrap();
    let after_grant = |event: &Value| event["ts"].as_u64().unwrap() > before_grant;
    assert_eq!(
        events.iter().map(|(_, event)| after_grant(event)).collect::<Vec<_>>(),
        [false, false, false, false, true]
    );
    assert_eq!(events[2].1["props"], json!({ "plan": "pro", "n": 1 }));
    drop(state);
    // The grant holds for the next run.
    client.close().unwrap();
    let next = receiver.builder(dir.path()).consent(Decision::Unknown).build().unwrap();
    assert_eq!(next.track("next", &()).unwrap(), Acceptance::Accepted);
}

#[test]
fn a_sibling_that_waits_hears_of_the_grant_and_is_the_same_client() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let unknown = || receiver.builder(dir.path()).consent(Decision::Unknown).build().unwrap();
    let (client, sibling) = (unknown(), unknown());
    assert_eq!(sibling.track("held", &()).unwrap(), Acceptance::Held);
    client.consent(Decision::Granted).unwrap();
    client.track("granted", &()).unwrap();
    assert_eq!(sibling.track("accepted", &()).unwrap(), Acceptance::Accepted);
    drain(&client);
    drain(&sibling);
    let state = receiver.state();
    assert_eq!((state.counted(), state.headers().len()), (3, 2));
    assert_eq!(state.headers()[0], state.headers()[1]);
}

#[test]
fn what_waits_is_dropped_by_a_denial_and_counted_as_refused() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let client = receiver.builder(dir.path()).consent(Decision::Unknown).build().unwrap();
    track(&client, 5);
    client.consent(Decision::Denied).unwrap();
    assert_forgotten(dir.path());
    client.consent(Decision::Granted).unwrap();
    client.track("granted", &()).unwrap();
    drain(&client);
    let state = receiver.state();
    assert_eq!((state.counted(), state.known()), (1, 1));
    assert_eq!(state.refused(), BTreeMap::from([("consent".to_owned(), 5)]));
}

#[test]
fn what_waits_is_bounded_and_a_program_may_want_none_to_wait() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let client = receiver.builder(dir.path()).consent(Decision::Unknown).build().unwrap();
    let large = json!({ "text": "x".repeat(10_000) });
    let held = (0..1_000).take_while(|_| client.track("large", &large).is_ok()).count();
    assert_eq!(held, (256 << 10) / 10_080);
    assert_refused(&client.track("large", &large), Refusal::Waiting);
    client.consent(Decision::Granted).unwrap();
    drain(&client);
    assert_eq!(receiver.state().counted(), held);
    drop(client);

    let dir = tempfile::tempdir().unwrap();
    let strict = receiver.builder(dir.path()).consent(Decision::Unknown).while_unknown(WhileUnknown::Refuse);
    let client = strict.build().unwrap();
    assert_refused(&client.track("refused", &()), Refusal::Waiting);
    assert_refused(&client.identify("user-7", &()), Refusal::Waiting);
    client.consent(Decision::Granted).unwrap();
    client.track("granted", &()).unwrap();
    drain(&client);
    let state = receiver.state();
    assert_eq!(state.refused(), BTreeMap::from([("waiting".to_owned(), 4)]));
    assert_eq!(state.events().last().unwrap().1["name"], "granted");
}

#[test]
fn consent_that_is_unknown_again_holds_new_calls_and_sends_the_old_ones() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.answer(|_| Answer::Busy);
    let client = receiver.client(dir.path());
    track(&client, 3);
    client.consent(Decision::Unknown).unwrap();
    assert_eq!(client.track("held", &()).unwrap(), Acceptance::Held);
    receiver.answer(|_| Answer::Settled);
    drain(&client);
    assert_eq!(receiver.state().counted(), 3);
    assert_eq!(receiver.state().lost(), BTreeMap::new());
    client.consent(Decision::Granted).unwrap();
    drain(&client);
    assert_eq!(receiver.state().counted(), 4);
}

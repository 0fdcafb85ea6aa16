//! What a server may say beside what became of the events.

mod support;

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use headwater_client::{Client, Error, Refusal};
use serde_json::json;
use support::{Answer, Receiver, drain, eventually, on_disk};

/// Tracks until a call is refused by the verdict; how many were accepted before.
#[track_caller]
fn accepted_until(client: &Client, verdict: Refusal) -> usize {
    let deadline = Instant::now() + support::DEADLINE;
    let mut accepted = 0;
    loop {
        match client.track("numbered", &json!({ "n": accepted })) {
            Ok(_) => accepted += 1,
            Err(Error::Refused(by)) if by == verdict => return accepted,
            Err(error) => panic!("{error}"),
        }
        assert!(Instant::now() < deadline, "{accepted} calls were accepted");
        let _ = client.flush(Duration::from_millis(20));
    }
}

#[test]
fn a_stop_is_obeyed_by_siblings_and_later_runs_and_told() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.answer(|_| Answer::Saying(r#"{"settings":{"stop_ms":600000}}"#));
    let (client, sibling) = (receiver.client(dir.path()), receiver.client(dir.path()));
    let accepted = accepted_until(&client, Refusal::Stopped);
    assert!(matches!(sibling.track("sibling", &()), Err(Error::Refused(Refusal::Stopped))));
    drain(&client);
    client.close().unwrap();
    let next = receiver.client(dir.path());
    assert!(matches!(next.track("next", &()), Err(Error::Refused(Refusal::Stopped))));
    assert_eq!(receiver.state().counted(), accepted, "what was accepted is sent nevertheless");
}

#[test]
fn a_client_outside_the_sample_is_refused_until_the_sample_grows() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.answer(|_| Answer::Saying(r#"{"settings":{"sample":0}}"#));
    let client = receiver.client(dir.path());
    let accepted = accepted_until(&client, Refusal::Sampled);
    eventually(&client, || receiver.state().refused() == BTreeMap::from([("sampled".to_owned(), 1)]));
    client.close().unwrap();

    receiver.answer(|_| Answer::Saying(r#"{"settings":{}}"#));
    let next = receiver.client(dir.path());
    assert!(matches!(next.track("next", &()), Err(Error::Refused(Refusal::Sampled))), "kept");
    // Its refused call is told, and the answer takes the setting back.
    eventually(&next, || next.track("back", &()).is_ok());
    drain(&next);
    assert_eq!(receiver.state().counted(), accepted + 1);
    receiver.state().assert_nothing_in_flight();
}

#[test]
fn calls_beyond_the_cap_are_refused_and_counted() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.answer(|_| Answer::Saying(r#"{"settings":{"calls_per_minute":8}}"#));
    let client = receiver.client(dir.path());
    let accepted = accepted_until(&client, Refusal::RateCap);
    assert!(accepted >= 8, "{accepted}");
    eventually(&client, || receiver.state().refused().contains_key("rate_cap"));
    assert_eq!(receiver.state().counted(), accepted);
}

#[test]
fn a_flush_interval_from_the_server_holds_also_in_the_next_run() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.answer(|_| Answer::Saying(r#"{"settings":{"flush_ms":100}}"#));
    let patient = || receiver.builder(dir.path()).flush_every(Duration::from_hours(1)).build().unwrap();
    let client = patient();
    client.track("first", &()).unwrap();
    drain(&client);
    client.close().unwrap();
    let next = patient();
    next.track("second", &()).unwrap();
    let deadline = Instant::now() + support::DEADLINE;
    while receiver.state().counted() < 2 {
        assert!(Instant::now() < deadline, "it waits an hour");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_server_may_have_everything_erased() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    receiver.answer(|_| Answer::Busy);
    let dead = receiver.builder(dir.path()).drain(Duration::ZERO).build().unwrap();
    dead.track("something-private", &()).unwrap();
    dead.close().unwrap_err();
    let client = receiver.client(dir.path());
    client.identify("user-7", &()).unwrap();
    client.register(&json!({ "plan": "pro" })).unwrap();
    for n in 0..5_000 {
        client.track("something-private", &json!({ "n": n })).unwrap();
    }
    let mut first = true;
    receiver.answer(move |_| {
        if std::mem::take(&mut first) { Answer::Saying(r#"{"erase":true}"#) } else { Answer::Settled }
    });
    let private = |text: &str| ["something-private", "user-7", "plan"].iter().any(|word| text.contains(word));
    eventually(&client, || !private(&on_disk(dir.path())));
    client.track("after", &()).unwrap();
    drain(&client);
    let state = receiver.state();
    state.assert_nothing_in_flight();
    assert_eq!(state.lost().keys().collect::<Vec<_>>(), ["consent"]);
    let events = state.events();
    let (stream, after) = events.last().unwrap();
    let (client_id, user_id, _) = state.streams[*stream].header.as_ref().unwrap();
    assert_eq!((&after["name"], user_id, &after["props"]), (&json!("after"), &json!(null), &json!(null)));
    let same = |books: &&support::Books| books.header.as_ref().is_some_and(|header| header.0 == *client_id);
    assert_eq!(state.streams.values().filter(same).count(), 1);
}

//! Who the events are of, and what goes with them.

mod support;

use headwater_client::{Acceptance, Error};
use serde_json::{Value, json};
use support::{Receiver, drain, eventually};

#[test]
fn every_call_is_an_event_with_its_type_name_and_props() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let client = receiver.client(dir.path());
    let calls = [
        client.alias("user-7-old"),
        client.group("team-1", &json!({ "seats": 5 })),
        client.set(&json!({ "plan": "pro" })),
        client.set_once(&json!({ "first": "2026" })),
        client.increment("logins", 2),
        client.exposure("new-checkout", "b"),
        client.track("closed", &()),
    ];
    assert!(calls.into_iter().all(|call| call.unwrap() == Acceptance::Accepted));
    drain(&client);
    let state = receiver.state();
    let said: Vec<_> = state
        .events()
        .into_iter()
        .map(|(_, event)| (event["type"].clone(), event["name"].clone(), event["props"].clone()))
        .collect();
    let expected = [
        ("alias", "user-7-old", Value::Null),
        ("group", "team-1", json!({ "seats": 5 })),
        ("$set", "", json!({ "set": { "plan": "pro" } })),
        ("$set", "", json!({ "set_once": { "first": "2026" } })),
        ("$set", "", json!({ "increment": { "logins": 2 } })),
        ("$exposure", "new-checkout", json!({ "variant": "b" })),
        ("custom", "closed", Value::Null),
    ];
    let name = |name: &str| if name.is_empty() { Value::Null } else { json!(name) };
    assert_eq!(said, expected.map(|(kind, of, props)| (json!(kind), name(of), props)));
    assert_eq!(state.streams.len(), 1, "none of them begins a stream");
}

#[test]
fn money_goes_in_a_stream_of_its_own_under_the_same_header() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let client = receiver.client(dir.path());
    client.track("viewed", &()).unwrap();
    client.revenue("order", 1_999, "EUR", &json!({ "items": 3 })).unwrap();
    client.revenue("refund", -500, "EUR", &()).unwrap();
    client.track("left", &()).unwrap();
    drain(&client);
    let state = receiver.state();
    let events = state.events();
    let [(ordinary, _), (precious, order), (same, refund), (too, _)] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((order["revenue"].as_i64(), order["currency"].as_str()), (Some(1_999), Some("EUR")));
    assert_eq!((refund["revenue"].as_i64(), refund["seq"].as_u64()), (Some(-500), Some(1)));
    assert!(ordinary == too && precious == same && ordinary != precious);
    let headers = state.headers();
    assert_eq!((headers.len(), headers[0]), (2, headers[1]));
}

#[test]
fn what_is_registered_goes_with_every_event_also_of_the_next_run() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let client = receiver.client(dir.path());
    client.register(&json!({ "plan": "pro", "beta": true })).unwrap();
    client.track("a", &json!({ "plan": "own" })).unwrap();
    client.unregister("beta").unwrap();
    client.revenue("b", 1, "EUR", &()).unwrap();
    client.identify("user-7", &json!({ "name": "u" })).unwrap();
    drain(&client);
    client.close().unwrap();
    let next = receiver.client(dir.path());
    next.track("c", &json!({ "n": 1 })).unwrap();
    drain(&next);
    let state = receiver.state();
    let props: Vec<_> = state.events().into_iter().map(|(_, event)| event["props"].clone()).collect();
    let expected = [
        json!({ "plan": "own", "beta": true }),
        json!({ "plan": "pro" }),
        json!({ "name": "u" }),
        json!({ "plan": "pro", "n": 1 }),
    ];
    assert_eq!(props, expected);
}

#[test]
fn an_identified_user_is_known_to_later_runs_and_to_siblings_at_their_next_call() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let (client, sibling) = (receiver.client(dir.path()), receiver.client(dir.path()));
    sibling.track("before", &()).unwrap();
    client.identify("user-7", &()).unwrap();
    client.register(&json!({ "plan": "pro" })).unwrap();
    sibling.track("after", &()).unwrap();
    drain(&client);
    drain(&sibling);
    client.close().unwrap();
    let next = receiver.client(dir.path());
    next.track("later", &()).unwrap();
    drain(&next);
    let state = receiver.state();
    let user = |name: &str| {
        let events = state.events();
        let (stream, event) = events.iter().find(|(_, event)| event["name"] == name).unwrap();
        (state.streams[*stream].header.as_ref().unwrap().1.clone(), event["props"].clone())
    };
    assert_eq!(user("before"), (Value::Null, Value::Null));
    assert_eq!(user("after"), (json!("user-7"), json!({ "plan": "pro" })));
    assert_eq!(user("later"), (json!("user-7"), json!({ "plan": "pro" })));
    let clients: std::collections::BTreeSet<_> =
        state.headers().into_iter().map(|header| header.0.to_string()).collect();
    assert_eq!(clients.len(), 1, "all of one directory are one client: {clients:?}");
}

#[test]
fn a_reset_leaves_nothing_that_links_the_one_before_to_the_one_after() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let (client, sibling) = (receiver.client(dir.path()), receiver.client(dir.path()));
    client.identify("user-7", &()).unwrap();
    client.register(&json!({ "plan": "pro" })).unwrap();
    client.revenue("order", 1, "EUR", &()).unwrap();
    drain(&client);
    client.reset().unwrap();
    client.track("after", &()).unwrap();
    client.revenue("order", 1, "EUR", &()).unwrap();
    drain(&client);
    sibling.track("sibling", &()).unwrap();
    drain(&sibling);
    let state = receiver.state();
    let of = |stream: &str| state.streams[stream].header.clone().unwrap();
    let events = state.events();
    let ((before, first), (after, second), (_, last)) = (events[0], events[2], events[4]);
    let (client_before, _, context_before) = of(before);
    let (client_after, user_after, context_after) = of(after);
    assert_ne!(client_before, client_after);
    assert!(context_before["device_id"].is_string() && context_after["device_id"].is_string());
    assert_ne!(context_before["device_id"], context_after["device_id"]);
    assert_ne!(first["session_id"], second["session_id"]);
    assert_eq!((user_after, &second["props"]), (Value::Null, &Value::Null));
    assert_eq!(of(events[3].0).0, client_after, "its lane too");
    assert_eq!((of(events[4].0).0, &last["props"]), (client_after, &Value::Null), "the sibling too");
}

#[test]
fn an_identity_that_the_program_gives_is_neither_kept_nor_shared() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let given = receiver.builder(dir.path()).client_id("machine-7").build().unwrap();
    let drawn = receiver.client(dir.path());
    given.identify("user-7", &()).unwrap();
    drawn.track("drawn", &()).unwrap();
    drain(&given);
    drain(&drawn);
    given.reset().unwrap();
    given.track("reset", &()).unwrap();
    drain(&given);
    let state = receiver.state();
    let header = |name: &str| {
        let events = state.events();
        let (stream, _) =
            events.iter().find(|(_, event)| event["name"] == name || event["type"] == name).unwrap();
        state.streams[*stream].header.clone().unwrap()
    };
    let identified = header("identify");
    assert_eq!((&identified.0, &identified.1), (&json!("machine-7"), &json!("user-7")));
    assert!(identified.2["device_id"].is_null());
    assert_eq!(header("drawn").1, Value::Null);
    assert_ne!(header("reset").0, identified.0);
}

#[test]
fn times_increase_over_all_clients_of_the_process() {
    let receiver = Receiver::start();
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let clients = [receiver.client(dirs[0].path()), receiver.client(dirs[1].path())];
    for n in 0..200 {
        clients[n % 2].track("numbered", &json!({ "n": n })).unwrap();
    }
    clients.iter().for_each(drain);
    let state = receiver.state();
    let events = state.events();
    assert!(events.iter().map(|(_, event)| event["props"]["n"].as_u64().unwrap()).eq(0..200));
    assert!(events.is_sorted_by(|a, b| a.1["ts"].as_u64() < b.1["ts"].as_u64()));
}

#[test]
fn calls_that_cannot_be_written_are_refused_and_counted() {
    let (receiver, dir) = (Receiver::start(), tempfile::tempdir().unwrap());
    let client = receiver.client(dir.path());
    assert!(matches!(client.track("", &()), Err(Error::Text { what: "name", .. })));
    assert!(matches!(client.track("a", &[1]), Err(Error::PropsShape)));
    assert!(matches!(client.identify("", &()), Err(Error::Text { what: "user id", .. })));
    assert!(matches!(client.identify(&"x".repeat(257), &()), Err(Error::Text { .. })));
    assert!(matches!(client.revenue("order", 1, "euro", &()), Err(Error::Currency)));
    let large = json!({ "text": "x".repeat(headwater_client::MAX_EVENT_BYTES) });
    assert!(matches!(client.track("large", &large), Err(Error::TooLarge(_))));
    eventually(&client, || receiver.state().refused().get("invalid") == Some(&6));
    client.track("good", &()).unwrap();
    drain(&client);
    let state = receiver.state();
    assert_eq!((state.counted(), state.known()), (1, 1));
}

//! Who the visitor is, and what it allows.

use headwater_core::{
    client::{Decision, Outcome, Purpose, Settings},
    refusal::Refusal,
};
use headwater_test_shell::{Call, Called, Event, Fact, Happening, Kind, Shared};

use crate::device::{Device, batch, events, kept};

const ANALYTICS: Purpose = Purpose(0);
const MARKETING: Purpose = Purpose(1);

#[test]
fn identify_begins_a_stream_and_its_event_is_the_first_there() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    let (before, _) = device.track(&mut page, "a");
    let called = device.call(&mut page, &Call::Identify("ann".into(), vec![]));
    let Called::Accepted { stream, seq: 0 } = called else { panic!("{called:?}") };
    assert_ne!(stream, before);
    device.wait(&mut page, 500);
    let sent = page.take_sends();
    assert_eq!(batch(&sent[0])["user_id"], serde_json::Value::Null);
    assert_eq!(batch(&sent[1])["user_id"], "ann");
    assert_eq!(batch(&sent[0])["client_id"], batch(&sent[1])["client_id"]);
}

#[test]
fn nothing_links_what_follows_a_reset_to_what_was_before() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    device.track(&mut page, "a");
    device.call(&mut page, &Call::Reset);
    device.track(&mut page, "b");
    device.wait(&mut page, 500);
    let sent = page.take_sends();
    let ids = |at: usize| {
        let (batch, event) = (batch(&sent[at]), events(&sent[at]).remove(0));
        [batch["client_id"].clone(), batch["context"]["device_id"].clone(), event["session_id"].clone()]
    };
    for (before, after) in ids(0).into_iter().zip(ids(1)) {
        assert_ne!(before, after);
    }
}

#[test]
fn another_pages_identify_is_noticed_before_the_next_append() {
    let mut device = Device::new(Kind::Web);
    let (mut one, mut other) = (device.open(), device.open());
    device.track(&mut one, "a");
    let (before, _) = device.track(&mut other, "b");
    device.call(&mut one, &Call::Identify("ann".into(), vec![]));
    let (after, seq) = device.track(&mut other, "c");
    assert_eq!((after == before, seq), (false, 0));
    assert_eq!(other.identity(), one.identity());
}

#[test]
fn calls_wait_for_consent_up_to_a_bound_and_are_appended_with_their_own_time() {
    let mut device = Device::new(Kind::Web);
    (device.setup.consent, device.setup.waiting_max) = (Decision::Unknown, 2);
    let mut page = device.open();
    for expected in [Called::Held, Called::Held, Called::Refused(Refusal::Waiting)] {
        assert_eq!(device.call(&mut page, &Call::track("a")), expected);
    }
    assert_eq!(device.disk.writes(), 0, "nothing is stored while consent is unknown");
    device.now += 60_000;
    device.call(&mut page, &Call::Consent(ANALYTICS, Decision::Granted));
    device.wait(&mut page, 500);
    let sent = page.take_sends().remove(0);
    let ts: Vec<_> = events(&sent).iter().map(|event| event["ts"].as_u64().expect("ts")).collect();
    assert_eq!(ts, [1_710_320_000_001, 1_710_320_000_002]);
    assert_eq!(batch(&sent)["refused"]["waiting"], 1);
}

#[test]
fn whoever_is_identified_while_consent_is_unknown_is_so_once_it_is_granted() {
    let mut device = Device::new(Kind::Web);
    device.setup.consent = Decision::Unknown;
    let mut page = device.open();
    device.call(&mut page, &Call::track("a"));
    device.call(&mut page, &Call::Identify("ann".into(), vec![]));
    device.call(&mut page, &Call::Consent(ANALYTICS, Decision::Granted));
    device.wait(&mut page, 500);
    let users: Vec<_> = page.take_sends().iter().map(|sent| batch(sent)["user_id"].clone()).collect();
    assert_eq!(users, [serde_json::Value::Null, "ann".into()]);
}

#[test]
fn a_denial_purges_and_leaves_a_request_without_a_header() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    let (stream, _) = device.track(&mut page, "a");
    device.call(&mut page, &Call::Consent(ANALYTICS, Decision::Denied));
    assert!(kept(&device.disk).is_empty());
    let sent = page.take_sends().remove(0);
    let said = batch(&sent);
    assert_eq!((sent.stream, &said["lost"]), (stream, &serde_json::json!([[0, 1, "consent"]])));
    assert!(said["client_id"].is_null() && events(&sent).is_empty());
    assert_eq!(device.call(&mut page, &Call::track("b")), Called::Refused(Refusal::Consent));
    assert!(page.identity().is_none());
    device.settle(&mut page, &sent);
    assert!(device.disk.streams().is_empty());
}

#[test]
fn a_denial_holds_for_its_purpose_only() {
    let mut device = Device::new(Kind::Web);
    device.setup.purposes = 2;
    let mut page = device.open();
    device.track(&mut page, "a");
    let marketing =
        |name: &'static str| Call::Event(Event { name: name.into(), purpose: MARKETING, ..Event::default() });
    device.call(&mut page, &marketing("b"));
    assert_eq!(kept(&device.disk).len(), 2);
    device.call(&mut page, &Call::Consent(MARKETING, Decision::Denied));
    assert_eq!(kept(&device.disk), ["a"]);
    assert_eq!(device.call(&mut page, &marketing("c")), Called::Refused(Refusal::Consent));
    device.track(&mut page, "d");
    assert!(page.identity().is_some());
}

#[test]
fn a_purchase_has_a_lane_of_its_own() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    let (lane, _) = device.track(&mut page, "a");
    let called = device.call(&mut page, &Call::revenue("order", 4200, "EUR"));
    assert!(matches!(called, Called::Accepted { stream, seq: 0 } if stream != lane), "{called:?}");
    assert_eq!(device.track(&mut page, "b"), (lane, 1));
}

#[test]
fn a_gate_and_a_session_are_kept_for_the_next_shell() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    device.track(&mut page, "a");
    device.wait(&mut page, 500);
    let sent = page.take_sends().remove(0);
    let outcome = Outcome::Answer { status: 503, ack: Some(0), retry_after: Some(5_000), time: None };
    device.tell(&mut page, Happening::Answered { request: sent.request, outcome });
    let shared = page.take_shared();
    assert!(shared.iter().any(|shared| matches!(shared, Shared::Gate { .. })), "{shared:?}");
    assert!(shared.iter().any(|shared| matches!(shared, Shared::Session(Some(_)))), "{shared:?}");
    page.kill();
    let mut next = device.open_and_adopt();
    device.wait(&mut next, 4_000);
    assert!(next.take_sends().is_empty());
    device.wait(&mut next, 2_000);
    assert_eq!(events(&next.take_sends()[0])[0]["session_id"], events(&sent)[0]["session_id"]);
}

#[test]
fn a_stopped_site_refuses_calls_in_every_page_and_in_the_next() {
    let mut device = Device::new(Kind::Web);
    let (mut one, mut other) = (device.open(), device.open());
    device.track(&mut one, "a");
    device.tell(&mut one, Happening::Settings(Settings { stop_ms: 60_000, ..Settings::default() }));
    assert_eq!(device.call(&mut one, &Call::track("b")), Called::Refused(Refusal::Stopped));
    for shared in one.take_shared() {
        device.tell(&mut other, Happening::Shared(shared));
    }
    assert_eq!(device.call(&mut other, &Call::track("c")), Called::Refused(Refusal::Stopped));
    let mut next = device.open();
    assert_eq!(device.call(&mut next, &Call::track("d")), Called::Refused(Refusal::Stopped));
    device.now += 120_000;
    device.tell(&mut next, Happening::Timeout);
    device.track(&mut next, "e");
}

#[test]
fn an_erasure_purges_and_draws_a_new_visitor() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    device.track(&mut page, "a");
    let before = page.identity().cloned();
    device.tell(&mut page, Happening::Erase);
    assert!(kept(&device.disk).is_empty());
    device.track(&mut page, "b");
    assert_ne!(page.identity().map(|id| (id.client, id.device)), before.map(|id| (id.client, id.device)));
}

#[test]
fn a_plugin_and_the_length_of_an_event_refuse_it_before_it_has_a_seq() {
    let mut device = Device::new(Kind::Web);
    device.setup.plugin_drops = vec!["secret".into()];
    let mut page = device.open();
    assert_eq!(device.call(&mut page, &Call::track("secret")), Called::Refused(Refusal::Plugin));
    let long = Call::track("x".repeat(60_000));
    assert_eq!(device.call(&mut page, &long), Called::Refused(Refusal::Invalid));
    let (stream, seq) = device.track(&mut page, "a");
    assert_eq!(seq, 0);
    assert!(!page.take_facts().contains(&Fact::StreamForgotten { stream }));
    device.wait(&mut page, 500);
    let refused = batch(&page.take_sends()[0])["refused"].clone();
    assert_eq!(refused, serde_json::json!({"invalid": 1, "plugin": 1}));
}

#[test]
fn a_registered_property_is_on_every_event_until_it_is_unregistered_or_the_visitor_reset() {
    let mut device = Device::new(Kind::Web);
    let mut page = device.open();
    device.call(&mut page, &Call::Register("plan".into(), "\"pro\"".into()));
    device.track(&mut page, "a");
    device.call(&mut page, &Call::Unregister("plan".into()));
    device.track(&mut page, "b");
    device.wait(&mut page, 500);
    let sent = page.take_sends().remove(0);
    let plans: Vec<_> = events(&sent).iter().map(|event| event["props"]["plan"].clone()).collect();
    assert_eq!(plans, ["pro".into(), serde_json::Value::Null]);
}

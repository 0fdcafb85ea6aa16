//! Segment's HTTP API: bodies as its SDKs write them become events, each counted once.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use headwater_collector::{Credentials, Refusal, Reply, Sites, Surroundings, segment};
use headwater_schema::{Event, Record};
use proptest::prelude::*;

use crate::common::{NOW, message, status_and_ack};

const SITES: &str =
    "[[site]]\nid = \"site-123\"\norigins = [\"https://shop.example\"]\nsecret_keys = [\"key-1\"]\n";

/// What @segment/analytics-node posts to `/v1/batch`, two calls of it.
const NODE: &str = r#"{"batch":[
  {"userId":"user-7","anonymousId":"anon-1","event":"Order Completed","properties":{"revenue":19.99,"currency":"EUR","items":["a"]},
   "type":"track","_metadata":{"nodeVersion":"20.1.0","jsRuntime":"node"},"integrations":{},
   "context":{"library":{"name":"@segment/analytics-node","version":"2.2.0"},"ip":"8.8.8.8","userAgent":"x"},
   "timestamp":"2024-03-13T08:53:29.000Z","messageId":"node-next-1710320009000-0a1b"},
  {"userId":"user-7","traits":{"plan":"pro"},"type":"identify","context":{},"timestamp":"2024-03-13T08:53:29.500Z",
   "messageId":"node-next-1710320009500-2c3d"}],
  "sentAt":"2024-03-13T08:53:30.123Z","writeKey":"site-123"}"#;

/// What analytics.js posts to `/v1/p`, with its key in the body.
const BROWSER: &str = r#"{"timestamp":"2024-03-13T08:53:29.000Z","integrations":{},"anonymousId":"anon-1","type":"page","name":"Pricing",
  "properties":{"path":"/pricing","referrer":"https://google.com/","search":"","title":"Pricing","url":"https://shop.example/pricing#top","name":"Pricing"},
  "context":{"page":{"path":"/pricing","url":"https://shop.example/pricing"},"locale":"en-GB","timezone":"Europe/London",
    "library":{"name":"analytics.js","version":"npm:next-1.70.0"},"screen":{"width":1512,"height":982},"campaign":{"source":"news letter","name":"spring"}},
  "messageId":"ajs-next-1710320009000-0a1b","writeKey":"site-123","userId":null,"sentAt":"2024-03-13T08:53:30.100Z","_metadata":{"bundled":[]}}"#;

fn run(kind: &str, body: &str, authorization: Option<&str>) -> Result<(Reply, Vec<Record>), Refusal> {
    let sites = Sites::from_toml(SITES).expect("a good file");
    let kind = segment::Kind::of(kind).expect("a call");
    let calls = segment::read(kind, body.as_bytes(), authorization, NOW)?;
    let credentials = Credentials { authorization: calls.login().authorization(), origin: None };
    let mut forwarding = calls
        .decoded()?
        .authorise(&sites, &credentials)?
        .admit(NOW)?
        .look_up(|_, _| false)
        .enrich(Surroundings::default())
        .forward();
    let records = forwarding.take_records();
    let answered = forwarding.answered(Ok(()));
    assert_eq!(answered.tally().accepted + answered.tally().rejected, answered.tally().total());
    let records = records.iter().map(|bytes| Record::from_slice(bytes).expect("a record")).collect();
    Ok((answered.reply(), records))
}

fn post(kind: &str, body: &str, authorization: Option<&str>) -> (Reply, Vec<Event>) {
    let (reply, records) =
        run(kind, body, authorization).unwrap_or_else(|refusal| (refusal.reply(), Vec::new()));
    let events = records.into_iter().filter_map(|record| match record {
        Record::Event(event) => Some(*event),
        Record::Ledger(_) => None,
    });
    (segment::answer(reply), events.collect())
}

fn basic(key: &str) -> String {
    format!("Basic {}", STANDARD.encode(key))
}

#[test]
fn a_batch_of_the_node_sdk_becomes_events() {
    let (reply, events) = post("batch", NODE, Some(&basic("site-123:")));
    assert_eq!((reply.status, &*reply.body), (200, &br#"{"success":true}"#[..]));
    assert_eq!(status_and_ack(&reply), (200, "2"));
    let [order, identify] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&*order.event_type, order.name.as_deref()), ("custom", Some("Order Completed")));
    assert_eq!((&*order.client_id, order.user_id.as_deref()), ("anon-1", Some("user-7")));
    assert_eq!((order.revenue, order.currency.as_deref()), (Some(1_999), Some("EUR")));
    assert_eq!((order.ts, order.sent_at), (1_710_320_009_000, 1_710_320_010_123));
    assert_eq!(order.sdk.as_deref(), Some("@segment/analytics-node/2.2.0"));
    assert!(order.props.as_ref().expect("props").get().contains(r#""items":["a"]"#));
    assert_eq!((&*identify.event_type, &*identify.client_id), ("identify", "user-7"));
    assert_eq!(identify.props.as_ref().expect("traits").get(), r#"{"plan":"pro"}"#);
}

#[test]
fn a_page_of_the_browser_sdk_becomes_a_page_view() {
    let (reply, events) = post("p", BROWSER, None);
    assert_eq!(reply.status, 200);
    let page = &events[0];
    assert_eq!((&*page.event_type, page.name.as_deref()), ("pageview", Some("Pricing")));
    assert_eq!(page.path.as_deref(), Some("/pricing"));
    assert_eq!(page.referrer.as_deref(), Some("https://google.com/"));
    assert_eq!(
        (page.utm_source.as_deref(), page.utm_campaign.as_deref()),
        (Some("news letter"), Some("spring"))
    );
    assert!(page.url.as_ref().expect("an address").ends_with("#top"));
    let context =
        (page.platform.as_deref(), page.locale.as_deref(), page.timezone.as_deref(), page.screen.as_deref());
    assert_eq!(context, (Some("web"), Some("en-GB"), Some("Europe/London"), Some("1512x982")));
}

#[test]
fn a_retry_has_the_same_ids_though_it_is_sent_later() {
    let ids = |body: &str| -> Vec<_> {
        post("batch", body, None).1.into_iter().map(|event| event.event_id).collect()
    };
    let again = NODE.replace("08:53:30.123Z", "08:53:39.000Z");
    assert_eq!(ids(NODE), ids(&again));
    assert_ne!(ids(NODE), ids(&NODE.replace("-0a1b", "-ffff").replace("-2c3d", "-eeee")));
}

#[test]
fn a_wrong_clock_is_corrected_by_when_it_was_sent() {
    let slow = NODE.replace("2024-03-13T08", "2024-03-13T05");
    assert_eq!(post("batch", &slow, None).1[0].timestamp, NOW - 1_123);
}

#[test]
fn the_other_calls_have_types_of_their_own() {
    for (kind, body, event_type, name) in [
        ("screen", r#"{"userId":7,"name":"Home"}"#, "screen", Some("Home")),
        ("group", r#"{"userId":"u","groupId":"g-1","traits":{"size":3}}"#, "group", Some("g-1")),
        ("alias", r#"{"userId":"u","previousId":"anon"}"#, "alias", Some("anon")),
        ("identify", r#"{"anonymousId":"a"}"#, "identify", None),
        ("track", r#"{"userId":"u","event":"Odd","properties":null,"context":7}"#, "custom", Some("Odd")),
    ] {
        let (reply, events) = post(kind, body, Some(&basic("site-123")));
        assert_eq!(reply.status, 200, "{kind}: {:?}", String::from_utf8_lossy(&reply.body));
        assert_eq!((&*events[0].event_type, events[0].name.as_deref()), (event_type, name));
        assert_eq!(events[0].ts, NOW, "no time at all");
    }
}

#[test]
fn a_call_that_is_none_is_rejected_alone() {
    for (call, flaw) in [
        (r#"{"type":"track","event":"x"}"#, "userId: missing"),
        (r#"{"type":"track","userId":"u"}"#, "event: missing"),
        (r#"{"type":"dance","userId":"u"}"#, "type: \"dance\" is none"),
        (r#"{"userId":"u"}"#, "type: missing"),
        (r#"{"type":"page","userId":"u","timestamp":"yesterday"}"#, "timestamp: not a time"),
        (r#"{"type":"page","userId":["u"]}"#, ": "),
        (r#"{"type":"page","userId":"u","properties":[1]}"#, "props: not an object"),
        ("7", ": "),
    ] {
        let beside = format!(r#"{{"batch":[{{"type":"page","userId":"u"}},{call}]}}"#);
        let (reply, records) = run("batch", &beside, Some(&basic("site-123:"))).expect("settled");
        assert_eq!(status_and_ack(&reply), (200, "2"), "{call}");
        assert_eq!(records.len(), 2, "an event and the name of a loss");
        let text = message(&reply);
        assert!(text.starts_with("batch[1].events[0]") && text.contains(flaw), "{text} lacks {flaw}");
        let (alone, _) = post("batch", &format!(r#"{{"batch":[{call}]}}"#), Some(&basic("site-123:")));
        assert_eq!(status_and_ack(&alone), (400, "0"), "{call}");
    }
}

#[test]
fn whose_calls_they_are_is_judged_as_everywhere() {
    for (authorization, status) in [
        (Some(basic("site-123:")), 200),
        (Some(basic("site-123:key-1")), 200),
        (Some(basic("site-123:key-1:")), 200),
        (Some(basic("site-123:wrong")), 401),
        (Some(basic("site-9:")), 401),
        (Some("Bearer key-1".to_owned()), 401),
        (None, 200),
    ] {
        assert_eq!(post("batch", NODE, authorization.as_deref()).0.status, status, "{authorization:?}");
    }
    let anonymous = NODE.replace(r#","writeKey":"site-123""#, "");
    assert_eq!(post("batch", &anonymous, None).0.status, 401);
}

#[test]
fn what_is_no_request_is_refused() {
    for (kind, body) in [("batch", ""), ("batch", "{}"), ("batch", "[]"), ("track", "7"), ("t", "{\"a\"")] {
        assert_eq!(post(kind, body, Some(&basic("site-123:"))).0.status, 400, "{kind} {body}");
    }
    let many = format!(r#"{{"batch":[{}]}}"#, vec!["{}"; 1_001].join(","));
    assert_eq!(post("batch", &many, Some(&basic("site-123:"))).0.status, 413);
    assert_eq!(segment::Kind::of("collect"), None);
}

proptest! {
    #[test]
    fn any_text_gets_an_answer(text in ".{0,200}", kind in "[tpsigab]") {
        let (reply, _) = post(&kind, &text, None);
        prop_assert!((200..500).contains(&reply.status));
    }

    /// Bodies of the SDKs with one byte changed, or cut: whatever is settled was forwarded or is named.
    #[test]
    fn a_body_spoilt_anywhere_is_answered_and_conserves_its_calls(at in 0_usize..1_200, byte in 32_u8..127, cut in any::<bool>()) {
        let mut body = NODE.as_bytes().to_vec();
        let at = at % body.len();
        if cut { body.truncate(at) } else { body[at] = byte }
        let body = String::from_utf8(body).expect("ASCII");
        if let Ok((reply, records)) = run("batch", &body, None) {
            let ack: usize = reply.header("hw-ack").expect("ours").parse().expect("a number");
            let named: u64 = records.iter().map(|record| match record {
                Record::Event(_) => 1,
                Record::Ledger(ledger) => ledger.unnamed.values().sum(),
            }).sum();
            prop_assert_eq!(ack as u64, named);
        }
    }
}

//! Both JSON forms, as they are written and as they leave.

use crate::common::{Collector, NOW, PLAIN, STREAM, native, native_seqs, status_and_ack};
use headwater_collector::Credentials;

#[test]
fn the_plain_request_of_the_design_is_settled_byte_for_byte() {
    let mut collector = Collector::default();
    let reply = collector.post(PLAIN);
    assert_eq!((status_and_ack(&reply), reply.body.len()), ((204, "3"), 0));
    let (events, ledgers) = collector.take();
    assert!(ledgers.is_empty());
    let [view, click, custom] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (&*view.site_id, &*view.client_id, view.session_id.as_deref(), view.stream, view.seq),
        ("site-123", "anon-uuid", Some("sess-uuid"), None, None)
    );
    assert_eq!((view.url.as_deref(), view.path.as_deref()), (Some("/pricing"), Some("/pricing")));
    assert_eq!((view.ts, view.timestamp, view.sent_at), (1_710_320_000_000, 1_710_320_000_000, NOW));
    assert_eq!((view.referrer.as_deref(), view.ip.as_deref()), (Some("google.com"), Some("203.0.113.0")));
    assert_eq!((&*click.event_type, click.element.as_deref()), ("click", Some("#signup-btn")));
    assert_eq!(custom.props.as_ref().unwrap().get(), r#"{"video_id":"v123"}"#);
    // Computed apart from this code: UUIDv7 of ts and SHA-256 over the parts, each after its length.
    assert_eq!(events.iter().map(|event| &*event.event_id).collect::<Vec<_>>(), PLAIN_IDS);
}

const PLAIN_IDS: [&str; 3] = [
    "018e3704-1c00-781e-9f3d-9dc128070f40",
    "018e3704-2f88-7158-a47b-7bf19732076e",
    "018e3704-4310-75ea-badc-15fa4f22b5af",
];

#[test]
fn a_retried_plain_request_has_the_same_ids_and_equal_events_of_one_request_have_different_ones() {
    let twice = r#"{"site_id":"s","client_id":"c","events":[{"type":"click","ts":1710320000},{"type":"click","ts":1710320000}]}"#;
    let mut collector = Collector::default();
    collector.post(twice);
    let first: Vec<_> = collector.take_events().into_iter().map(|event| event.event_id).collect();
    collector.post(twice);
    let second: Vec<_> = collector.take_events().into_iter().map(|event| event.event_id).collect();
    assert_eq!(first, second);
    assert_ne!(first[0], first[1]);
    collector.post(
        r#"{"site_id":"s","client_id":"c","events":[{"type":"click","ts":1710320000,"name":"other"}]}"#,
    );
    assert!(!first.contains(&collector.take_events()[0].event_id), "another event of the same second");
    collector.post(twice.replace("\"c\"", "\"d\""));
    assert!(!first.contains(&collector.take_events()[0].event_id), "another client");
}

#[test]
fn an_event_id_of_the_sender_is_kept_and_any_other_key_becomes_one() {
    let mut collector = Collector::default();
    let with = |id: &str| {
        format!(
            r#"{{"site_id":"s","client_id":"c","events":[{{"type":"x","ts":1710320000,"event_id":"{id}"}}]}}"#
        )
    };
    collector.post(with("018E3A4B-0000-7000-8000-00000000000A"));
    assert_eq!(collector.take_events()[0].event_id, "018e3a4b-0000-7000-8000-00000000000a");
    collector.post(with("order-17"));
    let id = collector.take_events().remove(0).event_id;
    collector.post(with("order-17").replace("\"x\"", "\"renamed\""));
    assert_eq!(collector.take_events()[0].event_id, id, "the key names the event, not its text");
    collector.post(with("order-18"));
    assert_ne!(collector.take_events()[0].event_id, id);
}

#[test]
fn the_native_request_of_the_design_leaves_with_what_was_added() {
    let props = r#"{ "plan":"pro", "n":1.0e2, "deep":{"a":[1,2]} }"#;
    let event = format!(
        r#"{{"seq":41,"type":"pageview","ts":1710320000123,"session_id":"s","url":"https://shop.example/pricing?utm_source=mail#top","referrer":"https://google.com/","name":null,"props":{props}}}"#
    );
    let mut collector = Collector::default();
    let word = r#""at":[41,57],"end":false,"lost":[[12,19,"queue_full"]],"refused":{"sampled":3},"#;
    let reply = collector.post(native(word, &[&event]));
    assert_eq!(status_and_ack(&reply), (204, "1"));
    let (events, ledgers) = collector.take();
    let event = &events[0];
    assert_eq!(event.stream.unwrap().to_string(), STREAM);
    assert_eq!((event.seq, &*event.event_id), (Some(41), "018e3704-1c7b-7086-a05b-530850930005"));
    assert_eq!(event.props.as_ref().unwrap().get(), props, "byte for byte");
    assert_eq!((event.path.as_deref(), event.utm_source.as_deref()), (Some("/pricing"), Some("mail")));
    assert_eq!(
        (event.sdk.as_deref(), event.timezone.as_deref(), event.locale.as_deref(), event.screen.as_deref()),
        (Some("web/0.1.0"), Some("Europe/London"), Some("en-GB"), Some("1512x982"))
    );
    assert_eq!((event.timestamp, event.received_at, event.import), (1_710_320_000_123, NOW, false));
    let ledger = &ledgers[0];
    assert_eq!((ledger.at.unwrap().done, ledger.at.unwrap().head, &*ledger.by), (41, 57, "sdk"));
    assert_eq!((ledger.lost.len(), ledger.refused["sampled"]), (1, 3));
    assert_eq!(ledger.client_id.as_deref(), Some("c"));
}

#[test]
fn a_batch_without_events_and_a_purge_without_a_header_are_settled_with_zero() {
    let mut collector = Collector::default();
    assert_eq!(status_and_ack(&collector.post(native(r#""at":[3,3],"end":true,"#, &[]))), (204, "0"));
    let ledger = collector.take_ledgers().remove(0);
    assert!(ledger.end && ledger.client_id.as_deref() == Some("c"));

    let purge = format!(
        r#"{{"v":1,"site_id":"s","sent_at":1710320010123,"batches":[{{"stream":"{STREAM}","at":[0,9],"lost":[[2,9,"consent"]]}}]}}"#
    );
    assert_eq!(status_and_ack(&collector.post(purge)), (204, "0"));
    let ledger = collector.take_ledgers().remove(0);
    assert_eq!((ledger.client_id, &*ledger.lost[0].reason), (None, "consent"));
    assert_eq!(status_and_ack(&collector.post(r#"{"site_id":"s","events":[]}"#)), (204, "0"));
    assert!(collector.records.is_empty());
}

#[test]
fn a_ledger_record_is_written_only_if_it_says_more_than_the_events() {
    let mut collector = Collector::default();
    for (word, seqs, writes) in [
        ("", 0..3, false),
        (r#""at":[0,3],"#, 0..3, false),
        (r#""at":[2,3],"end":false,"lost":[],"refused":{},"#, 0..3, false),
        (r#""at":[0,4],"#, 0..3, true),
        (r#""at":[3,6],"#, 3..6, true),
        (r#""at":[0,3],"end":true,"#, 0..3, true),
        (r#""refused":{"sampled":1},"#, 0..3, true),
    ] {
        collector.seen.clear();
        collector.post(native_seqs(word, seqs));
        assert_eq!(!collector.take_ledgers().is_empty(), writes, "{word}");
    }
    let no_storage = native_seqs(r#""at":[0,1],"#, 0..1).replace("\"sdk\":", "\"no_storage\":true,\"sdk\":");
    collector.seen.clear();
    collector.post(no_storage);
    assert!(collector.take_ledgers()[0].no_storage);
}

#[test]
fn the_skew_rule_corrects_wrong_clocks_and_believes_imports() {
    let mut collector = Collector::default();
    let day = 24 * 3_600 * 1_000;
    let skewed = |import: bool| {
        native_seqs("", 0..1)
            .replace("1710320010123", &(NOW + 30 * day).to_string())
            .replace("1710320000123", &(NOW + 30 * day - 5_000).to_string())
            .replacen('{', if import { r#"{"import":true,"# } else { "{" }, 1)
    };
    assert_eq!(collector.post(skewed(false)).status, 204);
    let event = collector.take_events().remove(0);
    assert_eq!((event.timestamp, event.ts), (NOW - 5_000, NOW + 30 * day - 5_000));
    collector.seen.clear();
    assert_eq!(collector.post(skewed(true)).status, 422, "an import is believed, and so is 30 days ahead");

    let old =
        native_seqs("", 1..2).replace("1710320000123", "631152000000").replacen('{', r#"{"import":true,"#, 1);
    assert_eq!(collector.post(old).status, 204);
    let event = collector.take_events().remove(0);
    assert_eq!((event.timestamp, event.import, event.ip), (631_152_000_000, true, None));
}

#[test]
fn money_is_an_integer_with_its_currency() {
    let mut collector = Collector::default();
    let with = |money: &str| {
        format!(r#"{{"site_id":"s","client_id":"c","events":[{{"type":"x","ts":1710320000{money}}}]}}"#)
    };
    collector.post(with(r#","revenue":-1299,"currency":"EUR""#));
    let event = collector.take_events().remove(0);
    assert_eq!((event.revenue, event.currency.as_deref()), (Some(-1_299), Some("EUR")));
    for (money, field) in [
        (r#","revenue":12.99,"currency":"EUR""#, "events[0].revenue"),
        (r#","revenue":1299"#, "events[0].currency"),
        (r#","currency":"EUR""#, "events[0].revenue"),
        (r#","revenue":1,"currency":"euro""#, "events[0].currency"),
    ] {
        let reply = collector.post(with(money));
        assert_eq!(reply.status, 422);
        assert!(
            crate::common::message(&reply).starts_with(field),
            "{money}: {}",
            crate::common::message(&reply)
        );
    }
}

#[test]
fn a_back_end_that_speaks_for_a_client_lends_it_no_address() {
    let mut collector = Collector {
        sites: headwater_collector::Sites::from_toml(
            "[[site]]\nid = \"site-123\"\nsecret_keys = [\"key\"]\n",
        )
        .unwrap(),
        ..Collector::default()
    };
    collector.post_as(PLAIN, &Credentials { authorization: Some("bearer key"), origin: None });
    assert_eq!(collector.take_events()[0].ip, None);
    collector.post(PLAIN);
    assert_eq!(collector.take_events()[0].ip.as_deref(), Some("203.0.113.0"));
}

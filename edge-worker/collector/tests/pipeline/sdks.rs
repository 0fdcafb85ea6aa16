//! What SDKs say beside page views: who somebody is, what was refused, and two lanes under one header.

use crate::common::{Collector, STREAM, event, native, status_and_ack};

const PRECIOUS: &str = "01905d1e-7c00-4abc-9def-0123456789ff";

#[test]
fn words_about_the_user_are_events_with_a_name_and_props() {
    let events: Vec<_> = [
        ("identify", "", r#"{"plan":"pro"}"#),
        ("alias", "user-7", ""),
        ("group", "team-1", r#"{"seats":5}"#),
        ("$set", "", r#"{"set":{"plan":"pro"},"set_once":{"first":"2026"},"increment":{"logins":1}}"#),
        ("$exposure", "new-checkout", r#"{"variant":"b"}"#),
    ]
    .into_iter()
    .collect();
    let texts: Vec<_> = events
        .iter()
        .enumerate()
        .map(|(seq, (kind, name, props))| {
            let name = if name.is_empty() { String::new() } else { format!(r#","name":"{name}""#) };
            let props = if props.is_empty() { String::new() } else { format!(r#","props":{props}"#) };
            format!(
                r#"{{"seq":{seq},"type":"{kind}","ts":{}{name}{props}}}"#,
                1_710_320_000_123_u64 + seq as u64
            )
        })
        .collect();
    let mut collector = Collector::default();
    let reply = collector.post(native("", &texts.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(status_and_ack(&reply), (204, "5"));
    let stored = collector.take_events();
    let stored: Vec<_> = stored
        .iter()
        .map(|event| {
            let props = event.props.as_ref().map_or("", |props| props.get());
            (&*event.event_type, event.name.as_deref().unwrap_or_default(), props)
        })
        .collect();
    assert_eq!(stored, events);
}

#[test]
fn a_purchase_carries_its_revenue() {
    let purchase =
        r#"{"seq":0,"type":"custom","ts":1710320000123,"name":"order","revenue":-1999,"currency":"EUR"}"#;
    let mut collector = Collector::default();
    assert_eq!(status_and_ack(&collector.post(native("", &[purchase]))), (204, "1"));
    let stored = &collector.take_events()[0];
    assert_eq!((stored.revenue, stored.currency.as_deref()), (Some(-1999), Some("EUR")));
}

#[test]
fn the_lanes_of_one_header_are_two_streams() {
    let mut collector = Collector::default();
    let ordinary = native(r#""at":[0,2],"#, &[&event(0), &event(1)]);
    let precious = native(r#""at":[0,1],"#, &[&event(0)]).replace(STREAM, PRECIOUS);
    // Each request is a copy once, so a seq of one lane must not hide that of the other.
    for body in [&ordinary, &precious, &precious, &ordinary] {
        assert!(collector.post(body).status == 204);
    }
    let stored = collector.take_events();
    let names: Vec<_> = stored
        .iter()
        .map(|event| (event.stream.expect("a stream").to_string(), event.seq.expect("a seq")))
        .collect();
    assert_eq!(names, [(STREAM.to_owned(), 0), (STREAM.to_owned(), 1), (PRECIOUS.to_owned(), 0)]);
    assert!(stored.iter().all(|event| event.client_id == "c"));
}

#[test]
fn refused_calls_are_told_with_and_without_events() {
    let mut collector = Collector::default();
    for (word, events, sampled, capped) in [
        (r#""at":[0,0],"refused":{"sampled":3},"#, &[][..], 3, None),
        (r#""at":[0,1],"refused":{"sampled":4,"rate_cap":9},"#, &[&*event(0)][..], 4, Some(9)),
    ] {
        assert_eq!(collector.post(native(word, events)).status, 204);
        let ledgers = collector.take_ledgers();
        assert_eq!(ledgers[0].refused["sampled"], sampled);
        assert_eq!(ledgers[0].refused.get("rate_cap").copied(), capped);
    }
}

#[test]
fn a_verdict_of_a_newer_sdk_is_passed_on() {
    let mut collector = Collector::default();
    collector.post(native(r#""at":[0,0],"refused":{"quiet_hours":1},"lost":[[0,1,"melted"]],"#, &[]));
    let ledgers = collector.take_ledgers();
    assert_eq!((ledgers[0].refused["quiet_hours"], &*ledgers[0].lost[0].reason), (1, "melted"));
}

//! What is wrong with a request or an event, named by its field.

use crate::common::{Collector, STREAM, message, native, native_seqs, status_and_ack};

/// Each: the body, the status, and how the message begins.
#[track_caller]
fn check(body: impl AsRef<[u8]>, status: u16, begins: &str) {
    let mut collector = Collector::default();
    let reply = collector.post(&body);
    let message = message(&reply);
    assert_eq!(status_and_ack(&reply), (status, "0"), "{message}");
    assert!(message.starts_with(begins), "{message:?} does not begin with {begins:?}");
    assert!(message.len() < 700, "{message}");
    assert!(collector.records.is_empty());
}

fn plain(event: &str) -> String {
    format!(r#"{{"site_id":"s","client_id":"c","events":[{event}]}}"#)
}

#[test]
fn what_is_no_json_object_is_malformed() {
    check("", 400, "body: empty");
    check(" \n", 400, "body: empty");
    check("hello", 400, "body: ");
    check("null", 400, "body: ");
    check("[]", 400, "body: ");
    check("\"text\"", 400, "body: ");
    check(r#"[1,"s",null,null,[]]"#, 400, "body: invalid type: sequence, expected an object");
    check(
        r#"{"site_id":"s","batches":[["01905d1e-7c00-4abc-9def-0123456789ab"]]}"#,
        400,
        "batches[0]: invalid type",
    );
    check(native("", &[r#"[0,null,"x",1]"#]), 422, "batches[0].events[0]: invalid type");
    check(r#"{"site_id":"s","client_id":"c","events":[]} x"#, 400, "body: trailing characters");
    check(r#"{"site_id":"s","client_id":"c","events":[{"type":"x","ts":1"#, 400, "events[0].ts: ");
}

#[test]
fn the_envelope_is_checked_field_by_field() {
    check(r#"{"client_id":"c","events":[]}"#, 400, "body: missing field `site_id`");
    check(r#"{"site_id":7,"client_id":"c","events":[]}"#, 400, "site_id: invalid type");
    check(r#"{"site_id":"","client_id":"c","events":[]}"#, 400, "site_id: empty");
    check(r#"{"site_id":"s\u0000","client_id":"c","events":[]}"#, 400, "site_id: contains U+0000");
    check(r#"{"site_id":"s","site_id":"t","events":[]}"#, 400, "site_id: duplicate field");
    check(r#"{"site_id":"s","client_id":"c"}"#, 400, "events: missing");
    check(r#"{"site_id":"s","events":[{"type":"x","ts":1}]}"#, 400, "client_id: missing");
    check(r#"{"site_id":"s","client_id":"","events":[{"type":"x","ts":1}]}"#, 400, "client_id: empty");
    check(r#"{"site_id":"s","client_id":"c","events":{}}"#, 400, "events: invalid type");
    check(r#"{"site_id":"s","batches":[],"events":[]}"#, 400, "events: beside `batches`");
    check(r#"{"site_id":"s","batches":{}}"#, 400, "batches: invalid type");
    check(r#"{"v":2,"site_id":"s","batches":[]}"#, 400, "v: version 2");
    check(r#"{"site_id":"s","sent_at":-1,"batches":[]}"#, 400, "sent_at: negative");
    check(r#"{"site_id":"s","sent_at":"now","batches":[]}"#, 400, "sent_at: invalid type");
    check(r#"{"site_id":"s","batches":[{"client_id":"c"}]}"#, 400, "batches[0]: missing field `stream`");
    check(r#"{"site_id":"s","batches":[{"stream":"x"}]}"#, 400, "batches[0].stream: ");
    let long = "x".repeat(257);
    check(
        native("", &[]).replace("\"c\"", &format!("{long:?}")),
        400,
        "batches[0].client_id: longer than 256",
    );
    check(native("", &[]).replace("web/0.1.0", &long), 400, "batches[0].context.sdk: longer than 256");
    check(native("", &[]).replace("\"web/0.1.0\"", "{}"), 400, "batches[0].context.sdk: invalid type");
}

#[test]
fn a_forged_word_is_refused_by_its_caps() {
    let word = |word: &str| native(word, &[]);
    check(word(r#""at":[5,4],"#), 400, "batches[0].at: done 5 above head 4");
    check(word(r#""at":[0,2147483649],"#), 400, "batches[0].at[1]: head 2147483649");
    check(word(r#""at":[0],"#), 400, "batches[0].at");
    check(word(r#""at":[0,4294967296],"#), 400, "batches[0].at[1]: ");
    check(word(r#""at":[-1,1],"#), 400, "batches[0].at[0]: ");
    check(word(r#""lost":[[3,3,"x"]],"#), 400, "batches[0].lost[0]: an empty range");
    check(word(r#""lost":[[0,1,"x"],[0,2147483649,"x"]],"#), 400, "batches[0].lost[1]: 2147483649");
    check(word(r#""lost":[[0,1,"Queue full"]],"#), 400, "batches[0].lost[0][2]: ");
    check(word(r#""lost":[[0,1]],"#), 400, "batches[0].lost[0]");
    let many = vec!["[0,1,\"x\"]"; 4_097].join(",");
    check(word(&format!(r#""lost":[{many}],"#)), 400, "batches[0].lost: 4097 ranges, more than 4096");
    check(word(r#""refused":{"":1},"#), 400, "batches[0].refused: ");
    check(word(r#""refused":{"sampled":9007199254740993},"#), 400, "batches[0].refused.sampled: ");
    check(word(r#""refused":{"sampled":-1},"#), 400, "batches[0].refused.sampled: ");
    let many: Vec<_> = (0..65).map(|n| format!("\"v{n}\":1")).collect();
    check(word(&format!(r#""refused":{{{}}},"#, many.join(","))), 400, "batches[0].refused: 65 verdicts");
}

#[test]
fn the_caps_themselves_pass() {
    let mut collector = Collector::default();
    let many = vec!["[0,2147483648,\"x\"]"; 4_096].join(",");
    let word = format!(r#""at":[0,2147483648],"lost":[{many}],"refused":{{"sampled":9007199254740992}},"#);
    assert_eq!(status_and_ack(&collector.post(native(&word, &[]))), (204, "0"));
    let last = native_seqs("", [2_147_483_647]);
    assert_eq!(status_and_ack(&collector.post(last)), (204, "1"));
}

#[test]
fn too_much_at_once_is_413() {
    let events = vec!["{}"; 10_001].join(",");
    check(plain(&events), 413, "events: 10001 events, more than 10000");
    check(native("", &[&events]), 413, "batches[0].events: 10001 events");
    let batches = vec![format!("{{\"stream\":\"{STREAM}\"}}"); 1_001].join(",");
    check(format!(r#"{{"site_id":"s","batches":[{batches}]}}"#), 413, "batches: 1001 batches");
}

#[test]
fn an_event_is_checked_field_by_field() {
    let now = crate::common::NOW;
    let ahead = now + 24 * 3_600 * 1_000 + 1;
    for (event, begins) in [
        ("7".to_owned(), "events[0]: invalid type"),
        ("{}".to_owned(), "events[0]: missing field `type`"),
        (r#"{"type":"x"}"#.to_owned(), "events[0]: missing field `ts`"),
        (r#"{"type":"","ts":1}"#.to_owned(), "events[0].type: empty"),
        (r#"{"type":"x","ts":"1"}"#.to_owned(), "events[0].ts: invalid type"),
        (format!(r#"{{"type":"x","ts":"{}"}}"#, "é".repeat(9_999)), "events[0].ts: invalid type"),
        (r#"{"type":"x","ts":1,"props":[{}]}"#.to_owned(), "events[0].props: not an object"),
        (r#"{"type":"x","ts":-1}"#.to_owned(), "events[0].ts: negative"),
        (r#"{"type":"x","ts":1e300}"#.to_owned(), "events[0].ts: later than"),
        (format!(r#"{{"type":"x","ts":{ahead}}}"#), "events[0].ts: 86400 s ahead"),
        (r#"{"type":"x","type":"y","ts":1}"#.to_owned(), "events[0].type: duplicate field `type`"),
        (r#"{"type":"x\u0000","ts":1}"#.to_owned(), "events[0].type: contains U+0000"),
        (
            r#"{"type":"x","ts":1,"props":{"a":["\u0000"]}}"#.to_owned(),
            "events[0].props.a[0]: contains U+0000",
        ),
        (
            r#"{"type":"x","ts":1,"props":{"a":"\ud800"}}"#.to_owned(),
            "events[0].props.a: half of a surrogate pair",
        ),
        (format!(r#"{{"type":"{}","ts":1}}"#, "x".repeat(65)), "events[0].type: longer than 64"),
        (
            format!(r#"{{"type":"x","ts":1,"url":"/{}"}}"#, "x".repeat(8_192)),
            "events[0].url: longer than 8192",
        ),
        (format!(r#"{{"type":"x","ts":1,"props":"{}"}}"#, "x".repeat(65_536)), "events[0]: 6"),
    ] {
        check(plain(&event), 422, begins);
    }
    check(native("", &[r#"{"type":"x","ts":1}"#]), 422, "batches[0].events[0].seq: missing");
    check(
        native("", &[r#"{"seq":2147483648,"type":"x","ts":1}"#]),
        422,
        "batches[0].events[0].seq: 2147483648",
    );
    check(native("", &[r#"{"seq":1.5,"type":"x","ts":1}"#]), 422, "batches[0].events[0].seq: ");
}

#[test]
fn a_day_ahead_passes_and_so_does_1970() {
    let mut collector = Collector::default();
    let ahead = crate::common::NOW + 24 * 3_600 * 1_000;
    let reply = collector.post(plain(&format!(r#"{{"type":"x","ts":{ahead}}},{{"type":"x","ts":0}}"#)));
    assert_eq!(status_and_ack(&reply), (204, "2"));
}

#[test]
fn depth_is_bounded_everywhere_without_recursion() {
    let nest = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [10_000, 400_000] {
        let deep = nest(depth);
        check(&deep, 400, "body: ");
        check("[".repeat(depth), 400, "body: ");
        check(format!(r#"{{"site_id":{deep},"events":[]}}"#), 400, "site_id: invalid type");
        check(native("", &[]).replace("\"web/0.1.0\"", &deep), 400, "batches[0].context.sdk: invalid type");
        check(plain(&deep), 422, "events[0]");
        check(plain(&format!(r#"{{"type":"x","ts":1,"props":{deep}}}"#)), 422, "events[0]");
        let beside = format!(r#"{{"unknown":{deep},"site_id":"s","client_id":"c","events":[]}}"#);
        assert_eq!(Collector::default().post(beside).status, 204, "passed over without being looked at");
    }
    check(
        plain(&format!(r#"{{"type":"x","ts":1,"props":{{"a":{}}}}}"#, nest(31))),
        422,
        "events[0].props.a[0]",
    );
    let reply =
        Collector::default().post(plain(&format!(r#"{{"type":"x","ts":1,"props":{{"a":{}}}}}"#, nest(30))));
    assert_eq!(reply.status, 204);
}

#[test]
fn broken_utf8_is_named_where_it_is() {
    let broken = |text: &str| -> Vec<u8> { text.bytes().map(|b| if b == b'@' { 0xff } else { b }).collect() };
    check(broken(&plain(r#"{"type":"@","ts":1}"#)), 400, "events[0].type: not UTF-8 at byte");
    check(broken(&plain(r#"{"type":"x","ts":1,"props":{"a":"@"}}"#)), 400, "events[0].props.a: not UTF-8");
    check(b"\xef\xbb\xbf{}", 400, "body: ");
    check(b"\xff", 400, "body: not UTF-8 at byte 0");
    let overlong = [&br#"{"site_id":""#[..], &[0xc0, 0x80], br#"","events":[]}"#].concat();
    check(overlong, 400, "site_id: not UTF-8");
}

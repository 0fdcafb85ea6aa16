//! What the host adds to the verbs: the way behind fails or waits, senders hang up, memory is bounded.

#[expect(dead_code, reason = "another part is for the endpoints' tests")]
mod support;

use std::{
    io::Write as _,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use headwater_schema::Record;
use support::{Answer, FAIL, HOLD, KEEP, PANIC, PLAIN, REJECT, Server, eventually, stream};

fn native(seqs: std::ops::Range<u32>) -> String {
    stream(1, "", seqs)
}

#[test]
fn the_plain_request_of_the_design_is_204_with_the_peers_anonymised_address() {
    let server = Server::start();
    let answer = server.post(PLAIN);
    assert_eq!((answer.status_and_ack(), answer.body.len()), ((204, "3"), 0));
    let events = server.sink.take_events();
    assert_eq!((events.len(), events[0].ip.as_deref()), (3, Some("127.0.0.0")));
}

#[test]
fn what_could_not_be_forwarded_is_tried_again_and_only_then_remembered() {
    let server = Server::start();
    server.sink.set(FAIL);
    for _ in 0..2 {
        let answer = server.post(native(0..3));
        assert_eq!((answer.status_and_ack(), answer.header("retry-after")), ((503, "0"), Some("9")));
        assert_eq!(answer.json()["error"], "unavailable");
        assert_eq!(answer.message(), "the log: no space");
    }
    server.sink.set(KEEP);
    assert_eq!(server.post(native(0..3)).status_and_ack(), (204, "3"));
    assert_eq!(server.sink.len(), 3);
    assert_eq!(server.post(native(0..4)).status_and_ack(), (204, "4"));
    assert_eq!(server.sink.len(), 4, "the copies stay here");
    let tally = server.collector.tally();
    assert_eq!((tally.accepted, tally.deferred, tally.duplicate), (4, 6, 3));
}

#[test]
fn what_the_stage_behind_never_takes_is_named_in_the_ledger_and_in_the_answer() {
    let server = Server::start();
    server.sink.set(REJECT);
    let answer = server.post(PLAIN);
    assert_eq!(answer.status_and_ack(), (200, "3"));
    let rejected = &answer.json()["rejected"];
    assert_eq!((&rejected[0]["index"], &rejected[0]["message"]), (&1.into(), &"no clicks".into()));
    let records: Vec<Record> =
        server.sink.take_records().iter().map(|record| Record::from_slice(record).unwrap()).collect();
    let [Record::Event(_), Record::Event(_), Record::Ledger(ledger)] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!((ledger.by.as_str(), ledger.unnamed["rejected"]), ("collector", 1));

    let body = native(0..3).replacen(r#""type":"x""#, r#""type":"click""#, 1);
    let answer = server.post(body);
    assert_eq!(answer.status_and_ack(), (200, "3"));
    assert_eq!(answer.json()["rejected"][0]["seq"], 0);
    let records = server.sink.take_records();
    let Ok(Record::Ledger(ledger)) = Record::from_slice(&records[2]) else { panic!("the name of a loss") };
    assert_eq!((ledger.lost[0].from, ledger.lost[0].to, ledger.lost[0].reason.as_str()), (0, 1, "rejected"));
    let tally = server.collector.tally();
    assert_eq!((tally.accepted, tally.rejected), (4, 2));
}

#[test]
fn a_copy_is_not_settled_while_the_first_is_on_its_way() {
    let server = Server::start();
    server.sink.set(HOLD);
    thread::scope(|scope| {
        let first = scope.spawn(|| server.post(native(0..1)));
        let second = scope.spawn(|| server.post(native(0..1)));
        // Both are behind the look-up: neither was taken for settled.
        eventually(|| server.sink.waiting() == 2);
        server.sink.gate.add_permits(2);
        for answer in [first, second] {
            assert_eq!(answer.join().expect("an answer").status_and_ack(), (204, "1"));
        }
    });
    assert_eq!((server.sink.len(), server.collector.tally().accepted), (2, 2));
}

#[test]
fn a_request_whose_sender_hangs_up_is_carried_to_its_end() {
    let server = Server::start();
    server.sink.set(HOLD);
    let body = native(0..2);
    let mut stream = server.connect();
    write!(stream, "POST /collect HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .expect("a connection");
    eventually(|| server.sink.waiting() == 1);
    drop(stream);
    server.sink.gate.add_permits(1);
    eventually(|| server.collector.tally().accepted == 2);
    server.sink.set(KEEP);
    assert_eq!(server.post(native(0..2)).status_and_ack(), (204, "2"));
    assert_eq!(server.sink.len(), 2, "it was marked");
}

#[test]
fn a_panic_is_an_answer_and_the_connection_goes_on() {
    let server = Server::start();
    server.sink.set(PANIC);
    let mut stream = server.connect();
    let mut post = |mode: u8| {
        server.sink.set(mode);
        write!(stream, "POST /collect HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{PLAIN}", PLAIN.len())
            .expect("a connection");
        Answer::read(&mut stream)
    };
    let answer = post(PANIC);
    assert_eq!((answer.status_and_ack(), answer.header("retry-after")), ((500, "0"), Some("2")));
    assert_eq!(answer.json()["error"], "internal");
    assert_eq!(post(KEEP).status_and_ack(), (204, "3"));
}

#[test]
fn bytes_in_flight_are_bounded_and_given_back() {
    let server = Server::start_with(64 << 10);
    let with = |bytes: usize| PLAIN.replace("v123", &"v".repeat(bytes));
    server.sink.set(HOLD);
    thread::scope(|scope| {
        // Its body and its records fill 58 of the 64 KiB until the gate opens.
        let first = scope.spawn(|| server.post(with(28 << 10)));
        eventually(|| server.sink.waiting() == 1);
        let answer = server.post(with(8 << 10));
        assert_eq!((answer.status_and_ack(), answer.header("retry-after")), ((503, "0"), Some("2")));
        assert_eq!(answer.message(), "body: too many bytes in flight");
        server.sink.gate.add_permits(1);
        assert_eq!(first.join().expect("an answer").status_and_ack(), (204, "3"));
    });
    server.sink.set(KEEP);
    assert_eq!(server.post(with(28 << 10)).status_and_ack(), (204, "3"));
    assert_eq!(server.sink.len(), 6);
}

#[test]
fn bodies_may_be_gzip_chunked_and_plain_text() {
    let server = Server::start();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(PLAIN.as_bytes()).expect("into memory");
    assert_eq!(server.post(encoder.finish().expect("into memory")).status_and_ack(), (204, "3"));
    let answer = server.request("POST", "/collect", &[("content-type", "text/plain")], PLAIN.as_bytes());
    assert_eq!(answer.status_and_ack(), (204, "3"));

    let mut stream = server.connect();
    let (one, two) = PLAIN.split_at(100);
    write!(
        stream,
        "POST /collect HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    )
    .expect("a connection");
    assert_eq!(Answer::read(&mut stream).status_and_ack(), (204, "3"));
    let props = |text: &str| format!(r#""props":{{"video_id":"{}"}}"#, text.repeat(40_000));
    let apart = PLAIN.replace(r#""props":{"video_id":"v123"}"#, &props("v"));
    let apart = apart.replace(r#""ts":1710320005"#, &format!(r#""ts":1710320005,{}"#, props("w")));
    assert_eq!(server.post(apart).status_and_ack(), (204, "3"));
}

#[test]
fn a_request_that_asks_before_sending_too_much_is_told_at_once() {
    let server = Server::start();
    let mut stream = server.connect();
    write!(
        stream,
        "POST /collect HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10000000\r\n\r\n"
    )
    .expect("a connection");
    assert_eq!(Answer::read(&mut stream).status_and_ack(), (413, "0"));
}

#[test]
fn other_methods_are_refused_in_json_and_other_paths_are_not_ours() {
    let server = Server::start();
    for (method, path, allow) in [
        ("GET", "/collect", "options, post"),
        ("PUT", "/collect", "options, post"),
        ("POST", "/pixel.gif", "get, head"),
        ("DELETE", "/healthz", "get, head"),
    ] {
        let answer = server.request(method, path, &[], b"");
        assert_eq!(
            (answer.status_and_ack(), answer.header("allow")),
            ((405, "0"), Some(allow)),
            "{method} {path}"
        );
        assert_eq!(answer.json()["error"], "method_not_allowed");
    }
    assert_eq!(server.request("GET", "/", &[], b"").status_and_ack(), (404, "none"));
    let health = server.request("GET", "/healthz", &[], b"");
    assert_eq!((health.status, health.json()["status"].as_str()), (200, Some("ok")));
}

#[test]
fn pages_of_a_sites_origins_may_send_and_read() {
    let server = Server::start();
    let ours = &[("origin", "https://shop.example"), ("access-control-request-method", "POST")];
    let preflight = server.request("OPTIONS", "/collect", ours, b"");
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("post"));
    let evil = &[("origin", "https://evil.example")];
    let preflight = server.request("OPTIONS", "/collect", evil, b"");
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (403, None));

    for (body, status) in [(PLAIN, 204), ("", 400)] {
        let answer = server.request("POST", "/collect", ours, body.as_bytes());
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
        assert_eq!(answer.header("access-control-expose-headers"), Some("hw-ack, hw-time, retry-after"));
        assert_eq!(answer.header("vary"), Some("origin"));
    }
    assert_eq!(server.request("POST", "/collect", evil, b"").header("access-control-allow-origin"), None);
}

#[test]
fn the_pixel_takes_the_plain_form_and_is_always_an_image() {
    const EVENTS: &str = "eyJzaXRlX2lkIjoic2l0ZS0xMjMiLCJjbGllbnRfaWQiOiJjIiwiZXZlbnRzIjpbeyJ0eXBlIjoib3BlbiIsInRzIjoxNzEwMzIwMDAwfV19";
    let server = Server::start();
    for (method, query, ack, written) in [
        ("GET", format!("?events={EVENTS}"), "1", 1),
        ("GET", "?events=e30".to_owned(), "0", 1),
        ("GET", "?events=%%%".to_owned(), "0", 1),
        ("GET", String::new(), "0", 1),
        ("HEAD", format!("?events={EVENTS}"), "0", 1),
    ] {
        let answer = server.request(method, &format!("/pixel.gif{query}"), &[], b"");
        assert_eq!(answer.status_and_ack(), (200, ack), "{method} {query}");
        assert_eq!(answer.header("content-type"), Some("image/gif"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.body.starts_with(b"GIF89a"), method == "GET");
        assert_eq!(server.sink.len(), written);
    }
    server.sink.set(FAIL);
    let answer = server.request("GET", &format!("/pixel.gif?events={EVENTS}"), &[], b"");
    assert_eq!(answer.status_and_ack(), (200, "0"));
}

#[test]
fn an_address_is_that_of_the_peer_whatever_a_header_says() {
    let server = Server::start();
    server.request("POST", "/collect", &[("x-forwarded-for", "8.8.8.8")], PLAIN.as_bytes());
    assert_eq!(server.sink.take_events()[0].ip.as_deref(), Some("127.0.0.0"));
}

#[test]
fn every_answer_that_speaks_for_headwater_says_the_time() {
    let server = Server::start();
    server.sink.set(KEEP);
    let before = now();
    for (method, path, body) in [
        ("POST", "/collect", PLAIN),
        ("POST", "/collect", "nonsense"),
        ("GET", "/collect", ""),
        ("GET", "/pixel.gif?events=e30", ""),
        ("HEAD", "/pixel.gif", ""),
        ("DELETE", "/healthz", ""),
    ] {
        let answer = server.request(method, path, &[], body.as_bytes());
        assert!(answer.header("hw-ack").is_some());
        let time: u128 = answer.header("hw-time").expect("a time").parse().expect("a number");
        assert!((before..=now()).contains(&time), "{method} {path}: {time}");
    }
    server.sink.set(FAIL);
    assert!(server.post(PLAIN).header("hw-time").is_some());
    assert_eq!(server.request("GET", "/healthz", &[], b"").header("hw-time"), None);
}

#[test]
fn an_sdk_is_told_the_settings_of_its_site() {
    let server = Server::start();
    let answer = server.post(native(0..1).replace("site-123", "site-456"));
    assert_eq!(answer.status_and_ack(), (200, "1"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["settings"]["sample"], 2_500);
    assert_eq!(server.post(native(0..1)).status_and_ack(), (204, "1"));
}

#[test]
fn a_stream_without_a_header_is_taken_for_what_it_says_was_lost() {
    let server = Server::start();
    let forget_me = r#"{"v":1,"site_id":"site-123","sent_at":1710320010123,"batches":[{"stream":"01905d1e-7c00-4abc-9def-0123456789ab","at":[2,2],"lost":[[0,2,"consent"]],"events":[]}]}"#;
    assert_eq!(server.post(forget_me).status_and_ack(), (204, "0"));
    assert_eq!(server.sink.len(), 1);
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()
}

#[test]
fn what_a_sender_is_and_where_is_in_its_events_and_nothing_that_identifies_it() {
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let server = Server::start_at("81.2.69.160".parse().unwrap());
    let headers = [("user-agent", FIREFOX), ("origin", "https://shop.example")];
    let answer = server.request("POST", "/collect", &headers, PLAIN.as_bytes());
    assert_eq!(answer.status, 204);
    let events = server.sink.take_events();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    for event in &events {
        let place = [&event.country, &event.region, &event.city, &event.timezone].map(text);
        assert_eq!(place, ["GB", "England", "London", "Europe/London"]);
        let program = [&event.device, &event.os, &event.browser, &event.browser_version].map(text);
        assert_eq!(program, ["desktop", "Linux", "Firefox", "145.0"]);
        assert_eq!((event.bot, event.ip.as_deref()), (Some(false), Some("81.2.69.0")));
        assert!(event.headers.is_empty());
    }
    assert_eq!(events[0].referrer_class.as_deref(), Some("search"));

    // A back end's own place and program say nothing of its visitors.
    let secret = [("user-agent", FIREFOX), ("authorization", "Bearer key-1")];
    assert_eq!(server.request("POST", "/collect", &secret, PLAIN.as_bytes()).status, 204);
    let event = &server.sink.take_events()[0];
    assert_eq!((&event.country, &event.device, event.bot, &event.ip), (&None, &None, None, &None));
}

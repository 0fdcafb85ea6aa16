//! Bad input over real HTTP: each gets its status and a message that names the field, settles nothing,
//! writes nothing, and harms no one else.

#[expect(dead_code, reason = "another part is for the host's tests")]
mod support;

use std::{
    io::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use flate2::{Compression, write::GzEncoder};
use support::{Answer, PLAIN, Server};

const STREAM: &str = "01905d1e-7c00-4abc-9def-0123456789ab";

struct Case {
    name: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    status: u16,
    error: &'static str,
    begins: &'static str,
}

fn case(name: &'static str, body: impl Into<Vec<u8>>, status: u16, begins: &'static str) -> Case {
    let error = match status {
        400 => "malformed",
        401 => "unauthorised",
        403 => "forbidden",
        413 => "too_large",
        422 => "unprocessable",
        _ => "",
    };
    Case { name, headers: &[], body: body.into(), status, error, begins }
}

fn plain(events: &str) -> String {
    format!(r#"{{"site_id":"site-123","client_id":"c","events":[{events}]}}"#)
}

fn native(word: &str) -> String {
    format!(
        r#"{{"v":1,"site_id":"site-123","sent_at":{},"batches":[{{"stream":"{STREAM}","client_id":"c",{word},"events":[{{"seq":0,"type":"x","ts":1710320000123}}]}}]}}"#,
        now_ms()
    )
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

fn replaced(text: &str, by: &[u8]) -> Vec<u8> {
    let at = text.find('@').expect("a mark");
    [&text.as_bytes()[..at], by, &text.as_bytes()[at + 1..]].concat()
}

fn cases() -> Vec<Case> {
    let far = now_ms() + 2 * 24 * 3_600 * 1_000;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let gzipped = gzip(PLAIN.as_bytes());
    // 954 times 1 MiB is 1 GB, in 1 MB.
    let bomb = gzip(&vec![b' '; 1 << 20]).repeat(954);
    assert!(bomb.len() <= 1 << 20, "{}", bomb.len());
    vec![
        case("empty", "", 400, "body: empty"),
        case("not JSON", "type=pageview", 400, "body: "),
        case("cut JSON", &PLAIN[..PLAIN.len() - 2], 400, "events[2]: EOF"),
        case("trailing garbage", format!("{PLAIN}x"), 400, "body: trailing characters"),
        case("an array", "[]", 400, "body: invalid type"),
        case("client_id a number", PLAIN.replace("\"anon-uuid\"", "7"), 400, "client_id: invalid type"),
        case("events an object", PLAIN.replace('[', "{").replace(']', "}"), 400, "events: invalid type"),
        case("ts a string", plain(r#"{"type":"x","ts":"now"}"#), 422, "events[0].ts: invalid type"),
        case("no type", plain(r#"{"ts":1710320000}"#), 422, "events[0]: missing field `type`"),
        case("no events", r#"{"site_id":"site-123"}"#, 400, "events: missing"),
        case("unknown site", PLAIN.replace("site-123", "site-124"), 401, "site_id: no such site"),
        Case {
            headers: &[("origin", "https://shop.example.evil")],
            ..case("wrong origin", PLAIN, 403, "Origin: ")
        },
        Case {
            headers: &[("authorization", "Bearer key-2")],
            ..case("wrong key", PLAIN, 401, "Authorization: ")
        },
        Case { headers: &[("authorization", "Basic x")], ..case("no bearer", PLAIN, 401, "Authorization: ") },
        case("import", PLAIN.replacen('{', r#"{"import":true,"#, 1), 401, "import: "),
        case("10 MB", vec![b' '; 10_000_000], 413, "body: more than 1048576 bytes"),
        case("gzip bomb", bomb, 413, "body: more than 8388608 bytes after unpacking"),
        case("truncated gzip", &gzipped[..gzipped.len() - 4], 400, "body: broken gzip"),
        case("spoilt gzip", [&gzipped[..20], b"xxxx", &gzipped[24..]].concat(), 400, "body: broken gzip"),
        case("100,000 events", gzip(plain(&vec!["{}"; 100_000].join(",")).as_bytes()), 413, "events: 100000"),
        case("negative ts", plain(r#"{"type":"x","ts":-1}"#), 422, "events[0].ts: negative"),
        case("far future ts", plain(&format!(r#"{{"type":"x","ts":{far}}}"#)), 422, "events[0].ts: 17"),
        case("absurd ts", plain(r#"{"type":"x","ts":1e308}"#), 422, "events[0].ts: later than"),
        case("NUL escaped", plain(r#"{"type":"x\u0000","ts":1}"#), 422, "events[0].type: contains U+0000"),
        case(
            "NUL in props",
            plain(r#"{"type":"x","ts":1,"props":{"a":"\u0000"}}"#),
            422,
            "events[0].props.a: ",
        ),
        case("NUL raw", plain("{\"type\":\"x\0\",\"ts\":1}"), 400, "events[0].type: control character"),
        case("NUL in the site", PLAIN.replace("site-123", r"site\u0000"), 400, "site_id: contains U+0000"),
        case(
            "broken UTF-8",
            replaced(&plain(r#"{"type":"@","ts":1}"#), b"\xff"),
            400,
            "events[0].type: not UTF-8",
        ),
        case(
            "surrogate as UTF-8",
            replaced(r#"{"site_id":"@"}"#, b"\xed\xa0\x80"),
            400,
            "site_id: not UTF-8",
        ),
        case(
            "half a pair",
            plain(r#"{"type":"x","ts":1,"name":"\ud83d"}"#),
            422,
            "events[0].name: half of a",
        ),
        case("depth 10,000", deep.clone(), 400, "body: invalid type"),
        case(
            "deep props",
            plain(&format!(r#"{{"type":"x","ts":1,"props":{deep}}}"#)),
            422,
            "events[0].props[0]",
        ),
        case("deep event", plain(&deep), 422, "events[0]"),
        case(
            "duplicate keys",
            PLAIN.replacen('{', r#"{"site_id":"other","#, 1),
            400,
            "site_id: duplicate field",
        ),
        case("duplicate ts", plain(r#"{"type":"x","ts":1,"ts":2}"#), 422, "events[0].ts: duplicate field"),
        case(
            "large event",
            plain(&format!(r#"{{"type":"x","ts":1,"props":{:?}}}"#, "x".repeat(65_536))),
            422,
            "events[0]: ",
        ),
        case("forged lost", native(r#""lost":[[0,4294967295,"queue_full"]]"#), 400, "batches[0].lost[0]: "),
        case(
            "too much lost",
            native(&format!(r#""lost":[{}]"#, vec!["[0,1,\"x\"]"; 4_097].join(","))),
            400,
            "batches[0].lost: 4097",
        ),
        case("odd reason", native(r#""lost":[[0,1,"<script>"]]"#), 400, "batches[0].lost[0][2]: "),
        case("forged head", native(r#""at":[0,4294967295]"#), 400, "batches[0].at[1]: head"),
        case("done above head", native(r#""at":[9,3]"#), 400, "batches[0].at: done 9 above head 3"),
        case("forged refused", native(r#""refused":{"sampled":1e30}"#), 400, "batches[0].refused.sampled: "),
        case("a ledger as an event", plain(r#"{"type":"$ledger","ts":1}"#), 422, "events[0].type: $ledger"),
    ]
}

#[test]
fn bad_input_is_named_settles_nothing_and_writes_nothing() {
    let server = Server::start();
    for case in cases() {
        let answer = server.request("POST", "/collect", case.headers, &case.body);
        let told = answer.message();
        assert_eq!(answer.status_and_ack(), (case.status, "0"), "{}: {told}", case.name);
        assert_eq!(answer.json()["error"], case.error, "{}", case.name);
        assert!(
            told.starts_with(case.begins),
            "{}: {told:?} does not begin with {:?}",
            case.name,
            case.begins
        );
        assert_eq!(answer.header("content-type"), Some("application/json"), "{}", case.name);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", case.name);
        assert_eq!(server.sink.len(), 0, "{} wrote something", case.name);
    }
    assert_eq!(server.post(PLAIN).status_and_ack(), (204, "3"), "and the collector goes on");
    assert_eq!(server.sink.len(), 3);
}

#[test]
fn one_bad_event_does_not_hold_up_the_others() {
    let server = Server::start();
    let answer = server
        .post(plain(r#"{"type":"x","ts":1710320000},{"type":"x","ts":-1},{"type":"y","ts":1710320000}"#));
    assert_eq!(answer.status_and_ack(), (200, "3"));
    let rejected = &answer.json()["rejected"];
    assert_eq!((&rejected[0]["index"], &rejected[0]["reason"]), (&1.into(), &"rejected".into()));
    assert_eq!(rejected[0]["message"], "events[1].ts: negative");
    assert_eq!(server.sink.len(), 3, "two events, and the ledger names the third");
}

#[test]
fn a_request_that_is_no_http_or_breaks_off_harms_no_one() {
    let server = Server::start();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..],
        b"POST /collect HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
        b"POST /collect HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let mut stream = server.connect();
        stream.write_all(bytes).expect("a connection");
        assert_eq!(Answer::read(&mut stream).status, 400);
    }
    let mut stream = server.connect();
    stream
        .write_all(b"POST /collect HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        .expect("a connection");
    drop(stream);
    assert_eq!(server.post(PLAIN).status_and_ack(), (204, "3"));
    assert_eq!(server.sink.len(), 3);
}

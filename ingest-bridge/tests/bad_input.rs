//! What comes in bad is named, and takes nothing good with it.
#![expect(clippy::unwrap_used, reason = "clippy knows test functions, not what they share")]

mod support;

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use support::{INCARNATION, KEY, NEXT_KEY, Server, bearer, event, padded, signed, unix_ms};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lines(lines: &[String]) -> Vec<u8> {
    lines.join("\n").into_bytes()
}

struct Case {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    error: &'static str,
    ack: &'static str,
    /// The beginning of each line's result.
    results: Vec<&'static str>,
    /// How many events and dead letters arrive.
    arrive: (usize, usize),
}

fn case(name: &'static str, body: Vec<u8>) -> Case {
    let headers = vec![("authorization", bearer(KEY))];
    Case { name, headers, body, status: 200, error: "", ack: "0", results: vec![], arrive: (0, 0) }
}

fn refused(name: &'static str, body: Vec<u8>, status: u16, error: &'static str) -> Case {
    Case { status, error, ..case(name, body) }
}

fn table() -> Vec<Case> {
    let good = lines(&[event(1, 1), event(1, 2)]);
    let now = unix_ms();
    let with = |case: Case, headers: Vec<(&'static str, String)>| Case { headers, ..case };
    let packed = |case: Case, packing: &str| Case {
        headers: vec![("authorization", bearer(KEY)), ("content-encoding", packing.to_owned())],
        ..case
    };
    let accepted = |case: Case| Case { ack: "2", results: vec!["accepted"; 2], arrive: (2, 0), ..case };
    let two_good = |name| accepted(case(name, good.clone()));
    let signature = |at| signed(NEXT_KEY, at, &good).to_vec();
    let bomb = vec![b'\n'; 6_000_001];
    vec![
        two_good("sound, by key"),
        with(two_good("sound, by the next key"), vec![("authorization", bearer(NEXT_KEY))]),
        with(two_good("sound, signed"), signature(now)),
        packed(accepted(case("sound, gzip", gzip(&good))), "gzip"),
        packed(accepted(case("sound, zstd", zstd::encode_all(&good[..], 3).unwrap())), "zstd"),
        accepted(case(
            "sound, with odd line ends",
            lines(&[event(1, 1), "\r\n".into(), event(1, 2), "\n".into()]),
        )),
        Case {
            results: vec!["rejected: expected value"],
            ..refused("not NDJSON", b"hello".to_vec(), 422, "unprocessable")
        },
        refused("nothing", Vec::new(), 400, "malformed"),
        refused("only empty lines", b"\n\r\n\n".to_vec(), 400, "malformed"),
        Case {
            ack: "3",
            results: vec!["accepted", "rejected: EOF while parsing", "accepted"],
            arrive: (2, 0),
            ..case(
                "one bad line among good ones",
                lines(&[event(1, 1), "{\"event_id\":".into(), event(1, 2)]),
            )
        },
        Case {
            ack: "2",
            results: vec!["rejected: missing field `client_id`", "accepted"],
            arrive: (1, 0),
            ..case("a field is missing", lines(&[event(1, 1).replace("client_id", "client"), event(1, 2)]))
        },
        Case {
            ack: "2",
            results: vec!["accepted"; 2],
            // The dead letter and, among the events, the ledger record that names it.
            arrive: (2, 1),
            ..case("an event of 1.1 MB", lines(&[padded(1, 1, 1_100_000), event(1, 2)]))
        },
        with(refused("no key", good.clone(), 401, "unauthorized"), vec![]),
        with(
            refused("a wrong key", good.clone(), 401, "unauthorized"),
            vec![("authorization", bearer("some-other-key-0123456789"))],
        ),
        with(
            refused("another scheme", good.clone(), 401, "unauthorized"),
            vec![("authorization", format!("Basic {KEY}"))],
        ),
        with(refused("a stale signature", good.clone(), 401, "unauthorized"), signature(now - 301_000)),
        with(
            refused("a signature of the future", good.clone(), 401, "unauthorized"),
            signature(now + 310_000),
        ),
        with(refused("a replayed signature", good.clone(), 401, "unauthorized"), signature(now)),
        with(
            refused("a signature of another body", good.clone(), 401, "unauthorized"),
            signed(KEY, now, b"other").to_vec(),
        ),
        with(
            refused("a signature with another time", good.clone(), 401, "unauthorized"),
            [&signature(now - 1)[..1], &signature(now - 2)[1..2], &signature(now - 1)[2..]].concat(),
        ),
        with(
            refused("a signature without a sender", good.clone(), 401, "unauthorized"),
            signature(now - 3)[1..].to_vec(),
        ),
        with(
            refused("a signature that is none", good.clone(), 401, "unauthorized"),
            [&signature(now - 4)[..2], &[("hw-signature", "v1=zz".to_owned())]].concat(),
        ),
        packed(refused("an unknown packing", good.clone(), 415, "unsupported"), "br"),
        packed(refused("two packings", good.clone(), 415, "unsupported"), "gzip, zstd"),
        packed(refused("torn gzip", gzip(&good)[..40].to_vec(), 400, "malformed"), "gzip"),
        packed(refused("no zstd at all", good.clone(), 400, "malformed"), "zstd"),
        packed(refused("a bomb of gzip", gzip(&bomb), 413, "too_large"), "gzip"),
        packed(refused("a bomb of zstd", zstd::encode_all(&bomb[..], 3).unwrap(), 413, "too_large"), "zstd"),
        refused("too many bytes", vec![b' '; 4_000_001], 413, "too_large"),
    ]
}

#[test]
fn a_bad_request_is_named_and_a_good_line_lands() {
    let server = Server::start();
    for case in table() {
        let name = case.name;
        let before = (server.memory.events().len(), server.memory.letters().len());
        let headers: Vec<(&str, &str)> =
            case.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = server.post(&headers, &case.body);
        assert_eq!((answer.status, answer.error()), (case.status, case.error), "{name}: {answer:?}");
        assert_eq!(answer.ack.as_deref(), Some(case.ack), "{name}");
        assert_eq!(answer.json["message"].is_string(), case.status != 200, "{name}");
        let results = answer.results();
        assert_eq!(results.len(), case.results.len(), "{name}: {results:?}");
        for (result, expected) in results.iter().zip(&case.results) {
            assert!(result.starts_with(expected), "{name}: {result}");
        }
        let incarnation = (!results.is_empty()).then(|| format!("{INCARNATION:032x}"));
        assert_eq!(answer.incarnation, incarnation, "{name}");
        let arrived = (server.memory.events().len() - before.0, server.memory.letters().len() - before.1);
        assert_eq!(arrived, case.arrive, "{name}");
    }
}

#[test]
fn a_dead_letter_is_named_in_the_ledger() {
    let server = Server::start();
    let body = padded(1, 7, 1_100_000);
    assert_eq!(server.post(&[("authorization", &bearer(KEY))], body.as_bytes()).status, 200);
    let [(reason, _)] = &server.memory.letters()[..] else { panic!("one letter") };
    assert_eq!(reason, "MSG_SIZE_TOO_LARGE");
    let [name] = &server.memory.events()[..] else { panic!("one record") };
    let Ok(headwater_schema::Record::Ledger(ledger)) = headwater_schema::Record::from_slice(name) else {
        panic!("a ledger record")
    };
    assert_eq!(
        (ledger.lost[0].from, ledger.lost[0].to, ledger.lost[0].reason.as_str()),
        (7, 8, "dead_letter")
    );
}

#[test]
fn other_paths_and_methods_are_refused() {
    let server = Server::start();
    let agent = support::agent();
    let url = |path| format!("http://{}{path}", server.address);
    let status = |result: Result<ureq::http::Response<ureq::Body>, ureq::Error>| {
        let response = result.expect("an answer");
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        (response.status().as_u16(), header("allow"), header("hw-ack"))
    };
    assert_eq!(status(agent.get(url("/v1/batches")).call()), (405, Some("POST".into()), Some("0".into())));
    assert_eq!(status(agent.post(url("/v1/other")).send("")), (404, None, Some("0".into())));
    assert_eq!(status(agent.get(url("/metrics")).call()).0, 404, "metrics have a port of their own");
}

//! The last requests of a site, for those who may read it.

#[expect(dead_code, reason = "another part is for the host's tests")]
mod support;

use support::{FAIL, KEEP, PLAIN, REJECT, Server, stream};

const PATH: &str = "/api/v1/sites/site-123/inspector";
const READER: &[(&str, &str)] = &[("authorization", "Bearer token-1")];

fn requests(server: &Server) -> Vec<serde_json::Value> {
    let answer = server.request("GET", PATH, READER, b"");
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    answer.json()["requests"].as_array().expect("a list").clone()
}

#[test]
fn every_event_has_its_outcome_and_its_reason_newest_request_first() {
    let server = Server::start();
    assert_eq!(server.post(PLAIN.replace("1710320005", "-1")).status, 200);
    assert_eq!(server.post(stream(1, "", 0..2)).status, 204);
    assert_eq!(server.post(stream(1, "", 1..3)).status, 204);
    server.sink.set(REJECT);
    assert_eq!(server.post(stream(2, "", 0..1).replace(r#""type":"x""#, r#""type":"click""#)).status, 200);
    server.sink.set(FAIL);
    assert_eq!(server.post(PLAIN).status, 503);
    server.sink.set(KEEP);

    let requests = requests(&server);
    let outcomes = |number: usize| -> Vec<(String, String)> {
        let events = requests[number]["events"].as_array().expect("a list");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        events.iter().map(|event| (text(&event["type"]), text(&event["outcome"]))).collect()
    };
    let pair = |kind: &str, outcome: &str| (kind.to_owned(), outcome.to_owned());
    assert_eq!(outcomes(0), ["pageview", "click", "custom"].map(|kind| pair(kind, "deferred")));
    assert_eq!(requests[0]["message"], "the log: no space");
    assert_eq!(outcomes(1), [pair("click", "rejected")]);
    assert_eq!(
        (&requests[1]["events"][0]["reason"], &requests[1]["events"][0]["stream"]),
        (&"no clicks".into(), &2.into())
    );
    assert_eq!(outcomes(2), [pair("x", "duplicate"), pair("x", "accepted")]);
    assert_eq!(outcomes(3), [pair("x", "accepted"), pair("x", "accepted")]);
    assert_eq!((&requests[3]["form"], &requests[3]["total"]), (&"sdk".into(), &2.into()));
    assert_eq!(outcomes(4), [pair("pageview", "accepted"), pair("custom", "accepted"), pair("", "rejected")]);
    assert_eq!(requests[4]["events"][2]["reason"], "events[1].ts: negative");
    assert_eq!(requests[4]["events"][1]["name"], "video_play");
}

#[test]
fn refusals_of_the_site_are_shown_and_no_value_address_or_id_ever_is() {
    let server = Server::start();
    let secret = PLAIN.replace("v123", "s3cret").replace("anon-uuid", "s3cret-client");
    assert_eq!(server.post(&secret).status, 204);
    assert_eq!(server.post(secret.replace("1710320000", "\"s3cret\"")).status, 200);
    assert_eq!(server.post(secret.replace("\"events\":[", "\"user_id\":\"\",\"events\":[")).status, 400);
    assert_eq!(server.post(&secret[..secret.len() - 5]).status, 400);
    assert_eq!(server.post("nonsense").status, 400, "of which nobody knows whose it is");
    let origin = &[("origin", "https://evil.example")];
    assert_eq!(server.request("POST", "/collect", origin, secret.as_bytes()).status, 403);
    assert_eq!(server.post(stream(77, "", 0..1)).status, 204);

    let answer = server.request("GET", PATH, READER, b"");
    let text = String::from_utf8(answer.body.clone()).expect("text");
    for hidden in ["s3cret", "127.0.0", "sess-uuid", "pricing", "01905d1e"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    let statuses: Vec<_> = requests(&server).iter().map(|request| request["status"].clone()).collect();
    assert_eq!(statuses, [204, 403, 400, 400, 200, 204]);
}

#[test]
fn only_a_read_token_of_the_site_opens_it() {
    let server = Server::start();
    let status = |path: &str, token: &str| {
        let headers = [("authorization", token)];
        server.request("GET", path, if token.is_empty() { &[] } else { &headers }, b"").status
    };
    assert_eq!(status(PATH, ""), 401);
    assert_eq!(status(PATH, "Bearer key-1"), 401);
    assert_eq!(status(PATH, "Bearer token-1"), 200);
    assert_eq!(status("/api/v1/sites/site-456/inspector", "Bearer token-1"), 401);
    assert_eq!(status("/api/v1/sites/site-789/inspector", "Bearer token-1"), 404);
    assert_eq!(server.request("POST", PATH, READER, b"").status, 405);
}

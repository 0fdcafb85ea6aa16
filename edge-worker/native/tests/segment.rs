//! Segment's HTTP API on the socket.

#[expect(dead_code, reason = "another part is for the host's tests")]
mod support;

use support::{FAIL, KEEP, Server};

/// What @segment/analytics-node posts.
const BATCH: &str = r#"{"batch":[{"anonymousId":"anon-1","event":"Order Completed","properties":{"revenue":5,"currency":"EUR"},"type":"track",
  "timestamp":"2024-03-13T08:53:29.000Z","messageId":"node-next-1710320009000-0a1b"}],"sentAt":"2024-03-13T08:53:30.123Z"}"#;

/// `site-123:`.
const KEY: (&str, &str) = ("authorization", "Basic c2l0ZS0xMjM6");

#[test]
fn a_batch_is_taken_and_its_retry_has_the_same_id() {
    let server = Server::start();
    let post = || server.request("POST", "/v1/batch", &[KEY], BATCH.as_bytes());
    server.sink.set(FAIL);
    assert_eq!(post().status, 503, "the SDK tries again");
    server.sink.set(KEEP);
    for _ in 0..2 {
        let answer = post();
        assert_eq!((answer.status, &*answer.body), (200, &br#"{"success":true}"#[..]));
    }
    let events = server.sink.take_events();
    assert_eq!((events.len(), &events[0].event_id), (2, &events[1].event_id), "the last stage counts one");
    assert_eq!((&*events[0].event_type, events[0].revenue), ("custom", Some(500)));
    assert_eq!(server.collector.tally().total(), 3, "two that were taken, and one that was to come again");
}

#[test]
fn what_is_wrong_is_told_as_the_sdks_expect_it() {
    let server = Server::start();
    let status = |path: &str, headers: &[(&str, &str)], body: &str| {
        server.request("POST", path, headers, body.as_bytes()).status
    };
    assert_eq!(status("/v1/batch", &[], BATCH), 401);
    assert_eq!(status("/v1/batch", &[KEY], "{"), 400);
    assert_eq!(status("/v1/track", &[KEY], r#"{"event":"nobody's"}"#), 400);
    assert_eq!(status("/v1/dance", &[KEY], "{}"), 404);
    assert_eq!(server.request("GET", "/v1/track", &[KEY], b"").status, 405);
    assert_eq!(server.sink.len(), 0);
}

//! `headwater serve` as its users meet it: a process, HTTP, signals.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{Headwater, PLAIN, command};
use serde_json::json;

#[test]
fn the_plain_request_is_in_the_report_within_a_second_and_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    // A busy machine may be late once.
    let delay = |site: &str| {
        let answer = headwater.post(&PLAIN.replace("site-123", site));
        assert_eq!((answer.status, answer.header("hw-ack"), answer.body.as_str()), (204, Some("3"), ""));
        let answered = Instant::now();
        headwater.wait_for(&3, |headwater| headwater.total(site, "events"));
        answered.elapsed()
    };
    let delays = ["site-123", "again", "and-again"].map(delay);
    assert!(delays.iter().any(|delay| *delay < Duration::from_secs(1)), "{delays:?}");
    for (metric, number) in [("pageviews", 1), ("users", 1), ("sessions", 1), ("client_sessions", 1)] {
        assert_eq!(headwater.total("site-123", metric), number, "{metric}");
    }

    headwater.post(PLAIN);
    headwater.wait_for(&json!({ "counted": 3, "copies": 3, "dropped": {} }), |headwater| {
        headwater.delivery("site-123")["plain"].clone()
    });
    assert_eq!(headwater.total("site-123", "events"), 3, "a client that retries");
}

#[test]
fn another_event_at_the_same_second_counts_and_so_do_two_equal_ones_in_one_request() {
    let dir = tempfile::tempdir().unwrap();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    let click = r#"{"type":"click","element":"a","ts":1710320000}"#;
    let send = |events: &str| {
        let body = format!(r#"{{"site_id":"s","client_id":"c","events":[{events}]}}"#);
        assert_eq!(headwater.post(&body).status, 204);
    };
    send(click);
    send(&click.replace("\"a\"", "\"b\""));
    send(&[click, click].join(","));
    // The first click of the last request is the very event that was sent before.
    headwater.wait_for(&json!({ "counted": 3, "copies": 1, "dropped": {} }), |headwater| {
        headwater.delivery("s")["plain"].clone()
    });
    assert_eq!(headwater.total("s", "events"), 3);
}

#[test]
fn events_of_a_stream_are_counted_once_and_delivery_adds_up() {
    let dir = tempfile::tempdir().unwrap();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    let batch = |seqs: [u32; 2], at: [u32; 2], lost: &str, end: bool| {
        let events: Vec<_> = (seqs[0]..seqs[1])
            .map(|seq| {
                format!(
                    r#"{{"seq":{seq},"type":"pageview","ts":{},"session_id":null,"url":"/"}}"#,
                    1_710_320_000_000_u64 + u64::from(seq)
                )
            })
            .collect();
        format!(
            r#"{{"v":1,"import":true,"site_id":"s","sent_at":1710320010123,"batches":[{{"stream":"0190aaaa-0000-7000-8000-000000000001",
            "client_id":"c","user_id":null,"context":{{"platform":"web"}},"at":[{},{}],"end":{end},"lost":{lost},
            "refused":{{"sampled":3}},"events":[{}]}}]}}"#,
            at[0],
            at[1],
            events.join(",")
        )
    };
    assert_eq!(headwater.post(&batch([5, 8], [0, 8], "[]", false)).status, 204);
    headwater.wait_for(&(8, 3, 5), |headwater| {
        let total = headwater.delivery("s")["total"].clone();
        (
            total["known"].as_u64().unwrap(),
            total["counted"].as_u64().unwrap(),
            total["in_flight"].as_u64().unwrap(),
        )
    });
    // The first batch again with more before it, then what was lost.
    assert_eq!(headwater.post(&batch([2, 8], [8, 8], r#"[[0,2,"queue_full"]]"#, true)).status, 204);
    let drained = json!({
        "known": 8, "counted": 6, "copies": 3, "lost": { "queue_full": 2 }, "refused": { "sampled": 3 },
        "in_flight": 0, "unexplained": 0,
    });
    headwater.wait_for(&drained, |headwater| headwater.delivery("s")["total"].clone());

    let delivery = headwater.delivery("s");
    assert_eq!(delivery["streams_total"], 1);
    let stream = &delivery["streams"][0];
    assert_eq!((&stream["stream"], &stream["end"], &stream["done"]), (&json!(1), &json!(true), &json!(8)));
    assert!(!delivery.to_string().contains("0190aaaa"), "a stream's UUID is not for readers");

    // After a restart it still knows what it counted.
    headwater.kill();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    assert_eq!(headwater.delivery("s")["total"], drained);
    assert_eq!(headwater.post(&batch([2, 8], [8, 8], "[]", true)).status, 204);
    headwater.wait_for(&json!(9), |headwater| headwater.delivery("s")["total"]["copies"].clone());
    assert_eq!(headwater.total("s", "events"), 6);
}

#[test]
fn sigterm_commits_everything_that_was_answered_and_exits_0() {
    let dir = tempfile::tempdir().unwrap();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    for client in 0..40 {
        let answer = headwater.post(&PLAIN.replace("anon-uuid", &format!("client-{client}")));
        assert_eq!(answer.status, 204);
    }
    assert_eq!(headwater.terminate().code(), Some(0));
    assert!(!dir.path().join("headwater.duckdb.wal").exists(), "a quick next start");
    let headwater = Headwater::start(dir.path(), &["--open"]);
    assert_eq!((headwater.total("site-123", "events"), headwater.total("site-123", "users")), (120, 40));
}

#[test]
fn after_a_kill_everything_that_was_answered_is_there() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=3_u64 {
        let headwater = Headwater::start(dir.path(), &["--open"]);
        for request in 0..15 {
            let answer = headwater.post(&PLAIN.replace("anon-uuid", &format!("client-{round}-{request}")));
            assert_eq!(answer.status, 204);
        }
        headwater.kill();
    }
    let headwater = Headwater::start(dir.path(), &["--open"]);
    headwater.wait_for(&135, |headwater| headwater.total("site-123", "events"));
    // All of them were sent once, so whatever was read twice must have been known.
    assert_eq!(headwater.total("site-123", "users"), 45);
}

#[test]
fn a_data_directory_serves_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    let second = command(dir.path(), &["--open"]).output().unwrap();
    assert!(!second.status.success());
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains("is in use by another process (pid "), "{message}");
    assert_eq!(headwater.get("/healthz").status, 200);
}

#[test]
fn open_to_all_is_refused_beyond_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    command.args(["serve", "--open", "--listen", "0.0.0.0:0", "--data"]).arg(dir.path());
    let output = command.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && message.contains("0.0.0.0 is none"), "{message}");
}

#[test]
fn without_sites_it_says_what_to_give() {
    let dir = tempfile::tempdir().unwrap();
    let message = |more: &[&str]| {
        let output = command(dir.path(), more).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(message(&[]).contains("--config FILE"), "{}", message(&[]));
    let config = dir.path().join("sites.toml");
    fs::write(&config, "[[site]]\nid = \"a\"\norigin = [\"*\"]\n").unwrap();
    let wrong = message(&["--config", config.to_str().unwrap()]);
    assert!(wrong.contains("line 3") && wrong.contains("origin"), "{wrong}");
}

#[test]
fn the_dashboard_is_served_with_a_strict_policy() {
    let dir = tempfile::tempdir().unwrap();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    let page = headwater.get("/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let tag = page.header("etag").unwrap().to_owned();
    assert_eq!(headwater.request("GET", "/", &[("if-none-match", &tag)], "").status, 304);
    for path in ["/no-such-file", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "//etc/passwd"] {
        assert_eq!(headwater.get(path).status, 404, "{path}");
    }
    assert_eq!(headwater.request("POST", "/", &[], "").status, 405);
}

//! The query API over real HTTP: who may ask, and what may be asked.

use std::fs;

use crate::support::{Headwater, PLAIN};
use serde_json::json;

const SITES: &str = r#"
[[site]]
id = "site-123"
origins = ["https://shop.example"]
read_tokens = ["reader", "second-reader"]
secret_keys = ["secret"]

[[site]]
id = "a site/ü"
origins = ["*"]
read_tokens = ["other"]
secret_keys = []
"#;

const DAYS: &str = "from=2024-03-01&to=2024-03-31";

#[test]
fn the_token_is_judged_first_then_the_site() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sites.toml");
    fs::write(&config, SITES).unwrap();
    let headwater = Headwater::start(&dir.path().join("data"), &["--config", config.to_str().unwrap()]);
    let report = format!("report?metric=events&{DAYS}");
    for (site, token, status, error) in [
        ("site-123", Some("Bearer reader"), 200, ""),
        ("site-123", Some("bearer second-reader"), 200, ""),
        ("a%20site%2F%C3%BC", Some("Bearer other"), 200, ""),
        ("site-123", None, 401, "unauthorised"),
        ("site-123", Some("Bearer wrong"), 401, "unauthorised"),
        ("site-123", Some("Bearer other"), 401, "unauthorised"),
        ("site-123", Some("Bearer secret"), 401, "unauthorised"),
        ("site-123", Some("Basic reader"), 401, "unauthorised"),
        ("site-123", Some("reader"), 401, "unauthorised"),
        ("site-123", Some("Bearer "), 401, "unauthorised"),
        ("no-such-site", None, 401, "unauthorised"),
        ("no-such-site", Some("Bearer wrong"), 401, "unauthorised"),
        ("no-such-site", Some("Bearer reader"), 404, "unknown_site"),
    ] {
        for path in ["realtime", "delivery", &report, "report?metric=nonsense"] {
            let headers: Vec<_> = token.map(|token| ("authorization", token)).into_iter().collect();
            let answer = headwater.request("GET", &format!("/api/v1/analytics/{site}/{path}"), &headers, "");
            let case = format!("{site} {token:?} {path}: {answer:?}");
            if status == 200 && path.ends_with("nonsense") {
                assert_eq!(answer.status, 422, "{case}");
                continue;
            }
            assert_eq!(answer.status, status, "{case}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
            if status != 200 {
                assert_eq!(answer.json()["error"], error, "{case}");
                assert!(!answer.json()["message"].as_str().unwrap().is_empty(), "{case}");
            }
            assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{case}");
        }
    }
}

#[test]
fn bad_parameters_are_refused_and_the_message_begins_with_the_field() {
    let dir = tempfile::tempdir().unwrap();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    let good = format!("metric=events&{DAYS}");
    for (path, status, field) in [
        ("report", 400, "metric"),
        ("report?metric=&from=2024-03-01&to=2024-03-31", 400, "metric"),
        ("report?metric=events&to=2024-03-31", 400, "from"),
        ("report?metric=events&from=2024-03-01", 400, "to"),
        ("report?metric=events&from=2024-02-30&to=2024-03-31", 400, "from"),
        ("report?metric=events&from=2024-03-01&to=yesterday", 400, "to"),
        ("report?metric=events&from=1710320000&to=2024-03-31", 400, "from"),
        ("report?metric=events&from=2024-03-01T00:00:00Z&to=2024-03-31", 400, "from"),
        (&format!("report?{good}&metric=users"), 400, "metric"),
        (&format!("report?{good}&groupby=day"), 400, "\"groupby\""),
        (&format!("report?{good}&limit=many"), 400, "limit"),
        ("realtime?since=1", 400, "\"since\""),
        ("delivery?x", 400, "\"x\""),
        (&format!("report?metric=Events&{DAYS}"), 422, "metric"),
        (&format!("report?metric=events%00&{DAYS}"), 422, "metric"),
        (&format!("report?metric=events'--&{DAYS}"), 422, "metric"),
        ("report?metric=events&from=2024-03-02&to=2024-03-01", 422, "from"),
        ("report?metric=events&from=1990-01-01&to=2024-03-01", 422, "from"),
        ("report?metric=events&from=0000-01-01&to=9999-12-31", 422, "from"),
        (&format!("report?{good}&group_by=town"), 422, "group_by"),
        (&format!("report?{good}&group_by=day,moon"), 422, "group_by"),
        (&format!("report?{good}&group_by=day&group_by=day"), 422, "group_by"),
        (&format!("report?{good}&limit=0"), 422, "limit"),
        (&format!("report?{good}&limit=-1"), 422, "limit"),
        (&format!("report?{good}&limit=10001"), 422, "limit"),
        (&format!("report?metric=sessions&{DAYS}&group_by=url"), 422, "group_by"),
        (&format!("report?metric=sessions&{DAYS}&group_by=day,type"), 422, "group_by"),
        (&format!("report?metric=sessions&{DAYS}&group_by=name"), 422, "group_by"),
    ] {
        let answer = headwater.get(&format!("/api/v1/analytics/s/{path}"));
        let json = answer.json();
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let error = if status == 400 { "malformed" } else { "unprocessable" };
        assert_eq!(json["error"], error, "{path}");
        let message = json["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{field}: ")), "{path}: {message}");
    }
    let long = "x".repeat(5_000);
    let answer = headwater.get(&format!("/api/v1/analytics/s/report?metric={long}&{DAYS}"));
    assert!(answer.status == 422 && answer.body.len() < 500, "{answer:?}");
    for (method, path, status) in [
        ("GET", "/api/v1/analytics/s/nothing", 404),
        ("GET", "/api/v2/analytics/s/realtime", 404),
        ("GET", "/api/v1/analytics/%ff/realtime", 400),
        ("POST", "/api/v1/analytics/s/realtime", 405),
        ("DELETE", "/api/v1/analytics/s/report", 405),
    ] {
        let answer = headwater.request(method, path, &[], "");
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.json()["error"].is_string() && answer.json()["message"].is_string(), "{path}");
    }
}

#[test]
fn answers_have_exactly_the_documented_shape() {
    let dir = tempfile::tempdir().unwrap();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    headwater.post(PLAIN);
    headwater.post(&PLAIN.replace("1710320000", &now.to_string()));
    let get = |path: &str| headwater.get(&format!("/api/v1/analytics/site-123/{path}")).body;
    headwater.wait_for(
        &r#"{"active_users":1,"events_per_sec":0,"top_pages":[{"url":"/pricing","views":1}]}"#.to_owned(),
        |_| get("realtime"),
    );
    let days = "from=2024-03-01&to=2024-03-31";
    for (path, body) in [
        (
            format!("report?metric=pageviews&{days}&group_by=country"),
            r#"{"data":[{"country":null,"pageviews":1}]}"#,
        ),
        (format!("report?metric=users&{days}&group_by="), r#"{"data":[{"users":1}]}"#),
        (
            format!("report?metric=events&{days}&group_by=type&group_by=day,hour&limit=2"),
            r#"{"data":[{"type":"click","day":"2024-03-13","hour":"2024-03-13T08:00:00Z","events":1},{"type":"custom","day":"2024-03-13","hour":"2024-03-13T08:00:00Z","events":1}]}"#,
        ),
        (
            format!("report?metric=sessions&{days}&group_by=referrer"),
            r#"{"data":[{"referrer":"google.com","sessions":1}]}"#,
        ),
        ("report?metric=events&from=2020-01-01&to=2020-01-31&group_by=day".to_owned(), r#"{"data":[]}"#),
    ] {
        assert_eq!(get(&path), body, "{path}");
    }
}

#[test]
fn an_unseen_site_is_empty_when_all_sites_are_open() {
    let dir = tempfile::tempdir().unwrap();
    let headwater = Headwater::start(dir.path(), &["--open"]);
    let get = |path: &str| headwater.get(&format!("/api/v1/analytics/unseen/{path}")).json();
    assert_eq!(get("realtime"), json!({ "active_users": 0, "events_per_sec": 0, "top_pages": [] }));
    assert_eq!(get(&format!("report?metric=users&{DAYS}")), json!({ "data": [{ "users": 0 }] }));
    assert_eq!(get(&format!("report?metric=users&{DAYS}&group_by=day")), json!({ "data": [] }));
    let nothing = json!({
        "total": { "known": 0, "counted": 0, "copies": 0, "lost": {}, "refused": {}, "in_flight": 0, "unexplained": 0 },
        "plain": { "counted": 0, "copies": 0, "dropped": {} }, "streams": [], "streams_total": 0, "deleted": [],
    });
    assert_eq!(get("delivery"), nothing);
}

//! What the collector makes of a request's headers and addresses is what reports are grouped by.

use crate::support::Headwater;
use serde_json::json;

const CHROME: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
                      Mobile Safari/537.36";
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// A page view of one visitor.
fn view(client: &str, url: &str, referrer: &str) -> String {
    json!({
        "site_id": "site-123",
        "client_id": client,
        "events": [{ "type": "pageview", "url": url, "referrer": referrer, "ts": 1_710_320_000 }],
    })
    .to_string()
}

#[test]
fn reports_are_grouped_by_what_is_known_of_a_visit() {
    let dir = tempfile::tempdir().unwrap();
    let places =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../edge-worker/native/tests/data/GeoIP2-City-Test.mmdb");
    let headwater = Headwater::start(dir.path(), &["--open", "--geo-db", places]);
    let post = |headers: &[(&str, &str)], body: &str| {
        assert_eq!(headwater.request("POST", "/collect", headers, body).status, 204);
    };
    let phone = [
        ("user-agent", CHROME),
        ("sec-ch-ua", r#""Chromium";v="142", "Brave";v="142", "Not_A Brand";v="99""#),
        ("sec-ch-ua-mobile", "?1"),
        ("sec-ch-ua-platform", "\"Android\""),
        ("origin", "https://shop.example"),
    ];
    post(&phone, &view("a", "/pricing?to=jane@mail.example", "https://chatgpt.com/?token=abc"));
    post(&phone, &view("b", "/pricing?to=joe%40mail.example", "https://shop.example/"));
    post(&[("user-agent", GOOGLEBOT)], &view("c", "/pricing", ""));
    // Whoever says nothing of itself is not judged.
    post(&[], &view("d", "/pricing?gclid=abc", ""));

    headwater.wait_for(&4, |headwater| headwater.total("site-123", "pageviews"));
    let report = |groups: &str| {
        let days = "from=2024-03-01&to=2024-03-31";
        let path = format!("/api/v1/analytics/site-123/report?metric=pageviews&{days}&group_by={groups}");
        headwater.get(&path).json()["data"].clone()
    };
    assert_eq!(
        report("device,os,browser,browser_version,bot"),
        json!([
            { "device": "phone", "os": "Android", "browser": "Brave", "browser_version": "142.0.0.0",
              "bot": "false", "pageviews": 2 },
            { "device": "bot", "os": null, "browser": "Googlebot", "browser_version": "2.1",
              "bot": "true", "pageviews": 1 },
            { "device": null, "os": null, "browser": null, "browser_version": null,
              "bot": null, "pageviews": 1 },
        ])
    );
    assert_eq!(
        report("referrer_class"),
        json!([
            { "referrer_class": "ai", "pageviews": 1 },
            { "referrer_class": "direct", "pageviews": 1 },
            { "referrer_class": "internal", "pageviews": 1 },
            { "referrer_class": "paid", "pageviews": 1 },
        ])
    );
    assert_eq!(
        report("url,referrer"),
        json!([
            { "url": "/pricing", "referrer": "", "pageviews": 1 },
            { "url": "/pricing?gclid=abc", "referrer": "", "pageviews": 1 },
            { "url": "/pricing?to=redacted", "referrer": "https://chatgpt.com/?token=redacted", "pageviews": 1 },
            { "url": "/pricing?to=redacted", "referrer": "https://shop.example/", "pageviews": 1 },
        ])
    );
    // The test comes from this machine, which is no place.
    assert_eq!(
        report("country,region,city"),
        json!([{ "country": null, "region": null, "city": null, "pageviews": 4 }])
    );
}

#[test]
fn a_file_that_is_none_is_told_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let ended =
        crate::support::command(dir.path(), &["--open", "--geo-db", "/no/such/file"]).output().unwrap();
    assert!(!ended.status.success());
    assert!(String::from_utf8_lossy(&ended.stderr).contains("/no/such/file"), "{ended:?}");
}

//! What a collector without tables passes on of a sender's headers goes no further than the bridge.

mod support;

use serde_json::{Value, json};
use support::{KEY, Server, bearer, event};

#[test]
fn headers_become_what_they_say_before_a_record_is_produced() {
    let server = Server::start();
    let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                  Version/18.6 Mobile/15E148 Safari/604.1";
    let headers = json!({ "headers": { "user-agent": safari } }).to_string();
    let carries = event(1, 1).replacen('{', &format!("{},", headers.strip_suffix('}').unwrap()), 1);
    let body = [carries, event(1, 2)].join("\n");
    let answer = server.post(&[("authorization", &bearer(KEY))], body.as_bytes());
    assert_eq!((answer.status, answer.ack.as_deref()), (200, Some("2")));
    let produced = server.memory.events();
    let first: Value = serde_json::from_slice(&produced[0]).unwrap();
    let mut expected: Value = serde_json::from_str(&event(1, 1)).unwrap();
    for (field, value) in [
        ("device", json!("phone")),
        ("os", json!("iOS")),
        ("browser", json!("Mobile Safari")),
        ("browser_version", json!("18.6")),
        ("bot", json!(false)),
    ] {
        expected[field] = value;
    }
    assert_eq!(first, expected);
    assert_eq!(produced[1], event(1, 2), "byte for byte");
}

//! What a site may want to be done with its events, and that each of them still has its outcome.

use std::sync::Arc;

use headwater_collector::{Credentials, IpSalt, Program, Sites, Tally};
use headwater_schema::{Lost, Software};
use proptest::prelude::*;

use crate::common::{Collector, PLAIN, event, message, native, native_seqs, status_and_ack};

/// A collector of one site, with this in its entry.
fn site(entry: &str) -> Collector {
    let file = format!("[[site]]\nid = \"site-123\"\n{entry}\n");
    Collector { sites: Sites::from_toml(&file).expect("a good file"), ..Collector::default() }
}

#[test]
fn a_key_is_valid_on_its_days_only() {
    // The collector's clock is on 2024-03-13.
    const KEYS: &str = r#"secret_keys = ["always", { key = "new", not_before = "2024-03-14" },
      { key = "old", expires = "2024-03-13" }, { key = "today", not_before = "2024-03-13", expires = "2024-03-14" }]"#;
    let import = PLAIN.replacen('{', r#"{"import":true,"#, 1);
    for (key, status) in [("always", 204), ("today", 204), ("new", 401), ("old", 401), ("other", 401)] {
        let authorization = format!("Bearer {key}");
        let reply = site(KEYS)
            .post_as(&import, &Credentials { authorization: Some(&authorization), ..Credentials::default() });
        assert_eq!(reply.status, status, "{key}");
        if status == 401 {
            assert!(message(&reply).starts_with("Authorization: "), "{key}");
        }
    }
}

#[test]
fn clients_outside_of_the_sample_are_answered_and_named() {
    let mut collector = site("[site.policy]\nsample = 0");
    let body = native(r#""at":[0,3],"#, &[&event(0), &event(1), r#"{"seq":2,"type":"x","ts":-1}"#]);
    let reply = collector.post(&body);
    assert_eq!(status_and_ack(&reply), (200, "3"));
    let told: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(
        told["rejected"][1],
        serde_json::json!({"stream": crate::common::STREAM, "seq": 1, "reason": "sampled"})
    );
    let (events, ledgers) = collector.take();
    assert!(events.is_empty());
    let lost = |from, to, reason: &str| Lost { from, to, reason: reason.to_owned() };
    assert_eq!(ledgers[0].lost, [lost(0, 2, "sampled"), lost(2, 3, "rejected")]);
    assert_eq!(collector.tally, Tally { filtered: 2, rejected: 1, ..Tally::default() });

    let mut collector = site("[site.policy]\nsample = 0");
    assert_eq!(status_and_ack(&collector.post(PLAIN)), (200, "3"), "third parties too");
    assert_eq!(collector.take_ledgers()[0].unnamed, [("sampled".to_owned(), 3)].into());

    let mut down = Collector { down: true, ..site("[site.policy]\nsample = 0") };
    assert_eq!(status_and_ack(&down.post(body)), (503, "0"), "the name of a loss is not durable");
    assert_eq!(down.tally, Tally { deferred: 3, ..Tally::default() });
}

#[test]
fn a_robot_is_kept_told_or_dropped_and_a_dropped_one_is_named_each_time_it_comes() {
    for (policy, bot) in [("keep", None), ("tag", Some(true))] {
        let mut collector = robot(policy);
        assert_eq!(status_and_ack(&collector.post(native_seqs("", 0..1))), (204, "1"));
        assert_eq!(collector.take_events().remove(0).bot, bot, "{policy}");
    }
    let mut collector = robot("drop");
    for times in 1..=2 {
        let reply = collector.post(native_seqs(r#""at":[0,2],"#, 0..2));
        assert_eq!(status_and_ack(&reply), (200, "2"));
        let (events, ledgers) = collector.take();
        assert!(events.is_empty());
        assert_eq!(ledgers[0].lost, [Lost { from: 0, to: 2, reason: "bot".to_owned() }]);
        assert_eq!(collector.tally, Tally { filtered: 2 * times, ..Tally::default() });
    }
}

/// A site with this policy for robots, whose only sender is one.
fn robot(policy: &str) -> Collector {
    let mut collector = site(&format!("[site.policy]\nbots = \"{policy}\""));
    let software = Software { bot: Some(true), ..Software::default() };
    collector.surroundings.program = Program::Known(Arc::new(software));
    collector
}

#[test]
fn a_site_may_lower_the_limits_and_not_raise_them() {
    let mut collector = site("[site.limits]\nevents = 2\nevent_bytes = 200\nprops_bytes = 10");
    let reply = collector.post(PLAIN);
    assert_eq!((reply.status, message(&reply)), (413, "events: 3 events, more than 2".to_owned()));
    let with = |more: &str| format!(r#"{{"seq":0,"type":"x","ts":1710320000123{more}}}"#);
    for (more, flaw) in [
        (r#","props":{"a":1}"#.to_owned(), None),
        (r#","props":{"a":1234567}"#.to_owned(), Some("props: 13 bytes, more than 10")),
        (format!(r#","url":"/{}""#, "a".repeat(200)), Some("bytes, more than 200")),
    ] {
        let reply = collector.post(native("", &[&with(&more)]));
        assert_eq!(reply.status, if flaw.is_some() { 422 } else { 204 });
        assert!(flaw.is_none_or(|flaw| message(&reply).ends_with(flaw)), "{:?}", reply.body);
    }
    let above = headwater_collector::limits::EVENTS + 1;
    let mut collector = site(&format!("[site.limits]\nevents = {above}"));
    assert_eq!(collector.post(native_seqs("", 0..above.try_into().unwrap())).status, 413);
}

/// What one event has as its `ip`.
fn ip(policy: &str, salt: Option<IpSalt>) -> Option<String> {
    let mut collector = site(&format!("[site.policy]\nip = \"{policy}\""));
    collector.surroundings.ip_salt = salt;
    assert_eq!(collector.post(native_seqs("", 0..1)).status, 204);
    collector.take_events().remove(0).ip
}

#[test]
fn of_an_address_is_kept_what_the_policy_says() {
    assert_eq!(ip("anonymised", None).as_deref(), Some("203.0.113.0"));
    assert_eq!(ip("none", None), None);
    assert_eq!(ip("hashed", None), None, "a host without salts");
    let [first, again, next_day] = [1, 1, 2].map(|day| ip("hashed", Some(IpSalt::new([day; 32]))));
    assert!(first.as_ref().is_some_and(|hash| hash.len() == 16) && first == again && first != next_day);
}

#[test]
fn an_sdk_is_told_whether_consent_is_asked_for_where_it_is() {
    const POLICY: &str = "[site.policy]\nconsent_required = [\"DE\"]";
    for (country, required) in [(Some("DE"), true), (Some("US"), false), (None, true)] {
        let mut collector = site(POLICY);
        collector.surroundings.place.country = country.map(str::to_owned);
        let reply = collector.post(native_seqs("", 0..1));
        let told: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!(told["settings"]["consent_required"], required, "{country:?}");
        assert_eq!(told["settings"]["sample"], 10_000, "all is told with it");
        assert_eq!(collector.post(PLAIN).status, 204, "no SDK");
    }
}

#[test]
fn a_subdomain_may_send_and_read() {
    let mut collector = site("origins = [\"https://*.shop.example\"]");
    for (origin, status) in [("https://www.shop.example", 204), ("https://shop.example", 403)] {
        let credentials = Credentials { origin: Some(origin), ..Credentials::default() };
        assert_eq!(collector.post_as(PLAIN, &credentials).status, status, "{origin}");
        assert_eq!(headwater_collector::cors::preflight(&collector.sites, Some(origin)).status, status);
    }
}

#[test]
fn json_says_the_same_as_toml() {
    let toml = r#"
[[site]]
id = "a"
origins = ["https://*.a.example"]
secret_keys = ["k", { key = "l", expires = "2030-01-01" }]
[site.settings]
sample = 17
[site.limits]
events = 5
[site.policy]
bots = "drop"
ip = "hashed"
consent_required = ["FR"]
"#;
    let json = r#"{"site":[{"id":"a","origins":["https://*.a.example"],
      "secret_keys":["k",{"key":"l","expires":"2030-01-01"}],"settings":{"sample":17},"limits":{"events":5},
      "policy":{"bots":"drop","ip":"hashed","consent_required":["FR"]}}]}"#;
    let of = |sites: Sites| format!("{sites:?}");
    assert_eq!(of(Sites::from_toml(toml).expect("TOML")), of(Sites::from_json(json).expect("JSON")));
}

#[test]
fn a_json_error_names_line_and_field_and_shows_no_secret() {
    for (text, error) in [
        ("", "line 1: site: EOF"),
        ("{}", "line 1: site: missing field `site`"),
        ("{\"site\":[\n{\"id\":\"a\",\n\"colour\":1}]}", "line 3: site[0].colour: unknown field `colour`"),
        (
            "{\"site\":[{\"id\":\"a\",\n\"secret_keys\":[\"k\",\"hush hush\"]}]}",
            "line 2: site[0].secret_keys[1]: a token is",
        ),
        (
            "{\"site\":[{\"id\":\"a\",\n\"secret_keys\":\"hush\"}]}",
            "line 2: site[0].secret_keys: invalid type, expected",
        ),
        (
            "{\"site\":[{\"id\":\"a\",\"policy\":{\"bots\":\"hush\"}}]}",
            "line 1: site[0].policy.bots: unknown variant, expected",
        ),
        ("{\"site\":[{\"id\":\"a\"},\n{\"id\":\"a\"}]}", "line 2: id: the site \"a\" twice"),
    ] {
        let found = Sites::from_json(text).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found:?} does not begin with {error:?}");
        assert!(!found.contains("hush"), "{found}");
    }
}

#[test]
fn a_toml_error_names_line_and_field_of_the_new_tables() {
    for (entry, error) in [
        ("[site.policy]\nbots = \"hush\"", "line 4: bots: unknown variant, expected"),
        ("[site.policy]\nconsent_required = [\"de\"]", "line 4: consent_required: a country is"),
        ("[site.policy]\nsample = 10001", "line 4: sample: a sample is"),
        ("[site.limits]\nevents = 0", "line 4: events: invalid value, expected a nonzero"),
        (
            "secret_keys = [\n  \"aHVzaA==hush=\",\n  { key = \"x\", expires = \"31.12.2026\" },\n]",
            "line 5: ",
        ),
        (
            "secret_keys = [\n  { key = \"hush\", not_before = \"2026-02-01\", expires = \"2026-01-01\" },\n]",
            "line 4: secret_keys: a key whose",
        ),
        (
            "secret_keys = [\"hush\", { key = \"hush\", expires = \"2026-01-01\" }]",
            "line 2: secret_keys: a key twice",
        ),
        ("secret_keys = [\n  \"hush=\",\n  7,\n]", "line 5: secret_keys: invalid type, expected a key"),
        ("origins = [\"https://*.com\"]", "line 3: origins: `*.` stands"),
        ("settings = \"hush\"", "line 3: settings: invalid type, expected"),
        ("[site.settings]\nconsent_required = true", "line 4: consent_required: unknown field"),
    ] {
        let found = Sites::from_toml(&format!("[[site]]\nid = \"a\"\n{entry}\n")).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found:?} does not begin with {error:?}");
        assert!(!found.contains("hush"), "{found}");
    }
}

const EXAMPLE: &str = include_str!("../../sites.example.toml");

/// A site that says nothing is what the example says, but for the settings, which it does not tell.
#[test]
fn the_example_file_shows_the_defaults() {
    let short = Sites::from_toml("[[site]]\nid = \"site-123\"\n[site.settings]\n").expect("a good file");
    assert_eq!(format!("{:?}", Sites::from_toml(EXAMPLE).expect("a good file")), format!("{short:?}"));
}

/// The fields that there are, by what is said of one that is not.
#[test]
fn the_example_file_shows_every_field() {
    for table in ["", "[site.settings]\n", "[site.limits]\n", "[site.policy]\n"] {
        let text = format!("[[site]]\nid = \"a\"\n{table}colour = 1\n");
        let error = Sites::from_toml(&text).unwrap_err().message;
        let (_, fields) = error.split_once("expected one of ").expect("a list of fields");
        for field in fields.split(", ").map(|field| field.trim_matches('`')) {
            let is_shown = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{field} = "));
            let is_table = EXAMPLE.contains(&format!("[site.{field}]"));
            assert!(is_table || EXAMPLE.lines().any(is_shown), "{field} is not in the example");
        }
    }
}

/// One site with a secret in each place where one can be.
const SECRETIVE: &str = "[[site]]\nid = \"a\"\norigins = [\"https://*.a.example\"]\nread_tokens = [\"hush-1=\"]\nsecret_keys = [\n  \"hush-2==\",\n  { key = \"hush-3\", expires = \"2030-01-01\" },\n]\n[site.policy]\nip = \"hashed\"\n";

proptest! {
    #[test]
    fn a_file_spoilt_anywhere_is_read_or_refused_without_a_secret(at in 0_usize..300, with in ".{0,2}", cut in 0_usize..3) {
        let at = at % SECRETIVE.len();
        let rest = &SECRETIVE[(at + cut).min(SECRETIVE.len())..];
        if let Err(error) = Sites::from_toml(&format!("{}{with}{rest}", &SECRETIVE[..at])) {
            prop_assert!(!error.message.contains("hush"), "{}", error);
            prop_assert!((1..=SECRETIVE.lines().count() + 2).contains(&error.line), "{}", error);
        }
    }

    #[test]
    fn any_text_is_a_configuration_or_none(text in ".{0,80}", json in "[\\[\\]{}:,\"a-z0-9é]{0,40}") {
        let _ = (Sites::from_toml(&text), Sites::from_json(&text), Sites::from_json(&json));
    }
}

//! Who may send, who may read, and what a configuration file may say.

use crate::common::{Collector, PLAIN, event, message, native, native_seqs, status_and_ack};
use headwater_collector::{Credentials, ReadAccess, Sites, cors, pixel};

const FILE: &str = r#"
[[site]]
id = "site-123"
origins = ["https://shop.example", "http://localhost:3000"]
read_tokens = ["read-1", "read-1b"]
secret_keys = ["key-1"]

[[site]]
id = "site-456"
origins = ["*"]
read_tokens = ["read-2"]
"#;

fn collector() -> Collector {
    Collector { sites: Sites::from_toml(FILE).expect("a good file"), ..Collector::default() }
}

fn post(authorization: Option<&str>, origin: Option<&str>, body: &str) -> (u16, String) {
    let mut collector = collector();
    let reply = collector.post_as(body, &Credentials { authorization, origin });
    assert_eq!(reply.status == 204, !collector.records.is_empty());
    let message = if reply.status == 204 { String::new() } else { message(&reply) };
    (reply.status, message)
}

#[test]
fn a_site_takes_events_from_its_origins_and_from_programs() {
    assert_eq!(post(None, None, PLAIN).0, 204);
    assert_eq!(post(None, Some("https://shop.example"), PLAIN).0, 204);
    for wrong in ["https://shop.example.evil", "http://shop.example", "https://shop.example:8443", "null", ""]
    {
        let (status, message) = post(None, Some(wrong), PLAIN);
        assert_eq!((status, &*message), (403, "Origin: not one of this site's origins"), "{wrong}");
    }
    let any = PLAIN.replace("site-123", "site-456");
    assert_eq!(post(None, Some("https://anywhere.example"), &any).0, 204);
    let (status, message) = post(None, None, &PLAIN.replace("site-123", "site-789"));
    assert_eq!((status, &*message), (401, "site_id: no such site"));
}

#[test]
fn a_secret_key_is_judged_if_one_is_sent() {
    assert_eq!(post(Some("Bearer key-1"), Some("https://elsewhere.example"), PLAIN).0, 204);
    for wrong in ["Bearer key-2", "Bearer ", "Bearer read-1", "Basic a2V5LTE=", "key-1"] {
        let (status, message) = post(Some(wrong), None, PLAIN);
        assert_eq!(status, 401, "{wrong}");
        assert!(message.starts_with("Authorization: "), "{message}");
    }
}

#[test]
fn an_import_needs_a_secret_key() {
    let import = PLAIN.replacen('{', r#"{"import":true,"#, 1);
    let (status, message) = post(None, Some("https://shop.example"), &import);
    assert_eq!((status, message.starts_with("import: ")), (401, true));
    assert_eq!(post(Some("Bearer key-1"), None, &import).0, 204);
    assert_eq!(Collector::default().post(&import).status, 204, "an open collector asks for none");
}

#[test]
fn an_open_collector_takes_anything_that_can_be_read() {
    let mut collector = Collector::default();
    let odd = Credentials { authorization: Some("Basic x"), origin: Some("https://evil.example") };
    assert_eq!(status_and_ack(&collector.post_as(PLAIN, &odd)), (204, "3"));
}

#[test]
fn a_token_is_judged_before_the_site() {
    let sites = Sites::from_toml(FILE).unwrap();
    for (site, token, access) in [
        ("site-123", Some("read-1"), ReadAccess::Granted),
        ("site-123", Some("read-1b"), ReadAccess::Granted),
        ("site-123", Some("read-2"), ReadAccess::Unauthorised),
        ("site-123", Some("key-1"), ReadAccess::Unauthorised),
        ("site-123", None, ReadAccess::Unauthorised),
        ("site-789", None, ReadAccess::Unauthorised),
        ("site-789", Some("wrong"), ReadAccess::Unauthorised),
        ("site-789", Some("read-2"), ReadAccess::UnknownSite),
    ] {
        assert_eq!(sites.read_access(site, token), access, "{site} {token:?}");
    }
    assert_eq!(sites.opened().read_access("site-789", None), ReadAccess::Granted);
}

#[test]
fn a_configuration_error_names_line_and_field_and_shows_no_secret() {
    for (text, error) in [
        ("", "line 1: [[site]]: missing field `site`"),
        ("[[site]]\norigins = []\n", "line 1: [[site]]: missing field `id`"),
        ("[[site]]\nid = \"a\"\ncolour = 1\n", "line 3: colour: unknown field `colour`"),
        ("[[site]]\nid = 7\n", "line 2: id: invalid type"),
        ("[[site]]\nid = \"\"\n", "line 2: id: a site id is"),
        (
            "[[site]]\nid = \"a\"\norigins = [\n  \"https://a.example/\",\n]\n",
            "line 3: origins: an origin is",
        ),
        ("[[site]]\nid = \"a\"\nsecret_keys = [\"hush hush\"]\n", "line 3: secret_keys: a token is"),
        ("[[site]]\nid = \"a\"\n[[site]]\nid = \"a\"\n", "line 4: id: the site \"a\" twice"),
        ("[[site]]\nid = \"a\"\nsecret_keys = [\"hush\n", "line 3: secret_keys: "),
        (
            "[[site]]\nid = \"a\"\n[site.settings]\nflush_ms = 1\nsample = 10001\n",
            "line 5: sample: a sample is 0 to 10000",
        ),
        ("[[site]]\nid = \"a\"\n[site.settings]\nqueue_bytes = -1\n", "line 4: queue_bytes: "),
        ("[[site]]\nid = \"a\"\n[site.settings]\ncalls_per_minute = 1.5\n", "line 4: calls_per_minute: "),
        ("[[site]]\nid = \"a\"\n[site.settings]\nstop_ms = 4294967296\n", "line 4: stop_ms: "),
        ("[[site]]\nid = \"a\"\n[site.settings]\nflush_ms = \"1\"\n", "line 4: flush_ms: invalid type"),
        ("[[site]]\nid = \"a\"\n[site.settings]\nflush = 1\n", "line 4: flush: unknown field `flush`"),
        ("[[site]]\nid = \"a\"\nsettings = 1\n", "line 3: settings: invalid type"),
        ("[[site]]\nid = \"a\"\n[site.settings]\nsample = 1\n[site.settings]\n", "line 5: [site.settings]: "),
    ] {
        let found = Sites::from_toml(text).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found:?} does not begin with {error:?}");
        assert!(!found.contains("hush"), "{found}");
    }
    assert!(!format!("{:?}", Sites::from_toml(FILE).unwrap()).contains("key-1"));
    for origin in
        ["https://A.example", "https://a.example:443", "http://a.example:80", "a.example", "https://"]
    {
        let text = format!("[[site]]\nid = \"a\"\norigins = [\"{origin}\"]\n");
        assert!(Sites::from_toml(&text).is_err(), "{origin}");
    }
    for origin in ["*", "https://a.example:8443", "capacitor://localhost", "http://[::1]:3000"] {
        let text = format!("[[site]]\nid = \"a\"\norigins = [\"{origin}\"]\n");
        assert!(Sites::from_toml(&text).is_ok(), "{origin}");
    }
}

#[test]
fn only_pages_of_a_sites_origins_may_read_the_answer() {
    let sites = Sites::from_toml(&FILE.replace("\"*\"", "\"https://b.example\"")).unwrap();
    for (origin, allowed) in [
        (Some("https://shop.example"), true),
        (Some("https://b.example"), true),
        (Some("https://evil.example"), false),
        (Some("null"), false),
        (None, false),
    ] {
        let mut reply = Collector::default().post(PLAIN);
        cors::allow(&mut reply, &sites, origin);
        let expected = origin.filter(|_| allowed);
        assert_eq!(reply.header("access-control-allow-origin"), expected);
        let exposed = reply.header("access-control-expose-headers");
        assert_eq!(exposed, allowed.then_some("hw-ack, hw-time, retry-after"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        assert_eq!(reply.header("vary"), Some("Origin"));
        let preflight = cors::preflight(&sites, origin);
        assert_eq!(preflight.status, if allowed { 204 } else { 403 });
        assert_eq!(preflight.header("access-control-allow-origin"), expected);
    }
}

#[test]
fn a_pixel_is_an_image_whatever_happened() {
    let mut collector = Collector::default();
    let good = collector.post(PLAIN);
    let bad = collector.post("nonsense");
    for (reply, ack) in [(good, "3"), (bad, "0")] {
        let mut image = pixel::image(&reply);
        image.set_time(17);
        assert_eq!(image.header("hw-time"), Some("17"));
        assert_eq!((image.status, image.header("content-type")), (200, Some("image/gif")));
        assert_eq!((image.header("cache-control"), image.header("hw-ack")), (Some("no-store"), Some(ack)));
        assert_eq!((&image.body[..6], image.body.len()), (&b"GIF89a"[..], 43));
    }
}

/// A collector whose site has these settings.
fn with_settings(settings: &str) -> Collector {
    let file =
        FILE.replacen("secret_keys = [\"key-1\"]\n", &format!("secret_keys = [\"key-1\"]\n{settings}"), 1);
    Collector { sites: Sites::from_toml(&file).expect("a good file"), ..Collector::default() }
}

#[test]
fn sdks_are_told_the_settings_of_their_site_and_nobody_else_is() {
    let all = "[site.settings]\nsample = 2500\ncalls_per_minute = 600\nflush_ms = 2000\nqueue_bytes = 9\nstop_ms = 7\n";
    let told =
        r#"{"settings":{"sample":2500,"calls_per_minute":600,"flush_ms":2000,"queue_bytes":9,"stop_ms":7}}"#;
    let of_sdk = native_seqs("", 0..2);
    let reply = with_settings(all).post(&of_sdk);
    assert_eq!(status_and_ack(&reply), (200, "2"));
    assert_eq!(std::str::from_utf8(&reply.body).unwrap(), told);
    let without_events = native(r#""at":[3,3],"#, &[]);
    assert_eq!(status_and_ack(&with_settings(all).post(&without_events)), (200, "0"));

    assert_eq!(with_settings(all).post(PLAIN).status, 204, "a third party");
    let of_another = of_sdk.replace("site-123", "site-456");
    assert_eq!(with_settings(all).post(of_another).status, 204, "another site");
    let mut down = Collector { down: true, ..with_settings(all) };
    let reply = down.post(&of_sdk);
    assert_eq!((reply.status, message(&reply)), (503, "the log: full".to_owned()), "nothing is settled");
    let opened = with_settings(all).sites.opened();
    let reply = Collector { sites: opened, ..Collector::default() }.post(&of_sdk);
    assert_eq!(reply.status, 200, "an open collector knows the sites of its file");
}

#[test]
fn settings_are_told_whole_so_that_an_empty_table_takes_everything_back() {
    let some = with_settings("[site.settings]\nflush_ms = 1\n").post(native_seqs("", 0..1));
    let none = with_settings("[site.settings]\n").post(native_seqs("", 0..1));
    let whole =
        r#"{"settings":{"sample":10000,"calls_per_minute":0,"flush_ms":1,"queue_bytes":0,"stop_ms":0}}"#;
    assert_eq!(std::str::from_utf8(&some.body).unwrap(), whole);
    assert_eq!(std::str::from_utf8(&none.body).unwrap(), whole.replace("flush_ms\":1", "flush_ms\":0"));
}

#[test]
fn settings_are_told_beside_what_was_rejected() {
    let body = native("", &[&event(0), r#"{"seq":1,"type":"x","ts":-5}"#]);
    let reply = with_settings("[site.settings]\n").post(body);
    assert_eq!(status_and_ack(&reply), (200, "2"));
    let body: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!((&body["rejected"][0]["seq"], &body["settings"]["sample"]), (&1.into(), &10_000.into()));
}

#[test]
fn the_time_is_told_in_answers_that_speak_for_headwater() {
    let mut collector = Collector::default();
    for body in [PLAIN, "nonsense"] {
        let mut reply = collector.post(body);
        reply.set_time(1_710_320_010_300);
        assert_eq!(reply.header("hw-time"), Some("1710320010300"));
    }
    let mut preflight = cors::preflight(&collector.sites, Some("https://shop.example"));
    preflight.set_time(7);
    assert_eq!(preflight.header("hw-time"), None);
}

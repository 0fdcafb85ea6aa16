//! What is added to events, and what is taken out of them.

use std::{collections::BTreeMap, sync::Arc};

use headwater_collector::{Credentials, Program, Sites};
use headwater_schema::{Agent, Software};

use crate::common::{self, Collector, native};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

fn view(url: &str, referrer: &str) -> String {
    format!(
        r#"{{"site_id":"site-123","client_id":"c","events":[{{"type":"pageview","url":"{url}","referrer":"{referrer}","ts":1710320000}},{{"type":"click","url":"{url}","ts":1710320000}}]}}"#
    )
}

#[test]
fn addresses_leave_without_secrets_and_with_a_class_for_page_views() {
    let mut collector = Collector::default();
    let page = Credentials { origin: Some("https://shop.example"), ..Credentials::default() };
    let url = "/u/jane@mail.example?token=abc&utm_source=jane@mail.example&utm_medium=email#x";
    collector.post_as(view(url, "https://shop.example/?sid=1"), &page);
    let [view, click] = &collector.take_events()[..] else { panic!("two events") };
    assert_eq!(
        view.url.as_deref(),
        Some("/u/redacted?token=redacted&utm_source=redacted&utm_medium=email#x")
    );
    assert_eq!(view.path.as_deref(), Some("/u/redacted"));
    assert_eq!(view.utm_source.as_deref(), Some("redacted"));
    assert_eq!(view.referrer.as_deref(), Some("https://shop.example/?sid=redacted"));
    assert_eq!((view.referrer_class.as_deref(), click.referrer_class.as_deref()), (Some("mail"), None));
    assert_eq!(view.url, click.url);
}

#[test]
fn a_referrer_of_the_pages_own_host_is_internal() {
    let mut collector = Collector::default();
    let class = |collector: &mut Collector, origin| {
        collector
            .post_as(view("/a", "https://shop.example/b"), &Credentials { origin, ..Credentials::default() });
        collector.take_events()[0].referrer_class.clone().unwrap()
    };
    assert_eq!(class(&mut collector, Some("https://www.shop.example")), "internal");
    assert_eq!(class(&mut collector, Some("https://other.example")), "referral");
    assert_eq!(class(&mut collector, None), "referral");
}

#[test]
fn the_name_of_an_event_is_of_what_was_sent_not_of_what_was_made_of_it() {
    let mut collector = Collector::default();
    let mut id = |url| {
        collector.post(view(url, ""));
        collector.take_events().remove(0).event_id
    };
    let first = id("/?token=1");
    assert_ne!(first, id("/?token=2"), "two events, though both are kept as /?token=redacted");
    assert_eq!(first, id("/?token=1"));
    collector.surroundings.program =
        Program::Known(Arc::new(Software { bot: Some(true), ..Software::default() }));
    collector.post(view("/?token=1", ""));
    let event = collector.take_events().remove(0);
    assert_eq!((event.event_id, event.bot), (first, Some(true)));
}

#[test]
fn a_host_without_tables_passes_headers_on_and_nobody_else_does() {
    let agent = Agent::read(|name| (name == "user-agent").then_some(FIREFOX));
    let mut collector = Collector::default();
    collector.surroundings.program = Program::Told(agent);
    collector.post(view("/", ""));
    let event = collector.take_events().remove(0);
    assert_eq!(event.headers, BTreeMap::from([("user-agent".to_owned(), FIREFOX.to_owned())]));
    assert_eq!((event.browser, event.bot), (None, None));

    let software = Software { browser: Some("Firefox".to_owned()), ..Software::default() };
    collector.surroundings.program = Program::Known(Arc::new(software));
    collector.post(view("/", ""));
    let event = collector.take_events().remove(0);
    assert!(event.headers.is_empty());
    assert_eq!(event.browser.as_deref(), Some("Firefox"));

    // An app's HTTP library says nothing of who sits before the app.
    collector.post(native("", &[&common::event(0)]).replace(r#""platform":"web""#, r#""platform":"ios""#));
    assert_eq!(collector.take_events().remove(0).browser, None);
    collector.post(native("", &[&common::event(1)]));
    assert_eq!(collector.take_events().remove(0).browser.as_deref(), Some("Firefox"));

    // A back end's own program says nothing of its visitors.
    collector.sites = Sites::from_toml("[[site]]\nid = \"site-123\"\nsecret_keys = [\"key-1\"]").unwrap();
    let back_end = Credentials { authorization: Some("Bearer key-1"), ..Credentials::default() };
    collector.post_as(view("/", ""), &back_end);
    assert_eq!(collector.take_events().remove(0).browser, None);
}

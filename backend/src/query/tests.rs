use headwater_numbers::{
    days::Day,
    order::OrderKey,
    report::{Group, Metric, Row, Says, report},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::testing::{Topic, consumer, drain};

/// 2024-03-13 00:00 UTC.
const MIDNIGHT: i64 = 1_710_288_000_000;
const MINUTE: i64 = 60_000;

fn queries(dir: &tempfile::TempDir, records: Vec<Value>) -> Queries {
    let mut consumer = consumer(dir.path(), &Topic::of(records));
    drain(&mut consumer);
    consumer.queries().unwrap()
}

fn event(at: i64, id: u128) -> Value {
    json!({
        "event_id": Uuid::from_u128(id).to_string(), "site_id": "shop", "client_id": "c", "event_type": "pageview",
        "url": "/", "timestamp": at, "ts": at, "sent_at": at, "received_at": MIDNIGHT, "schema_version": 1,
    })
}

fn ask(metric: Metric, days: (i64, i64), groups: &[Group]) -> Question {
    let day = |number| Day::of(MIDNIGHT + number * 1440 * MINUTE);
    Question { metric, from: day(days.0), to: day(days.1), groups: groups.to_vec() }
}

/// Events of three days around midnight, many at one instant, some without stream or session.
fn any_event(random: &mut fastrand::Rng, id: u32) -> Value {
    let at = MIDNIGHT + random.i64(-60..60) * 17 * MINUTE + random.i64(0..2);
    let mut event = event(at, u128::from(id));
    let fields = event.as_object_mut().unwrap();
    let types = ["pageview", "screen", "click", "identify", "$internal", "alias", "purchase"];
    fields.insert("event_type".into(), random.choice(types).into());
    fields.insert("client_id".into(), random.choice(["c-1", "c-2", "c-3", "c-4"]).into());
    if random.bool() {
        fields.insert("stream".into(), Uuid::from_u128(random.u128(1..4) << 90).to_string().into());
        fields.insert("seq".into(), id.into());
    }
    for (field, choices) in [
        ("session_id", ["s1", "s2"]),
        ("country", ["DE", "US"]),
        ("device", ["phone", "desktop"]),
        ("os", ["a", "A"]),
        ("browser", ["x", "ÿ"]),
        ("browser_version", ["1", "1.0"]),
        ("city", ["Köln", "Bonn"]),
        ("referrer_class", ["search", "ai"]),
        ("region", ["NW", "BY"]),
        ("url", ["/", "/ü?q=1"]),
        ("referrer", ["https://r/", ""]),
        ("name", ["n", "m"]),
    ] {
        fields.remove(field);
        if random.u8(0..4) > 0 {
            fields.insert(field.into(), random.choice(choices).into());
        }
    }
    fields.insert("bot".into(), random.choice([None, Some(false), Some(true)]).into());
    event
}

fn row(event: &Value) -> Row {
    let text = |field: &str| event[field].as_str().map(str::to_owned);
    let uuid = |field: &str| event[field].as_str().map(|text| text.parse::<Uuid>().unwrap().as_u128());
    Row {
        key: OrderKey {
            timestamp: event["timestamp"].as_i64().unwrap(),
            stream: uuid("stream"),
            seq: event["seq"].as_u64().map(|seq| u32::try_from(seq).unwrap()),
            event_id: uuid("event_id").unwrap(),
        },
        client: text("client_id").unwrap(),
        says: Says {
            event_type: text("event_type").unwrap(),
            session: text("session_id"),
            bot: event["bot"].as_bool(),
            browser: text("browser"),
            browser_version: text("browser_version"),
            city: text("city"),
            country: text("country"),
            device: text("device"),
            name: text("name"),
            os: text("os"),
            referrer: text("referrer"),
            referrer_class: text("referrer_class"),
            region: text("region"),
            url: text("url"),
        },
    }
}

#[test]
fn every_report_equals_the_reference_on_random_events() {
    for seed in 0..3 {
        let mut random = fastrand::Rng::with_seed(seed);
        let events: Vec<Value> = (0..300).map(|id| any_event(&mut random, id)).collect();
        let rows: Vec<Row> = events.iter().map(row).collect();
        let dir = tempfile::tempdir().unwrap();
        let queries = queries(&dir, events);
        for metric in Metric::ALL {
            for days in [(0, 0), (-1, 1), (5, 9)] {
                for groups in groups(metric, &mut random) {
                    let question = ask(metric, days, &groups);
                    let answer = queries.report("shop", &question, Rows::AtMost(10_000)).unwrap();
                    assert_eq!(answer, report(&rows, &question), "seed {seed}, {question:?}");
                }
            }
        }
    }
}

/// None, each alone, and some together.
fn groups(metric: Metric, random: &mut fastrand::Rng) -> Vec<Vec<Group>> {
    let allowed: Vec<Group> = Group::ALL.into_iter().filter(|group| metric.splits_by(*group)).collect();
    let mut some = allowed.clone();
    random.shuffle(&mut some);
    let alone = allowed.iter().map(|group| vec![*group]);
    [vec![], some[..3].to_vec(), some[2..].to_vec()].into_iter().chain(alone).collect()
}

#[test]
fn a_session_that_began_before_the_first_day_is_not_of_that_day() {
    let dir = tempfile::tempdir().unwrap();
    let times = [-70, -40, -10, 20, 50];
    let events = times.iter().zip(1..).map(|(minutes, id)| event(MIDNIGHT + minutes * MINUTE, id)).collect();
    let queries = queries(&dir, events);
    let sessions = |days| queries.report("shop", &ask(Metric::Sessions, days, &[]), Rows::AtMost(9)).unwrap();
    assert_eq!(sessions((0, 0)), [(vec![], 0)]);
    assert_eq!(sessions((-1, 0)), [(vec![], 1)]);
}

#[test]
fn too_many_rows_are_refused_unless_only_the_first_are_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let events = (0..5_i64).map(|hour| event(MIDNIGHT + hour * 60 * MINUTE, u128::try_from(hour).unwrap()));
    let queries = queries(&dir, events.collect());
    for metric in [Metric::Events, Metric::Sessions] {
        let question = ask(metric, (0, 0), &[Group::Hour]);
        let answer = |rows| queries.report("shop", &question, rows);
        assert!(matches!(answer(Rows::AtMost(4)), Err(Error::TooManyRows(4))));
        assert_eq!(answer(Rows::AtMost(5)).unwrap().len(), 5);
        let first = answer(Rows::First(2)).unwrap();
        assert_eq!(first[1], (vec![Some("2024-03-13T01:00:00Z".to_owned())], 1));
        assert_eq!(first.len(), 2);
    }
}

#[test]
fn realtime_counts_the_last_minute_by_event_time() {
    let dir = tempfile::tempdir().unwrap();
    let now = MIDNIGHT + 1_000_000;
    let mut records = Vec::new();
    let mut add = |age: i64, client: &str, kind: &str, url: Value| {
        let mut event = event(now - age, records.len() as u128);
        event["client_id"] = client.into();
        event["event_type"] = kind.into();
        event["url"] = url;
        records.push(event);
    };
    add(0, "a", "pageview", "/new".into());
    add(59_999, "b", "screen", "/old".into());
    add(60_000, "too late", "pageview", "/gone".into());
    add(-1, "not yet", "pageview", "/future".into());
    add(5_000, "c", "click", "/new".into());
    add(5_000, "c", "pageview", Value::Null);
    add(5_000, "nobody", "identify", "/new".into());
    for _ in 0..14 {
        add(9_999, "a", "pageview", "/new".into());
    }
    add(10_000, "a", "pageview", "/old".into());
    let queries = queries(&dir, records);
    let realtime = queries.realtime("shop", now).unwrap();
    let page = |url: &str, views| TopPage { url: url.into(), views };
    let top_pages = vec![page("/new", 15), page("/old", 2)];
    assert_eq!(realtime, Realtime { active_users: 3, events_per_sec: 2, top_pages });
}

#[test]
fn at_most_a_hundred_pages_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let events = (0..150_u32).map(|page| {
        let mut event = event(MIDNIGHT, u128::from(page));
        event["url"] = format!("/{page:03}").into();
        event
    });
    let queries = queries(&dir, events.collect());
    let pages = queries.realtime("shop", MIDNIGHT).unwrap().top_pages;
    assert_eq!((pages.len(), pages[0].url.as_str(), pages[99].url.as_str()), (100, "/000", "/099"));
}

#[test]
fn a_site_without_events_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let queries = queries(&dir, vec![]);
    assert_eq!(queries.realtime("none", MIDNIGHT).unwrap(), Realtime::default());
    let none = queries.report("none", &ask(Metric::Users, (0, 0), &[]), Rows::AtMost(9)).unwrap();
    assert_eq!(none, [(vec![], 0)]);
    assert_eq!(queries.delivery("none", MIDNIGHT, 9).streams_total, 0);
}

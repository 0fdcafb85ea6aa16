use std::fs;

use headwater_consumer::{Store as _, testing::event};
use serde_json::json;

use super::*;
use crate::testing::{Topic, consumer, drain, number};

#[test]
fn every_column_has_a_value_of_its_type() {
    let dir = tempfile::tempdir().unwrap();
    let mut full = event("shop", 1, 7);
    let more = json!({
        "user_id": "user-7", "device_id": "d", "platform": "web", "app_version": "1", "name": "n", "element": "#a",
        "path": "/1", "referrer": "https://r/", "referrer_class": "search", "utm_source": "us", "utm_medium": "um",
        "utm_campaign": "uc", "utm_term": "ut", "utm_content": "uo", "country": "DE", "region": "BY",
        "city": "München", "timezone": "Europe/Berlin", "locale": "de", "screen": "1x2", "device": "phone",
        "os": "os", "browser": "b", "browser_version": "3", "bot": false, "ip": "10.0.0.0", "sdk": "web/0.1.0",
        "props": { "b": [1, 2.50], "a": "\u{0}\u{1F600}" }, "revenue": -1999, "currency": "EUR", "import": true,
    });
    full.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    full["url"] = "/\u{0}nul".into();
    let topic = Topic::of([full.clone()]);
    let mut consumer = consumer(dir.path(), &topic);
    drain(&mut consumer);
    drop(consumer);

    let dictionary = Dictionary::open(&dir.path().join("dictionary.log")).unwrap();
    let store = Store::open(&dir.path().join("headwater.duckdb"), &dictionary).unwrap();
    let connection = store.readers().unwrap().connection().unwrap();
    let nulls: Vec<String> = schema::EVENTS
        .columns
        .iter()
        .map(|(column, _)| (*column).to_owned())
        .filter(|column| {
            let sql = format!("SELECT {column} IS NULL FROM events");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        })
        .collect();
    assert_eq!(nulls, Vec::<String>::new());
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("SELECT url FROM events"), "/\u{0}nul");
    assert_eq!(text("SELECT props FROM events"), full["props"].to_string());
    assert_eq!(
        text("SELECT strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%g') FROM events"),
        "2024-03-13T08:53:27.000"
    );
    assert_eq!(text("SELECT revenue || currency FROM events"), "-1999EUR");
    let id: u128 = connection.query_row("SELECT event_id FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(id, 1 << 32 | 7);
}

#[test]
fn a_database_whose_dictionary_is_gone_refuses_to_open() {
    let dir = tempfile::tempdir().unwrap();
    let topic = Topic::of([event("shop", 1, 0), event("shop", 2, 0)]);
    drain(&mut consumer(dir.path(), &topic));
    fs::remove_file(dir.path().join("dictionary.log")).unwrap();
    let error = open_error(dir.path());
    assert!(
        error.contains("client numbers up to 2") && error.contains("restore the dictionary.log"),
        "{error}"
    );
}

#[test]
fn a_dictionary_that_ends_early_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dictionary.log");
    let topic = Topic::of([event("shop", 1, 0)]);
    drain(&mut consumer(dir.path(), &topic));
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(open_error(dir.path()).contains("dictionary.log knows only"));
    assert_eq!(fs::read(&path).unwrap().len(), whole.len() - 1);
    fs::write(&path, whole).unwrap();
    consumer(dir.path(), &topic);
}

#[test]
fn another_stores_dictionary_is_refused() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drain(&mut consumer(dir.path(), &Topic::of([event("shop", 1, 0)])));
    drain(&mut consumer(other.path(), &Topic::of((0..9).map(|stream| event("shop", stream, 0)))));
    fs::copy(other.path().join("dictionary.log"), dir.path().join("dictionary.log")).unwrap();
    assert!(open_error(dir.path()).contains("does not belong to"));
}

#[test]
fn a_database_of_a_later_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dictionary = Dictionary::open(&dir.path().join("dictionary.log")).unwrap();
    let path = dir.path().join("headwater.duckdb");
    let store = Store::open(&path, &dictionary).unwrap();
    store.connection.execute_batch("UPDATE meta SET version = 99").unwrap();
    drop(store);
    assert!(open_error(dir.path()).contains("version 99"));
}

#[test]
fn a_database_of_the_first_version_gets_what_it_lacks_and_keeps_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let topic = Topic::of([event("shop", 1, 0)]);
    drain(&mut consumer(dir.path(), &topic));
    let path = dir.path().join("headwater.duckdb");
    let first = Connection::open(&path).unwrap();
    first.execute_batch("DROP TABLE deleted; UPDATE meta SET version = 1").unwrap();
    drop(first);
    topic.push([event("shop", 1, 1)]);
    drain(&mut consumer(dir.path(), &topic));
    let dictionary = Dictionary::open(&dir.path().join("dictionary.log")).unwrap();
    let readers = Store::open(&path, &dictionary).unwrap().readers().unwrap();
    assert_eq!(number(&readers, "SELECT version FROM meta"), i64::from(schema::VERSION));
    assert_eq!(number(&readers, "SELECT count(*) FROM deleted"), 0);
    assert_eq!(number(&readers, "SELECT count(*) FROM events"), 2);
}

#[test]
fn offsets_that_were_superseded_are_thinned_out() {
    let dir = tempfile::tempdir().unwrap();
    let topic = Topic::of([event("shop", 1, 0)]);
    drain(&mut consumer(dir.path(), &topic));
    let dictionary = Dictionary::open(&dir.path().join("dictionary.log")).unwrap();
    let path = dir.path().join("headwater.duckdb");
    let mut store = Store::open(&path, &dictionary).unwrap();
    let before = store.offsets("topic").unwrap();
    let old = "INSERT INTO offsets SELECT 0, 'topic', 0, 99, 99 FROM range(20000)";
    store.connection.execute_batch(old).unwrap();
    drop(store);
    let mut store = Store::open(&path, &dictionary).unwrap();
    assert_eq!(store.offsets("topic").unwrap(), before);
    assert_eq!(number(&store.readers().unwrap(), "SELECT count(*) FROM offsets"), 1);
}

fn open_error(dir: &Path) -> String {
    let dictionary = Dictionary::open(&dir.join("dictionary.log")).unwrap();
    match Store::open(&dir.join("headwater.duckdb"), &dictionary) {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

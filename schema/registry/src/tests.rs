//! What is written by hand is what apache-avro reads, and the record comes back as it was.

use headwater_schema::{At, Event, Ledger, Lost, RawValue, Record, Uuid};

use crate::{Encoder, SCHEMA, Schemas, Unknown, frame};

const ID: u32 = 77;

fn schemas() -> Schemas {
    let mut schemas = Schemas::new(None);
    schemas.learn(ID, SCHEMA);
    schemas
}

fn back(json: &[u8]) -> Vec<u8> {
    let value = Encoder::new(ID).encode(json).expect("a record");
    assert!(value.starts_with(&frame(ID)));
    schemas().json(&value).expect("a value of the schema")
}

/// An event that has everything: a field that is added does not compile before it is here.
fn full() -> Event {
    Event {
        event_id: "event_id-é".into(),
        stream: Some(Uuid::from_u128(7 << 64 | 5)),
        seq: Some(u32::MAX - 1),
        site_id: "site_id-é".into(),
        client_id: "client_id-é".into(),
        user_id: Some("user_id".into()),
        session_id: Some("session_id".into()),
        device_id: Some("device_id".into()),
        platform: Some("platform".into()),
        app_version: Some("app_version".into()),
        event_type: "event_type-é".into(),
        name: Some("name".into()),
        element: Some("element".into()),
        url: Some("url".into()),
        path: Some("path".into()),
        referrer: Some("referrer".into()),
        referrer_class: Some("referrer_class".into()),
        utm_source: Some("utm_source".into()),
        utm_medium: Some("utm_medium".into()),
        utm_campaign: Some("utm_campaign".into()),
        utm_term: Some("utm_term".into()),
        utm_content: Some("utm_content".into()),
        country: Some("country".into()),
        region: Some("region".into()),
        city: Some("city".into()),
        timezone: Some("timezone".into()),
        locale: Some("locale".into()),
        screen: Some("screen".into()),
        device: Some("device".into()),
        os: Some("os".into()),
        browser: Some("browser".into()),
        browser_version: Some("browser_version".into()),
        bot: Some(false),
        timestamp: 1_710_320_000_123,
        ts: 1_710_320_000_123,
        sent_at: 1_710_320_000_123,
        received_at: 1_710_320_000_123,
        schema_version: 1,
        ip: Some("ip".into()),
        sdk: Some("sdk".into()),
        props: Some(RawValue::from_string(r#"{ "b" : 1.0e2 ,"a":[1 ,2],"a":"é"}"#.into()).unwrap()),
        revenue: Some(-1999),
        currency: Some("currency".into()),
        import: true,
        headers: [("user-agent".into(), "Mozilla/5.0 é".into())].into(),
    }
}

/// A ledger record that has everything.
fn full_ledger() -> Ledger {
    Ledger {
        site_id: "s".into(),
        stream: Some(Uuid::from_u128(9)),
        client_id: Some("c".into()),
        at: Some(At { done: 3, head: u32::MAX }),
        end: true,
        lost: vec![
            Lost { from: 1, to: 2, reason: "queue_full".into() },
            Lost { from: 70, to: 700_000, reason: "storage".into() },
        ],
        refused: [("sampled".into(), 3), ("consent".into(), 4)].into(),
        unnamed: [("rejected".into(), 1)].into(),
        by: "sdk".into(),
        received_at: -1,
        sent_at: i64::MAX,
        no_storage: true,
    }
}

const LEAST: &str = r#"{"event_id":"e","site_id":"s","client_id":"","event_type":"click","timestamp":-1,"ts":0,"sent_at":63,"received_at":64,"schema_version":1,"import":false}"#;

#[test]
fn an_event_comes_back_byte_for_byte() {
    let json = Record::from(full()).to_vec();
    assert_eq!(String::from_utf8(back(&json)).unwrap(), String::from_utf8(json).unwrap());
    assert_eq!(String::from_utf8(back(LEAST.as_bytes())).unwrap(), LEAST);
}

#[test]
fn a_ledger_record_comes_back_as_it_was() {
    for ledger in [full_ledger(), Ledger { by: "bridge".into(), ..Ledger::default() }] {
        let json = back(&Record::from(ledger.clone()).to_vec());
        let Record::Ledger(read) = Record::from_slice(&json).unwrap() else { panic!("an event") };
        assert_eq!(read, ledger);
    }
}

#[test]
fn any_event_comes_back() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let text = |random: &mut fastrand::Rng| {
            (0..random.usize(0..200)).map(|_| random.char(..)).collect::<String>()
        };
        let mut event = full();
        event.client_id = text(&mut random);
        event.url = random.bool().then(|| text(&mut random));
        event.seq = random.bool().then(|| random.u32(..));
        event.timestamp = random.i64(..);
        event.revenue = random.bool().then(|| random.i64(..));
        event.props = random
            .bool()
            .then(|| RawValue::from_string(serde_json::to_string(&text(&mut random)).unwrap()).unwrap());
        let json = Record::from(event).to_vec();
        assert_eq!(back(&json), json, "seed {seed}");
    }
}

#[test]
fn what_is_no_record_is_not_written() {
    for json in [&b"{}"[..], b"", b"{\"event_type\":\"click\"}"] {
        assert!(Encoder::new(ID).encode(json).is_err());
    }
}

#[test]
fn a_newer_writers_fields_come_along() {
    let newer = SCHEMA.replacen(
        r#"{ "name": "site_id","#,
        r#"{ "name": "planet", "type": ["null", "string"], "default": null }, { "name": "site_id","#,
        1,
    );
    assert_ne!(newer, SCHEMA);
    let mut schemas = Schemas::new(None);
    schemas.learn(78, &newer);
    // Behind event_id, stream and seq.
    let value = Encoder::new(78).encode(LEAST.as_bytes()).unwrap();
    let at = frame(78).len() + 1 + 2 + 1 + 1;
    let value = [&value[..at], b"\x02\x08mars", &value[at..]].concat();
    let expected = LEAST.replacen(r#""site_id""#, r#""planet":"mars","site_id""#, 1);
    assert_eq!(String::from_utf8(schemas.json(&value).unwrap()).unwrap(), expected);
}

#[test]
fn what_is_torn_or_longer_is_no_value() {
    let schemas = schemas();
    let value = Encoder::new(ID).encode(&Record::from(full_ledger()).to_vec()).unwrap();
    assert!(schemas.json(&value).is_some());
    for len in 0..value.len() {
        assert_eq!(schemas.json(&value[..len]), None, "{len} of {} bytes", value.len());
    }
    assert_eq!(schemas.json(&[&value[..], b"\0"].concat()), None);
    assert_eq!(schemas.json(LEAST.as_bytes()), None, "JSON already");
}

#[test]
fn an_unknown_id_is_named() {
    let mut schemas = schemas();
    assert_eq!(schemas.prepare(LEAST.as_bytes()), Ok(()));
    assert_eq!(schemas.prepare(&frame(ID)), Ok(()));
    assert_eq!(schemas.prepare(&frame(5)), Err(Unknown::NoRegistry(5)));
    assert_eq!(schemas.json(&frame(5)), None);
}

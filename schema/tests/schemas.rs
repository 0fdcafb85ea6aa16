//! The schemas for others say what the Rust types say, and nothing that a release had is changed.

use std::{fs, path::Path};

use headwater_schema::{At, Event, Ledger, Lost, RawValue, Record, Uuid};
use serde_json::{Map, Value, json};

const JSON: &str = include_str!("../record.schema.json");
const AVRO: &str = include_str!("../record.avsc");

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
        props: Some(RawValue::from_string(r#"{ "b" : 1.0e2 ,"a":[1 ,2],"a":"é"}"#.into()).expect("JSON")),
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

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

/// The JSON Schema and the Avro schema of a record.
fn schemas<'a>(json: &'a Value, avro: &'a Value, name: &str) -> (&'a Value, &'a Vec<Value>) {
    let avro = avro.as_array().expect("a union").iter().find(|record| record["name"] == name).expect(name);
    (&json["$defs"][name], avro["fields"].as_array().expect("fields"))
}

fn records() -> [(&'static str, Value); 2] {
    let written = |record: Record| serde_json::from_slice(&record.to_vec()).expect("JSON");
    [("Event", written(full().into())), ("Ledger", written(full_ledger().into()))]
}

/// Whether a value is of one of the types that a JSON Schema names.
fn is_of(value: &Value, schema: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("array") => value.is_array(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("object") => value.is_object(),
        Some("string") => value.is_string(),
        _ => false,
    };
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().any(is),
        Some(name) => is(name),
        None => schema.get("const").is_none_or(|only| only == value),
    }
}

#[test]
fn every_field_is_in_both_schemas_with_its_type() {
    let (json, avro) = (read(JSON), read(AVRO));
    for (name, record) in records() {
        let (json, avro) = schemas(&json, &avro, name);
        let record = object(&record);
        let properties = object(&json["properties"]);
        let names = |keys: &mut dyn Iterator<Item = &str>| {
            let mut names: Vec<String> = keys.map(str::to_owned).collect();
            names.sort_unstable();
            names
        };
        let written = names(&mut record.keys().map(String::as_str));
        assert_eq!(names(&mut properties.keys().map(String::as_str)), written, "JSON Schema of {name}");
        assert_eq!(
            names(&mut avro.iter().map(|field| field["name"].as_str().expect("a name"))),
            written,
            "Avro"
        );
        for field in avro {
            let field_name = field["name"].as_str().expect("a name");
            let (value, property) = (&record[field_name], &properties[field_name]);
            assert!(is_of(value, property), "{name}.{field_name}: {value} is not {property}");
            let of = match &field["type"] {
                Value::Array(union) => &union[1],
                other => other,
            };
            let fits = match of.as_str().or(of["type"].as_str()) {
                Some("array") => value.is_array(),
                Some("boolean") => value.is_boolean(),
                Some("long") => value.is_i64(),
                Some("map") => value.is_object(),
                Some("record") => value.is_array() && field_name == "at",
                Some("string") => value.is_string() || field_name == "props",
                _ => false,
            };
            assert!(fits, "{name}.{field_name}: {value} is not {of}");
        }
    }
}

#[test]
fn what_is_required_is_what_a_reader_cannot_do_without() {
    let (json, avro) = (read(JSON), read(AVRO));
    for (name, record) in records() {
        let (json, avro) = schemas(&json, &avro, name);
        let required: Vec<&str> =
            json["required"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
        for field in object(&record).keys() {
            let mut without = record.clone();
            without.as_object_mut().expect("an object").remove(field);
            let is_required = Record::from_slice(without.to_string().as_bytes()).is_err();
            assert_eq!(required.contains(&field.as_str()), is_required, "{name}.{field} in JSON Schema");
            let of_avro = avro.iter().find(|known| known["name"] == *field).expect(field);
            assert_eq!(of_avro.get("default").is_none(), is_required, "{name}.{field} in Avro");
        }
    }
}

/// Without the words that explain it.
fn bare(schema: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(bare).collect(),
        Value::Object(fields) => {
            let rest = fields.iter().filter(|(name, _)| !["description", "doc"].contains(&name.as_str()));
            Value::Object(rest.map(|(name, value)| (name.clone(), bare(value))).collect())
        }
        other => other.clone(),
    }
}

/// What a new schema changes of a released one. Fields may come, and no more.
fn changes(released: (&str, &str), now: (&str, &str)) -> Vec<String> {
    let mut changes = Vec::new();
    let [released, now] = [released, now].map(|(json, avro)| (bare(&read(json)), bare(&read(avro))));
    for name in ["Event", "Ledger"] {
        let ((old_json, old_avro), (json, avro)) =
            (schemas(&released.0, &released.1, name), schemas(&now.0, &now.1, name));
        for (field, old) in object(&old_json["properties"]) {
            if json["properties"].get(field) != Some(old) {
                changes.push(format!("{name}.{field} in JSON Schema"));
            }
        }
        if old_json["required"] != json["required"] {
            changes.push(format!("{name}: required"));
        }
        for old in old_avro {
            if !avro.contains(old) {
                changes.push(format!("{name}.{} in Avro", old["name"]));
            }
        }
        let is_new = |field: &&Value| old_avro.iter().all(|old| old["name"] != field["name"]);
        for field in avro.iter().filter(is_new).filter(|field| field.get("default").is_none()) {
            changes.push(format!("{name}.{} in Avro is new and has no default", field["name"]));
        }
    }
    changes
}

#[test]
fn what_a_release_had_is_there_and_what_is_new_is_optional() {
    let releases = Path::new(env!("CARGO_MANIFEST_DIR")).join("released");
    let mut count = 0;
    for release in fs::read_dir(releases).expect("releases") {
        let folder = release.expect("a folder").path();
        let [json, avro] = ["record.schema.json", "record.avsc"]
            .map(|name| fs::read_to_string(folder.join(name)).expect("a schema"));
        let changes = changes((&json, &avro), (JSON, AVRO));
        assert!(changes.is_empty(), "{} had it otherwise: {changes:#?}", folder.display());
        count += 1;
    }
    assert!(count > 0, "no release is kept");
}

#[test]
fn a_change_is_found_and_an_addition_is_none() {
    let with = |json: &dyn Fn(&mut Value), avro: &dyn Fn(&mut Value)| {
        let (mut new_json, mut new_avro) = (read(JSON), read(AVRO));
        json(&mut new_json["$defs"]["Event"]);
        avro(&mut new_avro[0]["fields"]);
        changes((JSON, AVRO), (&new_json.to_string(), &new_avro.to_string())).len()
    };
    let push =
        |field: Value| move |fields: &mut Value| fields.as_array_mut().expect("fields").push(field.clone());
    let nothing = |_: &mut Value| ();
    assert_eq!(with(&nothing, &nothing), 0);
    assert_eq!(with(&|event| event["properties"]["new"] = json!({ "type": "string" }), &nothing), 0);
    assert_eq!(
        with(&nothing, &push(json!({ "name": "new", "type": ["null", "string"], "default": null }))),
        0
    );
    assert_eq!(with(&|event| event["properties"]["url"]["description"] = "other".into(), &nothing), 0);
    assert_eq!(with(&nothing, &push(json!({ "name": "new", "type": "string" }))), 1);
    assert_eq!(with(&|event| event["properties"]["url"]["type"] = "string".into(), &nothing), 1);
    assert_eq!(with(&|event| _ = event["properties"].as_object_mut().unwrap().remove("url"), &nothing), 1);
    assert_eq!(with(&|event| event["required"].as_array_mut().unwrap().push("new".into()), &nothing), 1);
    assert_eq!(with(&nothing, &|fields| fields[0]["type"] = "long".into()), 1);
    assert_eq!(with(&nothing, &|fields| _ = fields.as_array_mut().unwrap().remove(0)), 1);
}

//! Values as Avro with a real schema registry, whose address is in `HEADWATER_REGISTRY`: `cargo xtask kafka --registry`
//! starts one.

use std::process::Command;

use headwater_registry::{Client, SCHEMA, Schemas, id_of, subject};

use crate::{PARTITIONS, broker::Topic, program::Program, support};

fn url(test: &str) -> Option<String> {
    let url = std::env::var("HEADWATER_REGISTRY").ok();
    if url.is_none() {
        eprintln!("\n*** SKIPPED: {test}: HEADWATER_REGISTRY names no schema registry ***\n");
    }
    url
}

/// What a bridge says that does not start.
fn refusal(topic: &Topic, settings: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_headwater-bridge"))
        .args(["serve", "--open", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"])
        .args(["--kafka", &topic.broker, "--topic", &topic.name])
        .args(settings)
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn values_are_avro_with_the_id_of_the_registered_schema() {
    let (Some(url), Some(topic)) = (url("avro"), Topic::created("avro", PARTITIONS)) else { return };
    let program = Program::start(&topic, &["--schema-registry", &url]);
    let odd = support::event(1, 2).replace(r#""seq":2"#, r#""seq":2,"revenue":"much""#);
    let body = [support::event(1, 1), odd.clone(), support::event(1, 3)].join("\n");
    let answer = program.post(body.as_bytes()).expect("an answer");
    assert_eq!((answer.status, answer.results()), (200, vec!["accepted".to_owned(); 3]));
    assert!(program.stop().success());

    let client = Client::new(&url, None).unwrap();
    let id = client.look_up(&subject(&topic.name), SCHEMA).expect("it is registered");
    let mut schemas = Schemas::new(Some(client));
    let mut read: Vec<String> = Vec::new();
    for value in topic.values() {
        assert_eq!(id_of(&value).map(|(id, _)| id), Some(id), "each of them");
        schemas.prepare(&value).expect("the registry knows it");
        read.push(String::from_utf8(schemas.json(&value).expect("a value")).unwrap());
    }
    read.sort_unstable();
    let of = |seq| support::event(1, seq).replace('}', r#","import":false}"#);
    assert_eq!(read.len(), 3, "{read:#?}");
    assert!(
        [1, 3].iter().all(|seq| read.iter().filter(|text| same(text, &of(*seq))).count() == 1),
        "{read:#?}"
    );
    assert!(read[2].contains(r#""lost":[[2,3,"dead_letter"]]"#), "the third is the ledger's: {read:#?}");
    assert_eq!(topic.letters(), [("NOT_IN_SCHEMA".to_owned(), odd.into_bytes())], "as it came");
}

/// Fields are in the order of the schema, not in that of the sender.
fn same(left: &str, right: &str) -> bool {
    let parsed = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    parsed(left).is_some() && parsed(left) == parsed(right)
}

#[test]
fn an_incompatible_schema_ends_the_start() {
    let (Some(url), Some(topic)) = (url("incompatible"), Topic::created("incompatible", 1)) else { return };
    let subject = subject(&topic.name);
    let client = Client::new(&url, None).unwrap();
    client
        .register(&subject, r#"{"type":"record","name":"Other","fields":[{"name":"n","type":"int"}]}"#)
        .unwrap();
    let rule = support::agent()
        .put(format!("{url}/config/{subject}"))
        .header("content-type", "application/json")
        .send(r#"{"compatibility":"BACKWARD"}"#);
    assert_eq!(rule.unwrap().status().as_u16(), 200);
    let said = refusal(&topic, &["--schema-registry", &url]);
    assert!(said.contains("not compatible") && said.contains(&subject), "{said}");
}

#[test]
fn a_registry_that_must_know_the_schema_and_does_not_ends_the_start() {
    let (Some(url), Some(topic)) = (url("unknown"), Topic::created("unknown-schema", 1)) else { return };
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("bridge.toml");
    std::fs::write(&config, format!("[schema_registry]\nurl = \"{url}\"\nregister = false\n")).unwrap();
    let said = refusal(&topic, &["--config", config.to_str().unwrap()]);
    assert!(said.contains("does not know it"), "{said}");
    let said = refusal(&topic, &["--schema-registry", "registry:8081"]);
    assert!(said.contains("schema_registry.url: not http"), "{said}");
}

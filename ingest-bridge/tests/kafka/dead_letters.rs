//! `headwater-bridge dlq` on a real broker.

use std::process::{Command, Output};

use headwater_bridge_flow::partition::{hash, partition};
use rdkafka::message::{Header, OwnedHeaders};

use crate::{PARTITIONS, broker::Topic, program::Program, support};

fn dlq(topic: &Topic, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater-bridge"));
    command.arg("dlq").args(words).args(["--kafka", &topic.broker, "--topic", &topic.name]);
    command.env("RUST_LOG", "error").output().unwrap()
}

/// Whether it succeeded, and what it said.
fn said(topic: &Topic, words: &[&str]) -> (bool, String) {
    let output = dlq(topic, words);
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (output.status.success(), text)
}

/// The columns of each listed letter.
fn listed(topic: &Topic, more: &[&str]) -> Vec<Vec<String>> {
    let (ok, text) = said(topic, &[&["list"], more].concat());
    assert!(ok, "{text}");
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect());
    assert_eq!(
        lines.next(),
        Some(
            ["PLACE", "TIME", "REASON", "BYTES", "SITE", "CLIENT", "STREAM", "SEQ"]
                .map(str::to_owned)
                .to_vec()
        )
    );
    lines.collect()
}

#[test]
fn a_letter_is_listed_shown_and_replayed_after_the_fix() {
    let Some(topic) = Topic::created("dlq", PARTITIONS) else { return };
    let program = Program::start(&topic, &[]);
    let large = support::padded(1, 2, 1_100_000);
    let body = [support::event(1, 1), large.clone(), support::event(1, 3)].join("\n");
    assert_eq!(program.post(body.as_bytes()).expect("an answer").status, 200);
    assert!(program.stop().success());

    let letters = listed(&topic, &[]);
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    let stream = "018e3a1c-0000-4000-8000-000000000001";
    let bytes = large.len().to_string();
    assert_eq!(letter[2..], ["MSG_SIZE_TOO_LARGE", &bytes, "s", "client-1", stream, "2"]);
    assert!(listed(&topic, &["--reason", "INVALID_RECORD"]).is_empty());
    let place = letter[0].as_str();
    let (_, json) = said(&topic, &["list", "--json", "--site", "s"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("one line of JSON");
    assert_eq!(
        (json["place"].as_str(), json["seq"].as_u64(), json["cut"].as_bool()),
        (Some(place), Some(2), Some(false))
    );
    assert!(
        dlq(&topic, &["show", place, "--bytes"]).stdout == large.as_bytes(),
        "all its bytes, and nothing else"
    );
    let (_, page) = said(&topic, &["show", place]);
    assert!(
        page.starts_with(&format!("place: {place}\n")) && page.contains("\nreason: MSG_SIZE_TOO_LARGE\n")
    );
    assert!(page.ends_with(&format!("\n\n{large}\n")));

    let (ok, text) = said(&topic, &["replay", place]);
    assert!(
        !ok && text.contains(&format!("{place} refused: MSG_SIZE_TOO_LARGE\n0 arrived, 1 did not")),
        "{text}"
    );
    assert_eq!(topic.events(), [(1, 1), (1, 3)].into(), "nothing is fixed");

    topic.set("max.message.bytes", "4000000");
    let home = partition(hash(b"client-1"), PARTITIONS.cast_unsigned());
    for copies in 1..=2 {
        let (ok, text) = said(&topic, &["replay", "--all", "--reason", "MSG_SIZE_TOO_LARGE"]);
        assert!(
            ok && text == format!("{place} arrived in partition {home}\n1 arrived, 0 did not\n"),
            "{text}"
        );
        let places = topic.partitions_of(large.as_bytes());
        assert_eq!(places, vec![home.cast_signed(); copies], "the same bytes where its client is");
    }
    assert_eq!(topic.dead_letters(), 1, "a letter stays");
}

#[test]
fn what_cannot_be_replayed_is_told_and_the_rest_arrives() {
    let Some(topic) = Topic::created("dlq-odd", PARTITIONS) else { return };
    let letters = [
        ("NOT_READABLE", "false", "{\"site_id\":\"s".to_owned()),
        ("MSG_SIZE_TOO_LARGE", "true", support::event(1, 1)),
        ("INVALID_RECORD", "false", support::event(1, 2)),
    ];
    for (reason, cut, body) in &letters {
        let headers = OwnedHeaders::new()
            .insert(Header { key: "hw-reason", value: Some(*reason) })
            .insert(Header { key: "hw-cut", value: Some(*cut) });
        topic.write_letter(0, headers, body);
    }
    let (ok, text) = said(&topic, &["replay", "--all"]);
    let home = partition(hash(b"client-1"), PARTITIONS.cast_unsigned());
    for line in [
        "0:0 not sent: EOF while parsing",
        "0:1 not sent: only the beginning of its bytes was kept",
        &format!("0:2 arrived in partition {home}"),
        "1 arrived, 2 did not",
    ] {
        assert!(text.lines().any(|told| told.starts_with(line)), "{line:?} is not in\n{text}");
    }
    assert!(!ok, "some did not arrive");
    assert_eq!(topic.events(), [(1, 2)].into());
    let (ok, text) = said(&topic, &["replay", "0:2", "0:2"]);
    assert!(ok && text.ends_with("2 arrived, 0 did not\n"), "{text}");
}

#[test]
fn a_wrong_word_is_told_as_such() {
    let Some(mut topic) = Topic::created("dlq-wrong", PARTITIONS) else { return };
    for (words, expected) in [
        (&["show", "0:5"][..], "0:5: the partition ends at 0"),
        (&["replay", "99:0"], "99:0: "),
        (&["show", "here"], "partition:offset"),
        (&["replay"], "required"),
        (&["replay", "0:1", "--all"], "cannot be used with"),
    ] {
        let (ok, text) = said(&topic, words);
        assert!(!ok && text.contains(expected), "{words:?}: {text}");
    }
    assert_eq!(said(&topic, &["replay", "--all"]), (true, "0 arrived, 0 did not\n".to_owned()));
    topic.name.push_str("-other");
    let (ok, text) = said(&topic, &["list"]);
    assert!(!ok && text.contains("topics apply"), "{text}");
    "127.0.0.1:1".clone_into(&mut topic.broker);
    let (ok, text) = said(&topic, &["list"]);
    assert!(!ok && text.contains("no broker of 127.0.0.1:1 answers"), "{text}");
}

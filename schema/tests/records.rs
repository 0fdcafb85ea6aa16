//! Records read back as they were written, whatever newer writers add to them.

use headwater_schema::{At, Event, Ledger, Lost, Record, Uuid};
use proptest::prelude::*;

const STREAM: Uuid = Uuid::from_u128(0x0190_5d1e_7c00_4abc_9def_0123_4567_89ab);

fn event_text(props: &str) -> String {
    format!(
        r#"{{"event_id":"018e3a4b-0000-7000-8000-000000000001","stream":"{STREAM}","seq":41,"site_id":"site-123","client_id":"c","event_type":"pageview","timestamp":1710320000123,"ts":1710320000123,"sent_at":1710320010123,"received_at":1710320010200,"schema_version":1,"props":{props}}}"#
    )
}

fn event(bytes: &[u8]) -> Event {
    match Record::from_slice(bytes).expect("a record") {
        Record::Event(event) => *event,
        Record::Ledger(ledger) => panic!("a ledger: {ledger:?}"),
    }
}

fn ledger(bytes: &[u8]) -> Ledger {
    match Record::from_slice(bytes).expect("a record") {
        Record::Ledger(ledger) => ledger,
        Record::Event(event) => panic!("an event: {event:?}"),
    }
}

#[test]
fn props_leave_byte_for_byte_as_they_came() {
    for props in [
        r#"{"plan":"pro"}"#,
        r#"{ "b" : 1.0e2 , "a":[1 ,2],"n":12345678901234567890123 }"#,
        r#"{"a":1,"a":2}"#,
        r#""\u00e4\/""#,
        "[]",
    ] {
        let text = event_text(props);
        let read = event(text.as_bytes());
        assert_eq!(read.props.as_ref().unwrap().get(), props);
        assert_eq!(String::from_utf8(Record::from(read).to_vec()).unwrap(), text);
    }
}

#[test]
fn unknown_fields_are_passed_over_and_absent_ones_are_null() {
    let text = event_text("null").replacen('{', r#"{"from_the_future":{"a":[1,{}]},"#, 1);
    let read = event(text.as_bytes());
    assert_eq!((read.stream, read.seq, read.import), (Some(STREAM), Some(41), false));
    assert!(read.props.is_none() && read.url.is_none() && read.bot.is_none());

    let text = format!(
        r#"{{"at":[3,9],"new":true,"site_id":"s","stream":"{STREAM}","by":"sdk","received_at":2,"sent_at":1,"event_type":"$ledger"}}"#
    );
    let read = ledger(text.as_bytes());
    assert_eq!(read.at, Some(At { done: 3, head: 9 }));
    assert!(read.lost.is_empty() && !read.end && !read.no_storage);
}

#[test]
fn a_ledger_record_has_the_shape_of_the_wire() {
    let written = Ledger {
        site_id: "site-123".into(),
        stream: Some(STREAM),
        client_id: Some("c".into()),
        at: Some(At { done: 41, head: 57 }),
        end: true,
        lost: vec![Lost { from: 12, to: 19, reason: "queue_full".into() }],
        refused: [("sampled".into(), 3)].into(),
        unnamed: [("rejected".into(), 1)].into(),
        by: "sdk".into(),
        received_at: 1_710_320_010_200,
        sent_at: 1_710_320_010_123,
        no_storage: false,
    };
    let bytes = Record::from(written.clone()).to_vec();
    assert_eq!(
        std::str::from_utf8(&bytes).unwrap(),
        format!(
            r#"{{"event_type":"$ledger","site_id":"site-123","stream":"{STREAM}","client_id":"c","at":[41,57],"end":true,"lost":[[12,19,"queue_full"]],"refused":{{"sampled":3}},"unnamed":{{"rejected":1}},"by":"sdk","received_at":1710320010200,"sent_at":1710320010123,"no_storage":false}}"#
        )
    );
    assert_eq!(ledger(&bytes), written);
}

#[test]
fn the_key_is_the_client_else_the_stream_else_the_site() {
    assert_eq!(Record::from(event(event_text("{}").as_bytes())).key(), "c");
    let mut named = Ledger { site_id: "s".into(), stream: Some(STREAM), ..Ledger::default() };
    assert_eq!(Record::from(named.clone()).key(), STREAM.hyphenated().to_string());
    named.client_id = Some("client".into());
    assert_eq!(Record::from(named).key(), "client");
    assert_eq!(Record::from(Ledger { site_id: "s".into(), ..Ledger::default() }).key(), "s");
}

#[test]
fn what_is_no_record_is_an_error() {
    for bytes in [&b""[..], b"null", b"[]", b"{}", b"{\"event_type\":\"x\"}", b"{\"event_type\":1}", b"\xff"]
    {
        assert!(Record::from_slice(bytes).is_err(), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn any_text_survives_the_round_trip(client in ".*", name in ".*", url in ".*", ts in 0_i64..1 << 48) {
        let mut written = event(event_text("{}").as_bytes());
        written.client_id = client;
        written.name = Some(name);
        written.url = Some(url);
        written.ts = ts;
        let read = event(&Record::from(written.clone()).to_vec());
        prop_assert_eq!(read.client_id, written.client_id);
        prop_assert_eq!(read.name, written.name);
        prop_assert_eq!(read.url, written.url);
        prop_assert_eq!(read.ts, written.ts);
    }
}

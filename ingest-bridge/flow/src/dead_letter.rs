//! What goes to the broker in place of a record that it refuses.
//!
//! An event goes to the dead-letter topic, byte for byte, and a `$ledger` record names it `dead_letter`; only when both
//! are durable is its sender told *accepted*. A ledger record that is too large is cut in two: what it names must not
//! get lost.

use bytes::Bytes;
use headwater_core::{planted, reason::Reason};
use headwater_schema::{LEDGER_TYPE, Ledger, Lost, Record as Full, Uuid};
use serde::Deserialize;

use crate::record::Record;

/// One record in place of another.
#[derive(Clone, Debug)]
pub(crate) enum Letter {
    /// To the dead-letter topic.
    Dead { reason: String, cut: bool, body: Bytes },
    /// A part of a ledger record, to the events, under its key.
    Part(Bytes),
    /// The ledger record that names a dead letter, to the events, under the key of the event.
    Name(Bytes),
}

/// What replaces `record`, which the broker refused with `reason`. Bytes that are no record have nothing to be named by.
pub(crate) fn letters(record: &Record, reason: &str) -> Vec<Letter> {
    let dead = dead(&record.body, reason);
    match Full::from_slice(&record.body) {
        Ok(Full::Ledger(ledger)) => halves(ledger).unwrap_or_else(|| vec![dead]),
        Ok(Full::Event(_)) if planted!(DeadLetterUnnamed) => vec![dead],
        _ => {
            let Some(event) = Names::of(&record.body) else { return vec![dead] };
            let word = Reason::DeadLetter.as_str();
            let ledger = Ledger {
                site_id: event.site_id,
                stream: event.stream,
                client_id: Some(event.client_id),
                lost: event
                    .seq
                    .map(|seq| Lost { from: seq, to: seq + 1, reason: word.to_owned() })
                    .into_iter()
                    .collect(),
                unnamed: event.seq.is_none().then(|| (word.to_owned(), 1)).into_iter().collect(),
                by: "bridge".to_owned(),
                received_at: event.received_at,
                sent_at: event.sent_at,
                ..Ledger::default()
            };
            vec![dead, Letter::Name(Bytes::from(Full::from(ledger).to_vec()))]
        }
    }
}

/// What names an event, whatever else of it is not in the schema.
#[derive(Deserialize)]
struct Names {
    event_type: String,
    site_id: String,
    client_id: String,
    #[serde(default)]
    stream: Option<Uuid>,
    #[serde(default)]
    seq: Option<u32>,
    received_at: i64,
    sent_at: i64,
}

impl Names {
    fn of(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().filter(|names: &Self| names.event_type != LEDGER_TYPE)
    }
}

/// To the dead-letter topic with these bytes, whatever they are.
pub(crate) fn dead(body: &Bytes, reason: &str) -> Letter {
    Letter::Dead { reason: reason.to_owned(), cut: false, body: body.clone() }
}

/// What replaces a letter that is refused in its turn: less of the bytes, and in the end nothing, since the ledger has
/// the name. None if that name is what the broker refuses: then there is no yes.
pub(crate) fn smaller(letter: Letter, why: &str, cut_bytes: usize) -> Option<Vec<Letter>> {
    match letter {
        Letter::Dead { cut: false, reason, body } if body.len() > cut_bytes => {
            Some(vec![Letter::Dead { cut: true, reason, body: body.slice(..cut_bytes) }])
        }
        Letter::Dead { .. } => Some(Vec::new()),
        Letter::Name(_) => None,
        Letter::Part(body) => match Full::from_slice(&body) {
            Ok(Full::Ledger(ledger)) => halves(ledger).or_else(|| Some(vec![dead(&body, why)])),
            _ => Some(vec![dead(&body, why)]),
        },
    }
}

/// A ledger record that names several ranges, as two. What only adds up is said once, and claims come last.
fn halves(mut ledger: Ledger) -> Option<Vec<Letter>> {
    if ledger.lost.len() < 2 {
        return None;
    }
    let half = ledger.lost.split_off(ledger.lost.len() / 2);
    let first =
        Ledger { at: None, end: false, refused: std::mem::take(&mut ledger.refused), ..ledger.clone() };
    let second = Ledger { lost: half, unnamed: std::collections::BTreeMap::new(), ..ledger };
    Some([first, second].map(|ledger| Letter::Part(Bytes::from(Full::from(ledger).to_vec()))).into())
}

#[cfg(test)]
mod tests {
    use headwater_schema::At;

    use super::*;

    fn ledger(ranges: u32) -> Ledger {
        let lost = (0..ranges).map(|n| Lost { from: n * 2, to: n * 2 + 1, reason: "queue_full".to_owned() });
        Ledger {
            at: Some(At { done: 9, head: 9 }),
            end: true,
            lost: lost.collect(),
            refused: [("sampled".to_owned(), 2)].into(),
            unnamed: [("rejected".to_owned(), 1)].into(),
            by: "sdk".to_owned(),
            ..Ledger::default()
        }
    }

    fn opened(letters: Vec<Letter>) -> Vec<Ledger> {
        let open = |letter| match letter {
            Letter::Part(body) => match Full::from_slice(&body) {
                Ok(Full::Ledger(ledger)) => ledger,
                other => panic!("{other:?}"),
            },
            Letter::Dead { .. } | Letter::Name(_) => panic!("what it says would be lost"),
        };
        letters.into_iter().map(open).collect()
    }

    #[test]
    fn a_ledger_record_that_is_too_large_is_cut_in_two_that_say_the_same() {
        let whole = ledger(5);
        let body = Bytes::from(Full::from(whole.clone()).to_vec());
        let record = Record { key: Bytes::new(), seq: None, body };
        let [first, second]: [Ledger; 2] = opened(letters(&record, "big")).try_into().expect("two");
        assert_eq!([&first.lost[..], &second.lost[..]].concat(), whole.lost);
        assert_eq!((first.at, first.end), (None, false));
        assert_eq!((second.at, second.end), (whole.at, true));
        assert_eq!((first.unnamed, second.unnamed.len()), (whole.unnamed, 0));
        assert_eq!((first.refused, second.refused.len()), (whole.refused, 0));
    }

    #[test]
    fn an_event_is_named_whatever_else_of_it_is_not_in_the_schema() {
        let body = Bytes::from_static(
            br#"{"event_id":"e","stream":"018e3a1c-0000-4000-8000-000000000001","seq":7,"site_id":"s","client_id":"c","event_type":"click","timestamp":1,"ts":1,"sent_at":2,"received_at":3,"schema_version":1,"revenue":"much"}"#,
        );
        let record = Record::parse(body.clone()).expect("a record with a name");
        let [Letter::Dead { .. }, Letter::Name(name)] = &letters(&record, "NOT_IN_SCHEMA")[..] else {
            panic!("a letter and a name")
        };
        let Ok(Full::Ledger(ledger)) = Full::from_slice(name) else { panic!("a ledger record") };
        assert_eq!(ledger.lost, [Lost { from: 7, to: 8, reason: "dead_letter".to_owned() }]);
        assert_eq!((ledger.client_id.as_deref(), ledger.received_at), (Some("c"), 3));
        // Whoever wrote it, a ledger record that cannot be read names nobody's events.
        let ledger = Bytes::from(String::from_utf8_lossy(&body).replace("click", "$ledger"));
        let record = Record { body: ledger, key: Bytes::new(), seq: None };
        assert_eq!(letters(&record, "NOT_IN_SCHEMA").len(), 1);
    }

    #[test]
    fn a_dead_letter_that_is_refused_too_is_cut_once_and_then_given_up() {
        let letter = dead(&Bytes::from(vec![b'x'; 100]), "big");
        let cut = smaller(letter, "big", 10).expect("less");
        let [Letter::Dead { cut: true, body, .. }] = &cut[..] else { panic!("{cut:?}") };
        assert_eq!(body.len(), 10);
        assert!(smaller(cut[0].clone(), "big", 10).expect("nothing").is_empty());
    }
}

//! How a collector speaks with a bridge: `POST /v1/batches`, NDJSON there and one result per line back. The host opens the
//! connection and adds `Authorization`; what is said is the same everywhere.

use std::collections::BTreeMap;

use headwater_core::reason::Reason;
use headwater_schema::{Ledger, Lost, Record};
use serde::Deserialize;

use crate::Unavailable;

/// Below the bridge's address.
pub const PATH: &str = "/v1/batches";

/// Of the body.
pub const CONTENT_TYPE: &str = "application/x-ndjson";

/// Bytes of an answer: some for each of the most records that a request can have.
pub const ANSWER_BYTES: usize = 16 << 20;

/// `Retry-After` in seconds where the bridge names none, or does not answer.
pub const RETRY_AFTER_S: u32 = 2;

/// The answer of the stage behind.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Forwarded {
    /// For which incarnation of its storage it speaks: drawn anew when that is created or restored. With another one
    /// than before the seen cache forgets everything; while it is not known, nothing is remembered. For a storage that
    /// cannot change while this process lives, any number that stays.
    pub incarnation: Option<u128>,
    /// The records that it will never take, by their place in the request, with what is wrong with them.
    pub rejected: Vec<(usize, String)>,
}

impl Forwarded {
    /// Everything is durable in this incarnation of the storage.
    #[must_use]
    pub fn all(incarnation: u128) -> Self {
        Self { incarnation: Some(incarnation), rejected: Vec::new() }
    }

    /// What a request comes to whose [`rejected`](Self::rejected) records were named, by the answer to the names. If the
    /// storage was made anew in between, the events are in the old one. Fails if a name was not taken.
    pub fn named(&self, names: &Self) -> Result<Self, Unavailable> {
        if !names.rejected.is_empty() {
            return Err(unnamed());
        }
        let incarnation = self.incarnation.filter(|_| self.incarnation == names.incarnation);
        Ok(Self { incarnation, rejected: Vec::new() })
    }
}

/// The ledger records that name what the stage behind will never take, one for each request, stream and client; of
/// records that waited, whose [`Forwarding`](crate::Forwarding) is gone. Fails if one is a ledger record itself: what it
/// names must not get lost.
pub fn names<'a>(rejected: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, Unavailable> {
    let reason = Reason::Rejected.as_str();
    let mut ledgers = BTreeMap::new();
    for record in rejected {
        let Ok(Record::Event(event)) = Record::from_slice(record) else { return Err(unnamed()) };
        let key = (event.site_id.clone(), event.stream, event.client_id.clone(), event.received_at);
        let ledger = ledgers.entry(key).or_insert_with(|| Ledger {
            site_id: event.site_id.clone(),
            stream: event.stream,
            client_id: Some(event.client_id.clone()),
            by: "collector".to_owned(),
            received_at: event.received_at,
            sent_at: event.sent_at,
            ..Ledger::default()
        });
        match event.seq {
            Some(seq) => ledger.lost.push(Lost { from: seq, to: seq + 1, reason: reason.to_owned() }),
            None => *ledger.unnamed.entry(reason.to_owned()).or_default() += 1,
        }
    }
    Ok(ledgers.into_values().map(|ledger| Record::from(ledger).to_vec()).collect())
}

fn unnamed() -> Unavailable {
    Unavailable {
        message: "the bridge does not take the name of a loss".to_owned(),
        retry_after_s: RETRY_AFTER_S,
    }
}

/// NDJSON. A record may hold line breaks between its tokens, where a sender's own text was passed on; in JSON any other
/// white space is the same.
#[must_use]
pub fn lines(records: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::with_capacity(records.iter().map(|record| record.len() + 1).sum());
    for record in records {
        body.extend(record.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
        body.push(b'\n');
    }
    body
}

/// An answer as it came: what of it is asked for, and nothing that is of one HTTP library.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// `hw-ack`.
    pub ack: Option<&'a str>,
    /// `hw-incarnation`.
    pub incarnation: Option<&'a str>,
    /// `retry-after`.
    pub retry_after: Option<&'a str>,
    /// At most [`ANSWER_BYTES`].
    pub body: &'a [u8],
}

/// The headers of an [`Answer`] by its fields.
pub const HW_ACK: &str = "hw-ack";
/// The incarnation for which an answer speaks, in hexadecimal.
pub const HW_INCARNATION: &str = "hw-incarnation";
/// Seconds.
pub const RETRY_AFTER: &str = "retry-after";

impl Answer<'_> {
    /// What the bridge says of a request of `count` records. Only an answer with `hw-ack` is one, and it speaks for the
    /// incarnation that came with it.
    pub fn read(&self, count: usize) -> Result<Forwarded, Unavailable> {
        let retry_after_s = self.retry_after.and_then(|seconds| seconds.parse().ok());
        let retry_after_s = retry_after_s.unwrap_or(RETRY_AFTER_S).max(1);
        let unavailable = |message: &str| Err(Unavailable { message: message.to_owned(), retry_after_s });
        let Some(ack) = self.ack.and_then(|count| count.parse::<usize>().ok()) else {
            return unavailable("what answers in the bridge's place is none");
        };
        let lines = serde_json::from_slice(self.body).map(|Results { results }| results).unwrap_or_default();
        let is_rejected = |line: &Line| line.outcome == "rejected";
        let settles = lines.len() == count
            && match self.status {
                200 => {
                    ack == count && lines.iter().all(|line| line.outcome == "accepted" || is_rejected(line))
                }
                422 => lines.iter().all(is_rejected),
                _ => false,
            };
        if !settles {
            return unavailable("the bridge does not take events now");
        }
        let incarnation = self.incarnation.and_then(|id| u128::from_str_radix(id, 16).ok());
        let rejected = lines.into_iter().enumerate().filter(|(_, line)| is_rejected(line));
        Ok(Forwarded { incarnation, rejected: rejected.map(|(at, line)| (at, line.reason)).collect() })
    }
}

/// Nobody knows what became of the request.
#[must_use]
pub fn unreachable() -> Unavailable {
    Unavailable { message: "the bridge is not reached".to_owned(), retry_after_s: RETRY_AFTER_S }
}

/// Keeps from asking before the time is over that the bridge said. Its clock is the host's, in ms from any beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate {
    closed_until: u64,
}

impl Gate {
    /// Before the bridge wants to be asked again, senders are told how long that is.
    pub fn check(&self, now: u64) -> Result<(), Unavailable> {
        match self.closed_until.saturating_sub(now) {
            0 => Ok(()),
            left => Err(Unavailable {
                message: "the bridge does not take events now".to_owned(),
                retry_after_s: u32::try_from(left.div_ceil(1000)).unwrap_or(u32::MAX),
            }),
        }
    }

    /// Takes in what the bridge answered: a refusal closes for as long as it says.
    pub fn hear(&mut self, now: u64, answered: &Result<Forwarded, Unavailable>) {
        if let Err(Unavailable { retry_after_s, .. }) = answered {
            self.closed_until = now.saturating_add(u64::from(*retry_after_s) * 1000);
        }
    }
}

#[derive(Deserialize)]
struct Results {
    #[serde(default)]
    results: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    outcome: String,
    #[serde(default)]
    reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_are_never_taken_are_named_by_client_or_by_seq() {
        const EVENT: &str = r#"{"event_id":"e","site_id":"s","client_id":"c","event_type":"x","timestamp":1,"ts":1,"sent_at":1,"received_at":1,"schema_version":1}"#;
        let names = names([EVENT.as_bytes(); 2]).unwrap();
        let Ok(Record::Ledger(ledger)) = Record::from_slice(&names[0]) else { panic!("a ledger record") };
        assert_eq!((names.len(), ledger.unnamed["rejected"], ledger.site_id.as_str()), (1, 2, "s"));
        assert!(super::names([&*names[0]]).is_err());
    }

    fn answer(status: u16, headers: &[(&str, &'static str)], body: &str) -> Result<Forwarded, u32> {
        let header = |name| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let answer = Answer {
            status,
            ack: header(HW_ACK),
            incarnation: header(HW_INCARNATION),
            retry_after: header(RETRY_AFTER),
            body: body.as_bytes(),
        };
        answer.read(2).map_err(|unavailable| unavailable.retry_after_s)
    }

    #[test]
    fn only_a_whole_answer_that_is_ours_settles() {
        const GOOD: &str = r#"{"results":[{"outcome":"accepted"},{"outcome":"accepted"}]}"#;
        const HALF: &str = r#"{"results":[{"outcome":"accepted"},{"outcome":"rejected","reason":"odd"}]}"#;
        const BAD: &str = r#"{"results":[{"outcome":"rejected"},{"outcome":"rejected"}]}"#;
        let incarnation = (HW_INCARNATION, "000000000000000000000000000000ff");
        assert_eq!(answer(200, &[(HW_ACK, "2"), incarnation], GOOD), Ok(Forwarded::all(255)));
        let half = Forwarded { incarnation: None, rejected: vec![(1, "odd".to_owned())] };
        assert_eq!(answer(200, &[(HW_ACK, "2")], HALF), Ok(half));
        let bad = answer(422, &[(HW_ACK, "0")], BAD).expect("all are rejected");
        assert_eq!(bad.rejected.len(), 2);
        assert_eq!(answer(200, &[], GOOD), Err(RETRY_AFTER_S), "not ours");
        assert_eq!(answer(200, &[(HW_ACK, "1")], GOOD), Err(RETRY_AFTER_S));
        assert_eq!(answer(200, &[(HW_ACK, "2")], "{}"), Err(RETRY_AFTER_S));
        assert_eq!(answer(503, &[(HW_ACK, "0"), (RETRY_AFTER, "7")], GOOD), Err(7));
        assert_eq!(answer(401, &[(HW_ACK, "0")], "{}"), Err(RETRY_AFTER_S));
    }

    #[test]
    fn a_record_is_one_line_whatever_its_sender_wrote() {
        let records = [b"{\"props\":{\n \"a\":\"\\n\"}}".to_vec(), b"{}".to_vec()];
        assert_eq!(lines(&records), &b"{\"props\":{  \"a\":\"\\n\"}}\n{}\n"[..]);
    }

    #[test]
    fn a_refusal_is_not_asked_again_before_its_time() {
        let mut gate = Gate::default();
        gate.hear(500, &Ok(Forwarded::all(1)));
        assert_eq!(gate.check(500), Ok(()));
        gate.hear(500, &Err(Unavailable { message: String::new(), retry_after_s: 7 }));
        let wait = |now| gate.check(now).map_err(|unavailable| unavailable.retry_after_s);
        assert_eq!((wait(501), wait(7_499), wait(7_500)), (Err(7), Err(1), Ok(())));
    }
}

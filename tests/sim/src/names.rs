//! Whom a record or a request speaks of, found without reading its JSON: the writers of both are known, and reading
//! every record once more would be the better half of a run.

/// What a record of the collector or the bridge speaks of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Named {
    /// An event.
    Event { stream: u128, seq: u32 },
    /// What the ledger says of a stream: ranges of lost events and their reasons.
    Ledger { stream: u128, lost: Vec<(u32, u32, String)> },
}

/// Reads the name of a record. Panics if it is not as the schema's writer writes it.
pub(crate) fn of_record(record: &[u8]) -> Named {
    if let Some(rest) = record.strip_prefix(b"{\"event_id\":\"") {
        let rest = rest[ID..].strip_prefix(b"\",\"stream\":\"").expect("every event here is a stream's");
        let seq = rest[ID..].strip_prefix(b"\",\"seq\":").expect("a seq beside a stream");
        let digits = seq.iter().take_while(|byte| byte.is_ascii_digit());
        return Named::Event {
            stream: hexadecimal(&rest[..ID]),
            seq: digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')),
        };
    }
    let text = std::str::from_utf8(record).expect("records are JSON");
    let (_, rest) = text.split_once("\"stream\":\"").expect("every ledger record here is a stream's");
    let (stream, rest) = uuid(rest);
    let lost = rest.split_once("\"lost\":[").map_or("", |(_, rest)| rest);
    Named::Ledger { stream, lost: ranges(lost) }
}

/// Bytes of a UUID's text.
const ID: usize = 36;

/// The claim of a request: its stream, `at`, and the names of losses that it carries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Claim {
    pub(crate) stream: u128,
    pub(crate) at: (u32, u32),
    pub(crate) lost: Vec<(u32, u32, String)>,
}

/// Reads the claim of a request of the core, which has one batch.
pub(crate) fn of_request(text: &[u8]) -> Option<Claim> {
    let text = std::str::from_utf8(text).ok()?;
    let (stream, _) = uuid(text.split_once("\"stream\":\"")?.1);
    // Before the events, whose text is the visitor's.
    let head = text.split_once("\"events\":").map_or(text, |(head, _)| head);
    let (done, rest) = number(head.split_once("\"at\":[")?.1);
    let (head_seq, _) = number(rest.strip_prefix(',')?);
    let lost = head.split_once("\"lost\":[").map_or("", |(_, rest)| rest);
    Some(Claim { stream, at: (done, head_seq), lost: ranges(lost) })
}

/// Whether a request says that its sender holds nothing more of its stream.
pub(crate) fn says_end(text: &[u8]) -> bool {
    before_events(text).contains("\"end\":true")
}

/// Whether a request says whose events it carries.
pub(crate) fn says_who(text: &[u8]) -> bool {
    before_events(text).contains("\"client_id\":")
}

/// A request without its last events.
pub(crate) fn without_last(text: &[u8], events: usize) -> Vec<u8> {
    const BEGIN: &[u8] = b"{\"seq\":";
    let begins: Vec<usize> =
        text.windows(BEGIN.len()).enumerate().filter(|(_, at)| *at == BEGIN).map(|(at, _)| at).collect();
    let Some(cut) = begins.len().checked_sub(events).and_then(|kept| begins.get(kept)) else {
        return text.to_vec();
    };
    let mut text = text[..*cut].to_vec();
    text.pop_if(|byte| *byte == b',');
    text.extend_from_slice(b"]}]}");
    text
}

fn before_events(text: &[u8]) -> &str {
    let end = text.windows(9).position(|window| window == b"\"events\":").unwrap_or(text.len());
    std::str::from_utf8(&text[..end]).unwrap_or_default()
}

/// `[a,b,"reason"],…]`
fn ranges(mut text: &str) -> Vec<(u32, u32, String)> {
    let mut ranges = Vec::new();
    while let Some(rest) = text.strip_prefix('[') {
        let (from, rest) = number(rest);
        let (to, rest) = number(rest.strip_prefix(',').expect("two numbers"));
        let (reason, rest) =
            rest.strip_prefix(",\"").and_then(|rest| rest.split_once('"')).expect("a reason");
        ranges.push((from, to, reason.to_owned()));
        text = rest.trim_start_matches([']', ',']);
        if rest.starts_with("]]") {
            break;
        }
    }
    ranges
}

fn uuid(text: &str) -> (u128, &str) {
    let (digits, rest) = text.split_at(ID);
    (hexadecimal(digits.as_bytes()), rest)
}

fn hexadecimal(text: &[u8]) -> u128 {
    let digits = text.iter().filter_map(|byte| char::from(*byte).to_digit(16));
    digits.fold(0, |value, digit| value << 4 | u128::from(digit))
}

fn number(text: &str) -> (u32, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().expect("a number of 32 bits"), &text[end..])
}

#[cfg(test)]
mod tests {
    use headwater_schema::{At, Ledger, Lost, Record, Uuid};

    use super::*;

    const STREAM: u128 = 0x0190_aaaa_0000_7000_8000_0000_0000_0001;

    #[test]
    fn records_are_named_as_the_schema_reads_them() {
        let event = r#"{"event_id":"0190aaaa-0000-7000-8000-000000000000",
            "stream":"0190aaaa-0000-7000-8000-000000000001","seq":41,"site_id":"s","client_id":"c",
            "event_type":"custom","timestamp":0,"ts":0,"sent_at":0,"received_at":0,"schema_version":1}"#;
        let event = Record::from_slice(event.as_bytes()).unwrap().to_vec();
        assert_eq!(of_record(&event), Named::Event { stream: STREAM, seq: 41 });
        let lost = |from, to, reason: &str| Lost { from, to, reason: reason.to_owned() };
        let ledger = Ledger {
            site_id: "s".to_owned(),
            stream: Some(Uuid::from_u128(STREAM)),
            at: Some(At { done: 1, head: 9 }),
            lost: vec![lost(1, 3, "queue_full"), lost(5, 6, "rejected")],
            ..Ledger::default()
        };
        let named = Named::Ledger {
            stream: STREAM,
            lost: vec![(1, 3, "queue_full".to_owned()), (5, 6, "rejected".to_owned())],
        };
        assert_eq!(of_record(&Record::from(ledger.clone()).to_vec()), named);
        let silent = Ledger { lost: Vec::new(), ..ledger };
        let named = Named::Ledger { stream: STREAM, lost: Vec::new() };
        assert_eq!(of_record(&Record::from(silent).to_vec()), named);
    }

    #[test]
    fn requests_are_read_as_the_core_writes_them() {
        let text = br#"{"v":1,"site_id":"s","sent_at":1,"batches":[{"stream":"0190aaaa-0000-7000-8000-000000000001",
            "client_id":"c","at":[4,9],"lost":[[1,3,"queue_full"]],"events":[{"seq":4,"name":"x"},{"seq":7,"name":"y"}]}]}"#;
        let claim = of_request(text).unwrap();
        assert_eq!((claim.stream, claim.at), (STREAM, (4, 9)));
        assert_eq!(claim.lost, [(1, 3, "queue_full".to_owned())]);
        assert!(says_who(text) && !says_end(text));
        let less = without_last(text, 1);
        assert!(less.ends_with(b"\"events\":[{\"seq\":4,\"name\":\"x\"}]}]}"));
        assert!(without_last(&less, 1).ends_with(b"\"events\":[]}]}"));
        assert_eq!(without_last(text, 3), text);
    }
}

//! The text of a request, with splice marks for what the core never sees.

use alloc::vec::Vec;

use super::{flights::Flight, mark, stream::Stream};
use crate::{planted, refusal::Refusal};

/// Appends the template of a request of `stream` to `template`, and to `seqs` the events whose bodies go there.
pub(super) fn write(stream: &Stream, flight: &Flight, template: &mut Vec<u8>, seqs: &mut Vec<u32>) {
    let mut text = Text(template);
    text.put(BEGINNING);
    text.put(if stream.purged && !planted!(PurgeKeepsHeader) { NO_HEADER } else { HEADER });
    text.put(b",\"at\":[").number(stream.done_with(flight.news)).put(b",").number(stream.head).put(b"]");
    if flight.end {
        text.put(b",\"end\":true");
    }
    let (mut before, mut after): (&[u8], &[u8]) = (b",\"lost\":[[", b"");
    for name in stream.ledger.names(flight.news) {
        text.put(before).number(name.range.0).put(b",").number(name.range.1);
        text.put(b",\"").put(name.reason.as_str().as_bytes()).put(b"\"");
        (before, after) = (b"],[", b"]]");
    }
    text.put(after);
    (before, after) = (b",\"refused\":{\"", b"");
    for (verdict, total) in Refusal::ALL.iter().zip(stream.refused.totals()) {
        if *total > 0 {
            text.put(before).put(verdict.as_str().as_bytes()).put(b"\":").number(*total);
            (before, after) = (b",\"", b"}");
        }
    }
    text.put(after);
    before = b",\"events\":[";
    for event in stream.events() {
        if event.seq >= flight.events_end {
            break;
        }
        if event.request != flight.request {
            continue;
        }
        text.put(before).put(b"{\"seq\":").number(event.seq).put(b",\"session_id\":");
        match stream.session(event.seq) {
            Some(session) => text.put(b"\"").put(&session.text()).put(b"\""),
            None => text.put(b"null"),
        };
        text.put(BODY);
        seqs.push(event.seq);
        before = b",";
    }
    if seqs.is_empty() {
        text.put(before);
    }
    text.put(b"]}]}");
}

// Marks among text: one piece instead of three is a call less, and in the browser bytes count.
const BEGINNING: &[u8] = b"{\"v\":1,\"site_id\":\x03,\"sent_at\":\x04,\"batches\":[{";
const HEADER: &[u8] = &[mark::HEADER];
const NO_HEADER: &[u8] = b"\"stream\":\x05";
const BODY: &[u8] = b",\x02";
const _: () = assert!(mark::SITE == 3 && mark::SENT_AT == 4 && mark::STREAM == 5 && mark::BODY == 2);

/// A request's text as it grows.
struct Text<'t>(&'t mut Vec<u8>);

impl Text<'_> {
    #[inline(never)] // called from everywhere; in the browser bytes count
    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Decimal digits.
    fn number(&mut self, number: u32) -> &mut Self {
        if number >= 10 {
            self.number(number / 10);
        }
        // A digit is below ten.
        self.put(&[b'0' + (number % 10) as u8])
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use alloc::{string::ToString, vec::Vec};

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 1, 9, 10, 99, 100, 4_294_967_295] {
            let mut text = Vec::new();
            Text(&mut text).number(number);
            assert_eq!(text, number.to_string().into_bytes());
        }
    }
}

//! The text of a request, with splice marks for what the core never sees.

use alloc::vec::Vec;

use super::{batch::Batch, mark, stream::Stream};

/// The template of a request with `batch` of `stream`.
pub(super) fn template(stream: &Stream, batch: &Batch) -> Vec<u8> {
    let mut text = Text(Vec::new());
    text.put(b"{\"v\":1,\"site_id\":").mark(mark::SITE);
    text.put(b",\"sent_at\":").mark(mark::SENT_AT);
    text.put(b",\"batches\":[{");
    if stream.purged {
        text.put(b"\"stream\":").mark(mark::STREAM);
    } else {
        text.mark(mark::HEADER);
    }
    text.put(b",\"at\":[").number(batch.at.0).put(b",").number(batch.at.1).put(b"]");
    if batch.end {
        text.put(b",\"end\":true");
    }
    if !batch.names.is_empty() {
        text.put(b",\"lost\":[");
        text.list(&batch.names, |text, name| {
            text.put(b"[").number(name.range.0).put(b",").number(name.range.1);
            text.put(b",\"").put(name.reason.as_str().as_bytes()).put(b"\"]");
        });
        text.put(b"]");
    }
    text.put(b",\"events\":[");
    text.list(&batch.seqs, |text, &seq| {
        text.put(b"{\"seq\":").number(seq).put(b",\"session_id\":");
        match stream.session(seq) {
            Some(session) => text.put(b"\"").put(&session.text()).put(b"\""),
            None => text.put(b"null"),
        };
        text.put(b",").mark(mark::BODY);
    });
    text.put(b"]}]}");
    text.0
}

/// A request's text as it grows.
struct Text(Vec<u8>);

impl Text {
    #[inline(never)] // called from everywhere; in the browser bytes count
    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn mark(&mut self, mark: u8) {
        self.put(&[mark]);
    }

    /// Decimal digits.
    fn number(&mut self, number: u32) -> &mut Self {
        if number >= 10 {
            self.number(number / 10);
        }
        // A digit is below ten.
        self.put(&[b'0' + (number % 10) as u8])
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.put(b",");
            }
            write(self, item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use alloc::{string::ToString, vec::Vec};

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 1, 9, 10, 99, 100, 4_294_967_295] {
            let mut text = Text(Vec::new());
            text.number(number);
            assert_eq!(text.0, number.to_string().into_bytes());
        }
    }
}

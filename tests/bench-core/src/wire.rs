//! What a request weighs: the core's template, spliced with typical events, plain and compressed.

use std::io::Write;

use fastrand::Rng;
use flate2::{Compression, write::GzEncoder};
use headwater_core::{
    client::{Input, StreamNo, mark},
    time::{Instant, UnixMs},
};

use crate::page::{EPOCH, client, drain, length, opened};
use headwater_bench_core::{event, float, row};

/// Requests of each size, every one of another visitor.
const REQUESTS: usize = 200;
const SITE: &str = r#""shop""#;
const BETWEEN_CALLS_MS: u64 = 5;

/// Bytes of the requests of one size, summed.
#[derive(Default)]
struct Weight {
    events: usize,
    plain: usize,
    gzip: usize,
    /// Of `plain`, what the page wrote of its events.
    bodies: usize,
    /// Of `plain`, what a request without an event weighs.
    envelope: usize,
}

pub(crate) fn print() {
    for size in [1, 10, 50] {
        let mut rng = Rng::with_seed(3);
        let mut sum = Weight::default();
        for _ in 0..REQUESTS {
            add_request(&mut sum, &mut rng, size);
        }
        let name =
            if size == 1 { "a batch of 1 event".to_owned() } else { format!("a batch of {size} events") };
        let per_event = |bytes: usize| float(bytes) / float(sum.events);
        row(&format!("{name}, on the wire per event"), per_event(sum.plain), "B");
        row(&format!("{name}, on the wire per event, gzip"), per_event(sum.gzip), "B");
        row(&format!("{name}, of it the event's own text"), per_event(sum.bodies), "B");
        row(&format!("{name}, envelope's share"), 100.0 * float(sum.envelope) / float(sum.plain), "%");
    }
}

fn add_request(sum: &mut Weight, rng: &mut Rng, size: usize) {
    let (header, stream) = (event::header(rng), StreamNo(0));
    let mut client = client();
    let (mut now, mut bodies, mut request) = (0, Vec::new(), None);
    client.handle(Instant(now), UnixMs(EPOCH), opened(stream));
    for seq in 0..u32::try_from(size).expect("a small number") {
        now += BETWEEN_CALLS_MS;
        let ts = EPOCH + now;
        let body = event::body(rng, ts);
        let input = Input::Appended { stream, seq, len: length(&body), ts: UnixMs(ts) };
        client.handle(Instant(now), UnixMs(ts), input);
        request = drain(&mut client).or(request);
        bodies.push(body);
    }
    if request.is_none() {
        now = client.poll_timeout().expect("it does not wait for ever").0;
        client.handle(Instant(now), UnixMs(EPOCH + now), Input::Timeout);
        request = drain(&mut client);
    }
    let made = client.request(request.expect("a request")).expect("a request in flight");
    assert_eq!(made.seqs.len(), size, "all events are in it");
    let text = splice(&made.template, &header, &bodies, EPOCH + now);

    let (from, to) = list_of_events(&text);
    sum.events += size;
    sum.plain += text.len();
    sum.gzip += gzip(&text);
    sum.bodies += bodies.iter().map(String::len).sum::<usize>();
    sum.envelope += text.len() - (to - from);
}

/// What the shell does (`sdk-web/ts/transport.ts`).
fn splice(template: &[u8], header: &str, bodies: &[String], sent_at: u64) -> Vec<u8> {
    let mut bodies = bodies.iter();
    let mut text = Vec::new();
    for &byte in template {
        match byte {
            mark::BODY => text.extend_from_slice(bodies.next().expect("a body for each mark").as_bytes()),
            mark::HEADER => text.extend_from_slice(header.as_bytes()),
            mark::SENT_AT => text.extend_from_slice(sent_at.to_string().as_bytes()),
            mark::SITE => text.extend_from_slice(SITE.as_bytes()),
            _ => text.push(byte),
        }
    }
    serde_json::from_slice::<serde_json::Value>(&text).expect("a request is JSON");
    text
}

/// Where the events of a request begin and end.
fn list_of_events(text: &[u8]) -> (usize, usize) {
    const BEGIN: &[u8] = b"\"events\":[";
    const END: &[u8] = b"]}]}";
    let from =
        text.windows(BEGIN.len()).position(|part| part == BEGIN).expect("a request has a list of events");
    assert!(text.ends_with(END), "the list of events is the last");
    (from + BEGIN.len(), text.len() - END.len())
}

/// At the level that browsers' `CompressionStream` uses.
fn gzip(text: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).and_then(|()| encoder.finish()).expect("a Vec takes everything").len()
}

#[cfg(test)]
mod tests {
    use super::{Weight, add_request, list_of_events};

    #[test]
    fn a_request_is_its_envelope_and_its_events() {
        let (mut one, mut many) = (Weight::default(), Weight::default());
        add_request(&mut one, &mut fastrand::Rng::with_seed(1), 1);
        add_request(&mut many, &mut fastrand::Rng::with_seed(1), 50);
        assert_eq!((one.events, many.events), (1, 50));
        // The next free seq has a digit more.
        assert!(many.envelope - one.envelope <= 2);
        for sum in [one, many] {
            assert!(sum.bodies < sum.plain - sum.envelope && sum.gzip < sum.plain);
        }
    }

    #[test]
    fn the_events_are_what_stands_between_the_brackets() {
        let text = br#"{"v":1,"batches":[{"at":[0,1],"events":[{"seq":0}]}]}"#;
        let (from, to) = list_of_events(text);
        assert_eq!(&text[from..to], br#"{"seq":0}"#);
    }
}

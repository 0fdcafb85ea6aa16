//! The collector: whatever body arrives is answered, and each of its events has one outcome.

use std::{collections::BTreeSet, fmt::Write as _, sync::LazyLock};

use fastrand::Rng;
use headwater_collector::{
    Answered, Credentials, Refusal, Reply, SeenCache, Sites, Surroundings, Tally, Unavailable, decode,
    inflate,
};
use headwater_core::seen::MAX_RANGES;
use headwater_schema::Record;
use serde_json::Value;

/// The collector's clock, Unix ms.
const NOW: i64 = 1_710_320_010_223;

/// Sends `data` as a body three times: while the stage behind fails, when it takes it, and as a copy.
pub fn run(data: &[u8]) {
    let mut seen = SeenCache::default();
    let (deferred, first, copy) =
        (post(data, &mut seen, true), post(data, &mut seen, false), post(data, &mut seen, false));
    match (deferred, first, copy) {
        (Ok(deferred), Ok(first), Ok(copy)) => {
            let total = count(data).unwrap_or(first.tally.total());
            assert_eq!(deferred.tally, Tally { deferred: total, ..Tally::default() });
            assert_eq!((deferred.reply.status, ack(&deferred.reply)), (503, 0));
            assert!(deferred.reply.header("retry-after").is_some_and(|s| s.parse::<u32>().is_ok()));
            for settled in [&first, &copy] {
                assert_eq!(settled.tally.total(), total, "conservation: {:?}", settled.tally);
                assert_eq!(ack(&settled.reply), total);
                let body = serde_json::from_slice::<Value>(&settled.reply.body).unwrap_or_default();
                let listed = body["rejected"].as_array().map_or(0, Vec::len);
                assert_eq!(listed as u64, settled.tally.rejected, "each is listed");
                let told = body["settings"]["sample"] == 2_500;
                assert!(!told || is_native(data), "the settings are for SDKs");
                let expected = if settled.tally.rejected == 0 && !told { 204 } else { 200 };
                assert_eq!(settled.reply.status, expected);
            }
            assert_eq!(copy.tally.rejected, first.tally.rejected);
            // A stream of more gaps than the cache keeps is forgotten, and its copies pass.
            if first.named <= MAX_RANGES as u64 {
                assert_eq!(copy.named, 0, "what was marked is known to be there");
            }
            let unnamed = |post: &Post| post.tally.accepted - post.named;
            assert_eq!(unnamed(&copy), unnamed(&first), "what has no name passes");
        }
        (Err(deferred), Err(first), Err(copy)) => {
            assert_eq!((&deferred, &copy), (&first, &first), "a refusal depends on the request alone");
            let reply = first.reply();
            assert!((400..500).contains(&reply.status), "{first}");
            assert_eq!(ack(&reply), 0);
            let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
            assert!(body["error"].is_string() && body["message"].is_string());
        }
        _ => panic!("refused at one time and not at another"),
    }
}

struct Post {
    tally: Tally,
    reply: Reply,
    /// Events of streams that were forwarded.
    named: u64,
}

fn post(body: &[u8], seen: &mut SeenCache, down: bool) -> Result<Post, Refusal> {
    let text = inflate(body)?;
    let mut forwarding = decode(&text)?
        .authorise(sites(), &Credentials::default())?
        .admit(NOW)?
        .look_up(|stream, seq| seen.contains(stream, seq))
        .enrich(Surroundings::default())
        .forward();
    let records = forwarding.take_records();
    let answered = forwarding.answered(if down {
        Err(Unavailable { message: "the log: full".to_owned(), retry_after_s: 0 })
    } else {
        Ok(())
    });
    let named = if down { 0 } else { check(&records, &answered) };
    seen.mark(answered.marks());
    Ok(Post { tally: answered.tally(), reply: answered.reply(), named })
}

/// Checks what is forwarded, and counts the events of streams.
fn check(records: &[Vec<u8>], answered: &Answered) -> u64 {
    let (mut names, mut ids, mut events) = (BTreeSet::new(), BTreeSet::new(), 0);
    for record in records {
        match Record::from_slice(record).expect("a record that can be read again") {
            Record::Event(event) => {
                events += 1;
                assert_eq!(event.stream.is_some(), event.seq.is_some());
                if let Some(stream) = event.stream {
                    assert!(names.insert((stream, event.seq)), "forwarded twice");
                    // Two names of 122 random bits each; that their ids meet is not to be expected.
                    assert!(ids.insert(event.event_id), "two events with one id");
                }
            }
            Record::Ledger(ledger) => assert!(ledger.lost.iter().all(|lost| lost.from < lost.to)),
        }
    }
    assert_eq!(events, answered.tally().accepted, "what is accepted was forwarded");
    let marked: u64 = answered.marks().iter().map(|mark| mark.seqs.count()).sum();
    assert_eq!(marked, names.len() as u64, "what is marked was forwarded");
    names.len() as u64
}

/// Any site, and one with settings.
fn sites() -> &'static Sites {
    static SITES: LazyLock<Sites> = LazyLock::new(|| {
        let file = "[[site]]\nid = \"site-123\"\n[site.settings]\nsample = 2500\n";
        Sites::from_toml(file).expect("a good file").opened()
    });
    &SITES
}

/// Whether the body has batches, read another way; or that one is the stricter.
fn is_native(body: &[u8]) -> bool {
    let text = inflate(body).expect("it was read before");
    serde_json::from_slice::<Value>(&text).map_or(true, |request| request["batches"].is_array())
}

fn ack(reply: &Reply) -> u64 {
    reply.header("hw-ack").and_then(|ack| ack.parse().ok()).expect("a number in every answer of ours")
}

/// How many events the body has, read another way; `None` where that one is the stricter.
fn count(body: &[u8]) -> Option<u64> {
    let request: Value = serde_json::from_slice(&inflate(body).ok()?).ok()?;
    let events = |of: &Value| of["events"].as_array().map_or(0, Vec::len) as u64;
    Some(match request["batches"].as_array() {
        Some(batches) => batches.iter().map(events).sum(),
        None => events(&request),
    })
}

/// A request of either form, with now and then something in it that is not allowed.
#[must_use]
pub fn sample(random: &mut Rng) -> Vec<u8> {
    let mut text = String::from(r#"{"site_id":"site-123""#);
    if random.bool() {
        text.push_str(r#","client_id":"anon","session_id":"sess","events":["#);
        list(&mut text, random, event);
        text.push_str("]}");
    } else {
        text.push_str(r#","v":1,"sent_at":1710320010123,"batches":["#);
        list(&mut text, random, batch);
        text.push_str("]}");
    }
    text.into_bytes()
}

fn list(text: &mut String, random: &mut Rng, write: fn(&mut String, &mut Rng)) {
    for at in 0..random.u32(0..5) {
        text.push_str(if at == 0 { "" } else { "," });
        write(text, random);
    }
}

fn batch(text: &mut String, random: &mut Rng) {
    let stream = random.u32(0..3);
    put(text, format_args!(r#"{{"stream":"01905d1e-7c00-4abc-9def-{stream:012x}","client_id":"c""#));
    if random.bool() {
        put(text, format_args!(r#","at":[{},{}]"#, random.u32(0..9), random.u32(4..20)));
    }
    if random.bool() {
        put(text, format_args!(r#","lost":[[{},{},"queue_full"]]"#, random.u32(0..5), random.u32(3..20)));
    }
    text.push_str([r#","end":true"#, r#","refused":{"sampled":3}"#, ""][random.usize(0..3)]);
    text.push_str(r#","context":{"sdk":"web/0.1.0","no_storage":false,"tz":"Europe/London"},"events":["#);
    list(text, random, event);
    text.push_str("]}");
}

fn event(text: &mut String, random: &mut Rng) {
    const MORE: [&str; 12] = [
        "",
        r#","url":"/a?utm_source=x&utm_medium=%F0%9F""#,
        r#","url":"https://shop.example/a#b""#,
        r#","props":{"a":[1,{"b":null}]}"#,
        r#","props":7"#,
        r#","revenue":1999,"currency":"EUR""#,
        r#","revenue":1e400,"currency":"eur""#,
        r#","event_id":"order-7""#,
        r#","event_id":"01905d1e-7c00-7abc-9def-0123456789ab""#,
        r#","name":"\ud83d\ude00\u0000","element":"\"""#,
        r#","type":"again""#,
        r#","session_id":null"#,
    ];
    let times = ["1710320000", "1710320000123", "-1", "1e300", "1.5", "null", "1710320000124"];
    let ts = times[random.usize(0..times.len())];
    let seq = random.u32(0..12);
    put(text, format_args!(r#"{{"seq":{seq},"type":"pageview","ts":{ts}"#));
    text.push_str(MORE[random.usize(0..MORE.len())]);
    text.push('}');
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("text into memory");
}

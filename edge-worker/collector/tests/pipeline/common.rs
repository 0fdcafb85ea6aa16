//! Drives the pipeline as a host does, with a stage behind that keeps what it is given.

use std::net::Ipv4Addr;

use headwater_collector::{
    Credentials, Refusal, Reply, SeenCache, Sites, Surroundings, Tally, Unavailable, decode, inflate,
};
use headwater_schema::{Event, Ledger, Record};

/// The collector's clock: 9 s after the events of DESIGN's examples, 0.1 s after they were sent.
pub(crate) const NOW: i64 = 1_710_320_010_223;
pub(crate) const STREAM: &str = "01905d1e-7c00-4abc-9def-0123456789ab";

/// The plain form exactly as DESIGN.md has it.
pub(crate) const PLAIN: &str = r##"{"site_id":"site-123","client_id":"anon-uuid","session_id":"sess-uuid",
     "events":[{"type":"pageview","url":"/pricing","ts":1710320000,"referrer":"google.com"},
               {"type":"click","element":"#signup-btn","ts":1710320005},
               {"type":"custom","name":"video_play","props":{"video_id":"v123"},"ts":1710320010}]}"##;

/// A collector with everything it remembers.
pub(crate) struct Collector {
    pub(crate) sites: Sites,
    pub(crate) seen: SeenCache,
    pub(crate) down: bool,
    pub(crate) surroundings: Surroundings<'static>,
    pub(crate) records: Vec<Record>,
    pub(crate) tally: Tally,
}

impl Default for Collector {
    fn default() -> Self {
        Self {
            sites: Sites::open(),
            seen: SeenCache::default(),
            down: false,
            surroundings: Surroundings {
                ip: Some(Ipv4Addr::new(203, 0, 113, 77).into()),
                ..Surroundings::default()
            },
            records: Vec::new(),
            tally: Tally::default(),
        }
    }
}

impl Collector {
    pub(crate) fn post(&mut self, body: impl AsRef<[u8]>) -> Reply {
        self.post_as(body, &Credentials::default())
    }

    pub(crate) fn post_as(&mut self, body: impl AsRef<[u8]>, credentials: &Credentials<'_>) -> Reply {
        self.run(body.as_ref(), credentials).unwrap_or_else(|refusal| refusal.reply())
    }

    fn run(&mut self, body: &[u8], credentials: &Credentials<'_>) -> Result<Reply, Refusal> {
        let text = inflate(body)?;
        let surroundings = Surroundings { origin: credentials.origin, ..self.surroundings.clone() };
        let mut forwarding = decode(&text)?
            .authorise(&self.sites, credentials)?
            .admit(NOW)?
            .look_up(|stream, seq| self.seen.contains(stream, seq))
            .enrich(surroundings)
            .forward();
        let records = forwarding.take_records();
        let answered = if self.down {
            forwarding.answered(Err(Unavailable { message: "the log: full".into(), retry_after_s: 7 }))
        } else {
            self.records.extend(records.iter().map(|bytes| Record::from_slice(bytes).expect("a record")));
            forwarding.answered(Ok(()))
        };
        self.seen.mark(answered.marks());
        self.tally += answered.tally();
        Ok(answered.reply())
    }

    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        let (events, _) = self.take();
        events
    }

    pub(crate) fn take_ledgers(&mut self) -> Vec<Ledger> {
        let (_, ledgers) = self.take();
        ledgers
    }

    pub(crate) fn take(&mut self) -> (Vec<Event>, Vec<Ledger>) {
        let (mut events, mut ledgers) = (Vec::new(), Vec::new());
        for record in self.records.drain(..) {
            match record {
                Record::Event(event) => events.push(*event),
                Record::Ledger(ledger) => ledgers.push(ledger),
            }
        }
        (events, ledgers)
    }
}

/// A native request of one batch: `word` is what goes between the header and the events.
pub(crate) fn native(word: &str, events: &[&str]) -> String {
    format!(
        r#"{{"v":1,"site_id":"site-123","sent_at":1710320010123,"batches":[{{"stream":"{STREAM}","client_id":"c","user_id":null,"context":{{"sdk":"web/0.1.0","platform":"web","app_version":null,"device_id":null,"locale":"en-GB","tz":"Europe/London","screen":"1512x982"}},{word}"events":[{}]}}]}}"#,
        events.join(",")
    )
}

/// An event of the native form that nothing is wrong with.
pub(crate) fn event(seq: u32) -> String {
    format!(r#"{{"seq":{seq},"type":"pageview","ts":1710320000123,"session_id":"s","url":"/pricing"}}"#)
}

pub(crate) fn events(seqs: impl IntoIterator<Item = u32>) -> Vec<String> {
    seqs.into_iter().map(event).collect()
}

pub(crate) fn native_seqs(word: &str, seqs: impl IntoIterator<Item = u32>) -> String {
    let events = events(seqs);
    native(word, &events.iter().map(String::as_str).collect::<Vec<_>>())
}

pub(crate) fn status_and_ack(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.header("hw-ack").unwrap_or("none"))
}

/// The `message` of an error, or of the first rejected event.
pub(crate) fn message(reply: &Reply) -> String {
    let body: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    let message = body.get("message").or_else(|| body["rejected"][0].get("message"));
    message.and_then(|message| message.as_str()).unwrap_or_default().to_owned()
}

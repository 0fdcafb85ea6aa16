//! A page to write scenarios with: one client, a virtual clock, and every request as the server would read it.

use headwater_core::{
    client::{Client, Config, Effect, Input, Lane, Limits, Outcome, Request, StreamNo, Transport, mark},
    reason::Reason,
    time::{Instant, UnixMs},
};
use serde_json::Value;

/// The wall clock when the page's monotonic clock is 0.
pub(crate) const EPOCH: u64 = 1_710_320_000_000;

/// The page's own stream, opened from the start.
pub(crate) const OWN: StreamNo = StreamNo(0);

pub(crate) struct Page {
    pub(crate) client: Client,
    pub(crate) now: u64,
    /// Requests that left, in order, and were not looked at yet.
    sent: Vec<Sent>,
    next_seq: u32,
}

/// A request as the server reads it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) request: u32,
    pub(crate) stream: StreamNo,
    pub(crate) transport: Transport,
    pub(crate) seqs: Vec<u32>,
    pub(crate) at: (u32, u32),
    pub(crate) end: bool,
    pub(crate) lost: Vec<(u32, u32, String)>,
    /// Counters of refused calls by verdict, in the order of the words.
    pub(crate) refused: Vec<(String, u32)>,
    pub(crate) has_header: bool,
    pub(crate) body: Value,
}

impl Page {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let client = Client::new(Config { entropy: [7; 32], limits });
        let mut page = Self { client, now: 0, sent: Vec::new(), next_seq: 0 };
        page.tell(Input::Opened { stream: OWN, lane: Lane::default() });
        page
    }

    /// Tells the client something and drains it, as every shell must.
    pub(crate) fn tell(&mut self, input: Input) -> Vec<Effect> {
        self.client.handle(Instant(self.now), UnixMs(EPOCH + self.now), input);
        let mut effects = Vec::new();
        while let Some(effect) = self.client.poll() {
            if let Effect::Send { request, stream, transport } = effect {
                self.sent.push(Sent::read(&self.client, request, stream, transport));
            }
            effects.push(effect);
        }
        let timeout = self.client.poll_timeout();
        assert!(timeout.is_none_or(|at| at.0 > self.now), "{timeout:?} at {}, after {input:?}", self.now);
        effects
    }

    /// Tells the client something and answers every record at once. Returns the effects of it all.
    pub(crate) fn tell_and_record(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = self.tell(input);
        let mut at = 0;
        while at < effects.len() {
            if let Effect::Record { record, .. } = effects[at] {
                effects.extend(self.tell(Input::Recorded { record }));
            }
            at += 1;
        }
        effects
    }

    /// Opens a stream of the shell's own.
    pub(crate) fn open(&mut self, stream: StreamNo, lane: Lane) {
        self.tell(Input::Opened { stream, lane });
    }

    /// Appends an event of `len` bytes to this own stream, a millisecond later.
    pub(crate) fn append_to(&mut self, stream: StreamNo, seq: u32, len: u32) -> Vec<Effect> {
        self.now += 1;
        let ts = UnixMs(EPOCH + self.now);
        self.tell_and_record(Input::Appended { stream, seq, len, ts })
    }

    /// Appends `count` events of `len` bytes to the own stream, a millisecond apart.
    pub(crate) fn append(&mut self, count: u32, len: u32) -> Vec<Effect> {
        let mut effects = Vec::new();
        for _ in 0..count {
            self.now += 1;
            let ts = UnixMs(EPOCH + self.now);
            let appended = Input::Appended { stream: OWN, seq: self.next_seq, len, ts };
            self.next_seq += 1;
            effects.extend(self.tell_and_record(appended));
        }
        effects
    }

    /// Lets time pass, with every timeout in it.
    pub(crate) fn wait(&mut self, ms: u64) -> Vec<Effect> {
        let (end, mut effects) = (self.now + ms, Vec::new());
        while let Some(at) = self.client.poll_timeout().filter(|at| at.0 <= end) {
            self.now = at.0;
            effects.extend(self.tell_and_record(Input::Timeout));
        }
        self.now = end;
        effects
    }

    /// The requests that left since the last look.
    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// The only request that left since the last look.
    pub(crate) fn only_sent(&mut self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    pub(crate) fn answer(&mut self, sent: &Sent, status: u16, ack: Option<u32>) -> Vec<Effect> {
        self.answer_after(sent, status, ack, None)
    }

    /// An answer of ours that also tells the server's time.
    pub(crate) fn answer_at(&mut self, sent: &Sent, status: u16, ack: u32, server: UnixMs) -> Vec<Effect> {
        let outcome = Outcome::Answer { status, ack: Some(ack), retry_after: None, time: Some(server) };
        self.tell_and_record(Input::Answered { request: sent.request, outcome })
    }

    pub(crate) fn answer_after(
        &mut self,
        sent: &Sent,
        status: u16,
        ack: Option<u32>,
        retry_after: Option<u32>,
    ) -> Vec<Effect> {
        let outcome = Outcome::Answer { status, ack, retry_after, time: None };
        self.tell_and_record(Input::Answered { request: sent.request, outcome })
    }

    /// The answer that settles all of it.
    pub(crate) fn settle(&mut self, sent: &Sent) -> Vec<Effect> {
        self.answer(sent, 204, Some(sent.count()))
    }

    pub(crate) fn lose_answer(&mut self, sent: &Sent) -> Vec<Effect> {
        self.tell_and_record(Input::Answered { request: sent.request, outcome: Outcome::NoAnswer })
    }

    /// Announces a dead owner's stream with these events and losses.
    pub(crate) fn find(
        &mut self,
        stream: StreamNo,
        done: u32,
        head: u32,
        seqs: &[u32],
        losses: &[(u32, u32, Reason)],
    ) {
        self.tell(Input::StreamFound { stream, lane: Lane::default(), done, head });
        for &seq in seqs {
            self.tell(Input::Found { stream, seq, len: 100, ts: UnixMs(EPOCH - 1_000_000 + u64::from(seq)) });
        }
        for &(from, to, reason) in losses {
            self.tell(Input::FoundLoss { stream, from, to, reason });
        }
    }
}

impl Sent {
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.seqs.len()).expect("few")
    }

    fn read(client: &Client, request: u32, stream: StreamNo, transport: Transport) -> Self {
        let made = client.request(request).expect("a request just begun");
        assert_eq!(made.stream, stream);
        let body: Value = serde_json::from_slice(&splice(&made, &stream.0.to_string())).expect("JSON");
        let batch = &body["batches"][0];
        let number = |v: &Value| u32::try_from(v.as_u64().expect("a number")).expect("u32");
        let events = batch["events"].as_array().expect("events");
        let seqs: Vec<_> = events.iter().map(|e| number(&e["seq"])).collect();
        assert_eq!(seqs, made.seqs);
        assert!(seqs.is_sorted());
        let lost = batch["lost"].as_array().into_iter().flatten();
        Self {
            request,
            stream,
            transport,
            seqs,
            at: (number(&batch["at"][0]), number(&batch["at"][1])),
            end: batch["end"] == true,
            refused: batch["refused"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(verdict, total)| (verdict.clone(), number(total)))
                .collect(),
            has_header: batch.get("client_id").is_some(),
            lost: lost
                .map(|l| (number(&l[0]), number(&l[1]), l[2].as_str().expect("a reason").to_owned()))
                .collect(),
            body,
        }
    }
}

/// Puts in what the core never sees, as every shell does.
pub(crate) fn splice(request: &Request, stream: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let mut seqs = request.seqs.iter();
    for &byte in &request.template {
        match byte {
            mark::HEADER => text.extend(format!(r#""stream":"{stream}","client_id":"c""#).bytes()),
            mark::BODY => {
                let seq = seqs.next().expect("a body per mark");
                text.extend(format!(r#""type":"custom","name":"{seq}"}}"#).bytes());
            }
            mark::SITE => text.extend(br#""site""#),
            mark::SENT_AT => text.extend(b"1710320000000"),
            mark::STREAM => text.extend(format!(r#""{stream}""#).bytes()),
            byte => text.push(byte),
        }
    }
    assert!(seqs.next().is_none(), "a mark per body");
    text
}

//! A flow whose host does only what a test says.

use bytes::Bytes;
use headwater_bridge_flow::{
    Answer, Cause, Config, Effect, Failure, Flow, Found, Input, Limits, Outcome, Record, Request,
    SpoolPolicy, To, Unreadable, partition,
};

pub(crate) const PARTITIONS: u32 = 4;

pub(crate) struct Rig {
    pub(crate) flow: Flow,
    pub(crate) now: u64,
}

/// A produce to the events.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Produce {
    pub(crate) attempt: u64,
    pub(crate) partition: u32,
    pub(crate) body: Bytes,
}

impl Rig {
    /// With a producer, and an empty spool if there is to be one.
    pub(crate) fn new(spool: SpoolPolicy, limits: Limits) -> Self {
        let mut rig = Self::cold(spool, limits);
        assert_eq!(rig.tell(Input::ProducerBuilt), []);
        if spool != SpoolPolicy::Off {
            assert_eq!(rig.tell(Input::SpoolOpened(Vec::new())), []);
        }
        rig
    }

    /// Nothing is built or opened yet, though it was asked for.
    pub(crate) fn cold(spool: SpoolPolicy, limits: Limits) -> Self {
        let mut flow = Flow::new(Config { limits, partitions: PARTITIONS, spool });
        let wishes: Vec<Effect> = std::iter::from_fn(|| flow.poll()).collect();
        let opens = (spool != SpoolPolicy::Off).then_some(Effect::OpenSpool);
        assert_eq!(wishes, [Effect::BuildProducer].into_iter().chain(opens).collect::<Vec<_>>());
        Self { flow, now: 0 }
    }

    pub(crate) fn tell(&mut self, input: Input) -> Vec<Effect> {
        self.flow.handle(self.now, input);
        std::iter::from_fn(|| self.flow.poll()).collect()
    }

    pub(crate) fn request(&mut self, request: u64, lines: &[Bytes]) -> Vec<Effect> {
        self.request_of(request, 1, true, lines)
    }

    pub(crate) fn request_of(
        &mut self,
        request: u64,
        sender: u64,
        can_retry: bool,
        lines: &[Bytes],
    ) -> Vec<Effect> {
        let records = parse(lines);
        self.tell(Input::Request(Request { request, sender, can_retry, records, trace: None }))
    }

    pub(crate) fn acked(&mut self, attempt: u64) -> Vec<Effect> {
        self.tell(Input::Produced { attempt, result: Ok(()) })
    }

    pub(crate) fn unsure(&mut self, attempt: u64) -> Vec<Effect> {
        self.tell(Input::Produced { attempt, result: Err(Failure::Unsure) })
    }

    pub(crate) fn refused(&mut self, attempt: u64) -> Vec<Effect> {
        let reason = "MSG_SIZE_TOO_LARGE".to_owned();
        self.tell(Input::Produced { attempt, result: Err(Failure::Refused(reason)) })
    }

    pub(crate) fn read(&mut self, partition: u32, from: u64, lines: &[Bytes]) -> Vec<Effect> {
        self.tell(Input::SpoolRead { partition, from, records: parse(lines) })
    }

    pub(crate) fn wait(&mut self, ms: u64) -> Vec<Effect> {
        self.now += ms;
        self.tell(Input::Timeout)
    }

    /// Waits until the flow wants to be woken.
    pub(crate) fn wake(&mut self) -> Vec<Effect> {
        self.now = self.flow.poll_timeout().expect("something to wait for");
        self.tell(Input::Timeout)
    }
}

fn parse(lines: &[Bytes]) -> Vec<Result<Record, Unreadable>> {
    lines.iter().cloned().map(Record::parse).collect()
}

/// An event of a client's stream.
pub(crate) fn event(client: &str, seq: u32) -> Bytes {
    padded(client, seq, 0)
}

/// One with so many bytes more.
pub(crate) fn padded(client: &str, seq: u32, bytes: usize) -> Bytes {
    let name = "x".repeat(bytes);
    Bytes::from(format!(
        r#"{{"event_id":"e","stream":"018e3a1c-0000-4000-8000-000000000001","seq":{seq},"site_id":"s","client_id":"{client}","event_type":"custom","name":"{name}","timestamp":1,"ts":1,"sent_at":2,"received_at":3,"schema_version":1}}"#
    ))
}

pub(crate) fn lane(client: &str) -> u32 {
    partition::partition(partition::hash(client.as_bytes()), PARTITIONS)
}

/// The records that go to the events.
pub(crate) fn produces(effects: &[Effect]) -> Vec<Produce> {
    let event = |effect: &Effect| match effect {
        Effect::Produce { attempt, to: To::Events { partition }, body, .. } => {
            Some(Produce { attempt: *attempt, partition: *partition, body: body.clone() })
        }
        _ => None,
    };
    effects.iter().filter_map(event).collect()
}

pub(crate) fn bodies(effects: &[Effect]) -> Vec<Bytes> {
    produces(effects).into_iter().map(|produce| produce.body).collect()
}

pub(crate) fn appended(effects: &[Effect]) -> Vec<(u32, u64, Bytes)> {
    let append = |effect: &Effect| match effect {
        Effect::Append { partition, offset, body } => Some((*partition, *offset, body.clone())),
        _ => None,
    };
    effects.iter().filter_map(append).collect()
}

pub(crate) fn sync(effects: &[Effect]) -> Option<u64> {
    effects.iter().find_map(|effect| if let Effect::Sync { sync } = effect { Some(*sync) } else { None })
}

pub(crate) fn answers(effects: &[Effect]) -> Vec<(u64, Answer)> {
    let answer = |effect: &Effect| match effect {
        Effect::Answer { request, answer } => Some((*request, answer.clone())),
        _ => None,
    };
    effects.iter().filter_map(answer).collect()
}

/// The only thing to do is to answer, and this is what it says of each line.
pub(crate) fn only_answer(effects: &[Effect]) -> Vec<Outcome> {
    let [Effect::Answer { answer, .. }] = effects else { panic!("{effects:?}") };
    answer.outcomes.clone()
}

pub(crate) fn retry(cause: Cause) -> Vec<Outcome> {
    vec![Outcome::Retry(cause)]
}

pub(crate) fn found(partition: u32, first: u64, end: u64) -> Found {
    Found { partition, first, end, bytes: (end - first) * 100, age_ms: 0 }
}

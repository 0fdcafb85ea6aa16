//! The edges: hosts of the collector. An edge looks up, forwards, waits for the answer from behind, marks, replies.

use headwater_collector::{
    Credentials, Forwarding, Mark, Refusal, Reply, SeenCache, Sites, StreamKey, Surroundings, Unavailable,
    decode, inflate,
};
use headwater_core::{client::Outcome, planted, ranges::RangeSet, time::UnixMs};

use super::{
    EPOCH, World,
    network::{Message, Way},
};
use crate::{
    names::{self, Named},
    schedule::{Fate, Hop},
    trace::Lane,
};

/// How long an edge waits for the stage behind, ms; the real one waits as long.
const PATIENCE_MS: u64 = 30_000;

/// Milliseconds from an edge to the stage behind.
const HOP_MS: u64 = 3;

#[derive(Default)]
pub(crate) struct Edge {
    cache: Option<SeenCache>,
    /// The incarnation of the storage that answered last.
    knows: Option<u128>,
    /// How often it was started.
    birth: u32,
}

/// A request for whose records the stage behind has not answered.
pub(crate) struct Pending {
    ticket: u64,
    edge: usize,
    birth: u32,
    forwarding: Forwarding,
    /// Until they are submitted.
    records: Vec<Vec<u8>>,
    way: Way,
    /// How much later than it comes the answer from behind is told; never, if it is lost.
    answer_late: Option<u64>,
}

impl Edge {
    pub(crate) fn new(seen_ranges: u16) -> Self {
        let cache = (seen_ranges > 0).then(|| SeenCache::new(seen_ranges.into()));
        Self { cache, knows: None, birth: 0 }
    }

    /// Its memory is gone.
    pub(crate) fn crash(&mut self) {
        self.birth += 1;
        self.knows = None;
        if let Some(cache) = &mut self.cache {
            cache.clear();
        }
    }
}

impl World<'_> {
    /// A request arrives at an edge.
    pub(super) fn receive(&mut self, edge: usize, text: &[u8], way: Way) {
        if let Some(claim) = names::of_request(text) {
            self.oracle.claimed(&claim);
        }
        let received_at = self.unix();
        let host = &mut self.edges[edge];
        let is_told = host.knows.is_none_or(|known| known == self.stage.incarnation());
        let cache = host.cache.as_mut();
        let mut looked_up = Vec::new();
        let prepared = prepare(&self.sites, text, received_at, cache, |key, seq, is_copy| {
            if is_copy {
                self.oracle.taken_for_a_copy(u128::from_be_bytes(key.stream), seq, is_told);
            }
            looked_up.push((key.clone(), seq, is_copy));
        });
        if looked_up.iter().any(|(_, _, is_copy)| *is_copy) {
            // As if there were no cache: for the last stage, when all is over.
            let is_copy = |record: &Vec<u8>| match names::of_record(record) {
                Named::Event { stream, seq } => looked_up.iter().any(|(key, of, is_copy)| {
                    *is_copy && *of == seq && u128::from_be_bytes(key.stream) == stream
                }),
                Named::Ledger { .. } => false,
            };
            if let Ok(mut all) = prepare(&self.sites, text, received_at, None, |_, _, _| {}) {
                self.suppressed.extend(all.take_records().into_iter().filter(is_copy));
            }
        }
        match prepared {
            Err(refusal) => self.reply(edge, way, &refusal.reply()),
            Ok(forwarding) => self.forward(edge, forwarding, way, &looked_up),
        }
    }

    fn forward(
        &mut self,
        edge: usize,
        mut forwarding: Forwarding,
        way: Way,
        names: &[(StreamKey, u32, bool)],
    ) {
        let records = forwarding.take_records();
        if planted!(CacheAheadOfCommit)
            && let Some(cache) = &mut self.edges[edge].cache
        {
            cache.mark(&marks(names));
        }
        if records.is_empty() {
            let reply = forwarding.answered(Ok(())).reply();
            return self.reply(edge, way, &reply);
        }
        let count = records.len();
        self.trace.message(self.now, Lane::Edge, Lane::Log, || format!("edge {edge}: {count} records"));
        if planted!(ReplyBeforeForward) {
            let reply = forwarding.answered(Ok(())).reply();
            self.reply(edge, way, &reply);
            return self.queue.push(self.now + HOP_MS, Message::Copied { records });
        }
        self.tickets += 1;
        let ticket = self.tickets;
        let birth = self.edges[edge].birth;
        let mut pending = Pending { ticket, edge, birth, forwarding, records, way, answer_late: Some(0) };
        let mut submit_at = Some(self.now + HOP_MS);
        match self.fates.take(Hop::Stage) {
            None => {}
            Some(Fate::AnswerLost | Fate::ForeignAfter { .. }) => pending.answer_late = None,
            Some(Fate::Late { ms }) => submit_at = Some(self.now + HOP_MS + ms),
            Some(Fate::LateAnswer { ms }) => pending.answer_late = Some(ms),
            Some(Fate::Lost) => submit_at = None,
            Some(Fate::Twice { ms }) => {
                let records = pending.records.clone();
                self.queue.push(self.now + HOP_MS + ms, Message::Copied { records });
            }
            Some(Fate::Foreign { .. } | Fate::Refused { .. }) => {
                submit_at = None;
                let (result, incarnation) = (Err(unavailable("refused")), None);
                self.queue
                    .push(self.now + 2 * HOP_MS, Message::StageAnswered { ticket, result, incarnation });
            }
            Some(Fate::WrongAck { .. }) => {
                // Some of it was taken, and nobody can say of which.
                pending.records.truncate(count.div_ceil(2));
                let records = std::mem::take(&mut pending.records);
                self.queue.push(self.now + HOP_MS, Message::Copied { records });
                submit_at = None;
                let (result, incarnation) = (Err(unavailable("taken in part")), None);
                self.queue
                    .push(self.now + 2 * HOP_MS, Message::StageAnswered { ticket, result, incarnation });
            }
        }
        if let Some(at) = submit_at {
            self.queue.push(at, Message::Submitted { ticket });
        }
        let (result, incarnation) = (Err(unavailable("no answer")), None);
        self.queue.push(self.now + PATIENCE_MS, Message::StageAnswered { ticket, result, incarnation });
        self.pending.push(pending);
    }

    /// The records of a pending request reach the stage behind, even if its edge has died meanwhile.
    pub(super) fn submitted(&mut self, ticket: u64) {
        let Some(pending) = self.pending.iter_mut().find(|pending| pending.ticket == ticket) else { return };
        let records = std::mem::take(&mut pending.records);
        self.submit(Some(ticket), records);
    }

    /// The stage behind answered; its answer travels.
    pub(super) fn stage_answered(&mut self, answer: super::stage::Answer) {
        let super::stage::Answer { ticket, result, incarnation } = answer;
        let pending = self.pending.iter().find(|pending| pending.ticket == ticket);
        if let Some(late) = pending.and_then(|pending| pending.answer_late) {
            let at = self.now + HOP_MS + late;
            self.queue.push(at, Message::StageAnswered { ticket, result, incarnation });
        }
    }

    /// The answer of the stage behind reaches the edge, or its patience ends.
    pub(super) fn answered(
        &mut self,
        ticket: u64,
        result: Result<(), Unavailable>,
        incarnation: Option<u128>,
    ) {
        let Some(at) = self.pending.iter().position(|pending| pending.ticket == ticket) else { return };
        let Pending { edge, birth, forwarding, way, .. } = self.pending.swap_remove(at);
        let host = &mut self.edges[edge];
        if host.birth != birth {
            return;
        }
        let said = if result.is_ok() { "durable" } else { "not now" };
        self.trace.message(self.now, Lane::Log, Lane::Edge, || format!("edge {edge}: {said}"));
        let answered = forwarding.answered(result);
        if let Some(incarnation) = incarnation {
            host.knows = Some(incarnation);
        }
        if let Some(cache) = &mut host.cache {
            if let Some(incarnation) = incarnation.filter(|_| !planted!(IncarnationIgnored)) {
                cache.behind(incarnation);
            }
            cache.mark(answered.marks());
        }
        self.reply(edge, way, &answered.reply());
    }

    /// The reply leaves an edge.
    fn reply(&mut self, edge: usize, way: Way, reply: &Reply) {
        let header = |name| reply.header(name).and_then(|value| value.parse::<u32>().ok());
        let ack = header("hw-ack");
        let outcome = Outcome::Answer {
            status: reply.status,
            ack,
            retry_after: header("retry-after").map(|seconds| seconds.saturating_mul(1_000)),
            time: ack.map(|_| UnixMs(EPOCH + self.now)),
        };
        self.trace.message(self.now, Lane::Edge, Lane::Network, || {
            let ack = ack.map_or_else(String::new, |ack| format!(", hw-ack {ack}"));
            format!("edge {edge}: {}{ack}", reply.status)
        });
        self.travel_back(way, outcome);
    }

    pub(super) fn unix(&self) -> i64 {
        i64::try_from(EPOCH + self.now).unwrap_or(i64::MAX)
    }
}

/// The collector's verbs up to the stage behind. `note` is told each name that was looked up.
fn prepare(
    sites: &Sites,
    text: &[u8],
    received_at: i64,
    mut cache: Option<&mut SeenCache>,
    mut note: impl FnMut(&StreamKey, u32, bool),
) -> Result<Forwarding, Refusal> {
    let text = inflate(text)?;
    let admitted = decode(&text)?.authorise(sites, &Credentials::default())?.admit(received_at)?;
    let fresh = admitted.look_up(|key, seq| {
        let is_copy = cache.as_mut().is_some_and(|cache| cache.contains(key, seq));
        note(key, seq, is_copy);
        is_copy
    });
    Ok(fresh.enrich(Surroundings::default()).forward())
}

fn unavailable(message: &str) -> Unavailable {
    Unavailable { message: message.to_owned(), retry_after_s: 2 }
}

/// Marks for everything that is about to be forwarded.
fn marks(names: &[(StreamKey, u32, bool)]) -> Vec<Mark> {
    let mark = |(stream, seq, _): &(StreamKey, u32, bool)| {
        let mut seqs = RangeSet::new();
        seqs.insert(*seq);
        Mark { stream: stream.clone(), seqs }
    };
    names.iter().map(mark).collect()
}

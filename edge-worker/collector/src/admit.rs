//! Which events of a request can be accepted. Each is judged on its own; what it fails by is named.

use std::{collections::BTreeMap, sync::Arc};

use headwater_schema::RawValue;

use crate::{
    Authorised, Refusal, RefusalKind, Tally,
    cause::Cause,
    clock,
    decode::{self, Batch, Event, Object, SeqOnly},
    limits,
    refuse::brief,
    shape,
    sites::Rules,
};

/// A request each event of which was judged; at least one can be accepted, or there was none.
pub struct Admitted<'a> {
    pub(crate) meta: Meta,
    pub(crate) batches: Vec<Checked<'a>>,
    pub(crate) rejected: Vec<Rejected>,
}

/// What holds for the whole request.
pub(crate) struct Meta {
    pub(crate) site: Arc<str>,
    pub(crate) direct: bool,
    pub(crate) import: bool,
    pub(crate) sent_at: i64,
    pub(crate) received_at: i64,
    /// Events of the request.
    pub(crate) total: u64,
    pub(crate) tally: Tally,
    pub(crate) rules: Arc<Rules>,
    /// An SDK sent it, to which the site's settings can be told.
    pub(crate) by_sdk: bool,
}

/// A batch with the events that can be accepted.
pub(crate) struct Checked<'a> {
    pub(crate) batch: Batch<'a>,
    pub(crate) events: Vec<Sound<'a>>,
    /// Seqs dropped here, in the order they were sent.
    pub(crate) dropped: Vec<(u32, Cause)>,
    /// Events dropped here that have no name.
    pub(crate) unnamed: BTreeMap<Cause, u64>,
}

impl Checked<'_> {
    pub(crate) fn drop(&mut self, seq: Option<u32>, cause: Cause) {
        match seq {
            Some(seq) => self.dropped.push((seq, cause)),
            None => *self.unnamed.entry(cause).or_default() += 1,
        }
    }
}

/// An event that can be accepted.
pub(crate) struct Sound<'a> {
    /// Position in its batch.
    pub(crate) index: usize,
    pub(crate) raw: &'a str,
    pub(crate) fields: Event<'a>,
    /// Present exactly if the batch has a stream.
    pub(crate) seq: Option<u32>,
    /// Unix ms by the sender's clock.
    pub(crate) ts: i64,
    /// Unix ms after the skew rule.
    pub(crate) timestamp: i64,
}

/// An event that is dropped, for the answer.
pub(crate) struct Rejected {
    pub(crate) stream: Option<headwater_schema::Uuid>,
    pub(crate) seq: Option<u32>,
    /// Position in its batch.
    pub(crate) index: usize,
    pub(crate) cause: Cause,
    /// `batches[0].events[3].ts: negative`; empty where the cause says it all.
    pub(crate) message: String,
}

impl<'a> Authorised<'a> {
    /// Judges each event; `received_at` is the collector's clock in Unix ms. Fails with 401 for a key outside of its
    /// days, with 413 beyond [`limits::EVENTS`] or the site's own limit, and with 422 if there are events and none can
    /// be accepted by any site. What only the rules of this one drop is settled, and named in the ledger.
    pub fn admit(self, received_at: i64) -> Result<Admitted<'a>, Refusal> {
        let Self { site, direct, rules, key, request } = self;
        if !key.is_none_or(|validity| validity.contains(received_at)) {
            let message = "Authorization: a secret key of this site outside of its days";
            return Err(Refusal::new(RefusalKind::Unauthorised, message));
        }
        let total: usize = request.batches.iter().map(|batch| batch.events.len()).sum();
        let most = rules.limits.events();
        if total > most {
            let field = if total == request.batches[0].events.len() {
                format!("{}events", request.batches[0].path)
            } else {
                "batches".to_owned()
            };
            let what = format_args!("{total} events, more than {most}");
            return Err(Refusal::too_large(field, what));
        }
        let by_sdk = request.batches.iter().any(|batch| batch.stream.is_some());
        let mut meta = Meta {
            site,
            direct,
            import: request.import,
            sent_at: request.sent_at.unwrap_or(received_at),
            received_at,
            total: total as u64,
            tally: Tally::default(),
            rules,
            by_sdk,
        };
        let mut rejected = Vec::new();
        let batches = request.batches.into_iter().map(|batch| check(batch, &meta, &mut rejected)).collect();
        for Rejected { cause, .. } in &rejected {
            *cause.outcome(&mut meta.tally) += 1;
        }
        match rejected.first() {
            Some(first)
                if rejected.len() == total && rejected.iter().all(|event| event.cause == Cause::Rejected) =>
            {
                Err(Refusal::new(RefusalKind::Unprocessable, &first.message))
            }
            _ => Ok(Admitted { meta, batches, rejected }),
        }
    }
}

fn check<'a>(mut batch: Batch<'a>, meta: &Meta, rejected: &mut Vec<Rejected>) -> Checked<'a> {
    let raw_events = std::mem::take(&mut batch.events);
    let events = Vec::with_capacity(raw_events.len());
    let is_kept = meta.rules.policy.keeps(batch.client_id.as_deref());
    let mut checked = Checked { batch, events, dropped: Vec::new(), unnamed: BTreeMap::new() };
    for (index, raw) in raw_events.into_iter().enumerate() {
        let Batch { stream, path, flaw, .. } = &checked.batch;
        let stream = *stream;
        let judged = match flaw {
            Some(flaw) => Err(flaw.clone()),
            None => sound(index, raw, stream.is_some(), meta),
        };
        let (seq, cause, message) = match judged {
            Ok(event) if is_kept => {
                checked.events.push(event);
                continue;
            }
            Ok(event) => (event.seq, Cause::Sampled, String::new()),
            Err(flaw) => {
                let dot = if flaw.starts_with(':') || flaw.starts_with('[') { "" } else { "." };
                let message = brief(format!("{path}events[{index}]{dot}{flaw}"));
                (stream.and_then(|_| name_of(raw)), Cause::Rejected, message)
            }
        };
        checked.drop(seq, cause);
        rejected.push(Rejected { stream, seq, index, cause, message });
    }
    checked
}

/// The seq of an event that was rejected, if it has one that the ledger can name.
fn name_of(raw: &RawValue) -> Option<u32> {
    let Object(name): Object<SeqOnly> = serde_json::from_str(raw.get()).ok()?;
    (name.seq < limits::HEAD).then_some(name.seq)
}

/// Judges one event. The flaw begins with the path inside of the event, or with `:` when it is the event.
fn sound<'a>(index: usize, raw: &'a RawValue, in_stream: bool, meta: &Meta) -> Result<Sound<'a>, String> {
    let raw = raw.get();
    let (site, bytes) = (&meta.rules.limits, raw.len());
    if bytes > site.event_bytes() {
        return Err(format!(": {bytes} bytes, more than {}", site.event_bytes()));
    }
    shape::check(raw, limits::DEPTH).map_err(|(at, flaw)| at_byte(raw, at, flaw.message()))?;
    let Object(fields): Object<Event<'a>> = serde_json::from_str(raw).map_err(|error| {
        // The position within the event would only confuse beside its path.
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what);
        at_byte(raw, decode::byte_of(raw, error.line(), error.column()), what)
    })?;
    let seq = match (in_stream, fields.seq) {
        (true, None) => return Err("seq: missing".to_owned()),
        (true, Some(seq)) if seq >= limits::HEAD => {
            return Err(format!("seq: {seq} above {}", limits::HEAD - 1));
        }
        (true, Some(seq)) => Some(seq),
        // Without a stream a seq names nothing.
        (false, _) => None,
    };
    check_texts(&fields)?;
    if let Some(bytes) = fields.props.map(|props| props.get().len()).filter(|n| *n > site.props_bytes()) {
        return Err(format!("props: {bytes} bytes, more than {}", site.props_bytes()));
    }
    let ts = clock::unix_ms(fields.ts, !in_stream).map_err(|what| format!("ts: {what}"))?;
    let timestamp = clock::timestamp(ts, meta.sent_at, meta.received_at, meta.import);
    if timestamp < 0 {
        return Err("ts: before 1970 by our clock".to_owned());
    }
    if timestamp - meta.received_at > limits::AHEAD_MS {
        return Err(format!("ts: {} s ahead of our clock", (timestamp - meta.received_at) / 1_000));
    }
    Ok(Sound { index, raw, fields, seq, ts, timestamp })
}

fn at_byte(raw: &str, at: usize, what: &str) -> String {
    format!("{}: {what}", shape::path_at(raw.as_bytes(), at))
}

fn check_texts(fields: &Event<'_>) -> Result<(), String> {
    if fields.kind.is_empty() {
        return Err("type: empty".to_owned());
    }
    if *fields.kind == *headwater_schema::LEDGER_TYPE {
        return Err(format!("type: {} is not an event's", headwater_schema::LEDGER_TYPE));
    }
    let bounded = [
        ("type", Some(&fields.kind), limits::TYPE_BYTES),
        ("event_id", fields.event_id.as_ref(), limits::ID_BYTES),
        ("session_id", fields.session_id.as_ref(), limits::ID_BYTES),
        ("url", fields.url.as_ref(), limits::URL_BYTES),
        ("referrer", fields.referrer.as_ref(), limits::URL_BYTES),
        ("name", fields.name.as_ref(), limits::NAME_BYTES),
        ("element", fields.element.as_ref(), limits::ELEMENT_BYTES),
    ];
    for (field, text, bytes) in bounded {
        if text.is_some_and(|text| text.len() > bytes) {
            return Err(format!("{field}: longer than {bytes} bytes"));
        }
    }
    if fields.props.is_some_and(|props| !props.get().starts_with('{')) {
        return Err("props: not an object".to_owned());
    }
    match (&fields.revenue, &fields.currency) {
        (None, None) => Ok(()),
        (Some(_), None) => Err("currency: missing beside `revenue`".to_owned()),
        (None, Some(_)) => Err("revenue: missing beside `currency`".to_owned()),
        (Some(_), Some(code)) if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => Ok(()),
        (Some(_), Some(_)) => Err("currency: not three upper-case letters of ISO 4217".to_owned()),
    }
}

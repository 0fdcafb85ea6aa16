//! Reads the envelope of both JSON forms. Events stay raw: each is judged on its own by `admit`.

mod wire;

use headwater_schema::RawValue;
use uuid::Uuid;

use self::wire::Envelope;
pub(crate) use self::wire::{Context, Event, Object, SeqOnly, Text};
use crate::{Refusal, clock, context, limits, shape, word::Word};

/// A request that was read, and is not yet believed.
pub struct Decoded<'a> {
    pub(crate) site_id: Text<'a>,
    /// Unix ms by the sender's clock.
    pub(crate) sent_at: Option<i64>,
    pub(crate) import: bool,
    pub(crate) batches: Vec<Batch<'a>>,
}

impl Decoded<'_> {
    /// The site that it names.
    #[must_use]
    pub fn site_id(&self) -> &str {
        &self.site_id
    }

    /// Whether it has the form that third parties send, who may not come again.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.batches.iter().all(|batch| batch.stream.is_none())
    }
}

/// The events of one stream, or of a third party.
pub(crate) struct Batch<'a> {
    /// `batches[0].`, or nothing in the plain form.
    pub(crate) path: String,
    /// Absent in the plain form, and only there.
    pub(crate) stream: Option<Uuid>,
    /// Present if there are events.
    pub(crate) client_id: Option<Text<'a>>,
    pub(crate) user_id: Option<Text<'a>>,
    /// For events that name none themselves; plain form only.
    pub(crate) session_id: Option<Text<'a>>,
    pub(crate) context: Context<'a>,
    pub(crate) word: Word,
    /// What makes every event of it unacceptable, as `admit` would say it of one.
    pub(crate) flaw: Option<String>,
    pub(crate) events: Vec<&'a RawValue>,
}

/// Reads the text of a body. Fails with 400, and with 413 for too many batches; the message begins with the
/// path of the field.
pub fn decode(text: &[u8]) -> Result<Decoded<'_>, Refusal> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::field("body", "empty"));
    }
    let json = std::str::from_utf8(text).map_err(|error| {
        let at = error.valid_up_to();
        Refusal::field(path_or_body(text, at), format_args!("not UTF-8 at byte {at}"))
    })?;
    let Object(envelope): Object<Envelope<'_>> = serde_json::from_str(json).map_err(|error| {
        let at = byte_of(json, error.line(), error.column());
        Refusal::field(path_or_body(text, at), error)
    })?;
    check(envelope)
}

/// The path of the field at a byte; the outermost value is called `body`.
pub(crate) fn path_or_body(text: &[u8], at: usize) -> String {
    let path = shape::path_at(text, at);
    if path.is_empty() { "body".to_owned() } else { path }
}

/// The number of bytes before a position that `serde_json` names by line and column.
pub(crate) fn byte_of(json: &str, line: usize, column: usize) -> usize {
    let before: usize = json.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column
}

fn check(envelope: Envelope<'_>) -> Result<Decoded<'_>, Refusal> {
    if let Some(v) = envelope.v.filter(|v| *v != VERSION) {
        return Err(Refusal::field("v", format_args!("version {v} is not known, only {VERSION}")));
    }
    let site_id = context::id("site_id", envelope.site_id)?;
    let plain = envelope.batches.is_none();
    let sent_at = envelope.sent_at.map(|at| clock::unix_ms(at, plain)).transpose();
    let sent_at = sent_at.map_err(|what| Refusal::field("sent_at", what))?;
    let batches = match (envelope.batches, envelope.events) {
        (Some(_), Some(_)) => {
            return Err(Refusal::field("events", "beside `batches`: a request has one form or the other"));
        }
        (None, None) => return Err(Refusal::field("events", "missing, and so is `batches`")),
        (Some(batches), None) if batches.len() > limits::BATCHES => {
            let what = format!("{} batches, more than {}", batches.len(), limits::BATCHES);
            return Err(Refusal::too_large("batches", what));
        }
        (Some(batches), None) => batches
            .into_iter()
            .enumerate()
            .map(|(index, Object(batch))| native(format!("batches[{index}]."), batch))
            .collect::<Result<_, _>>()?,
        (None, Some(events)) => vec![Batch {
            path: String::new(),
            stream: None,
            client_id: client("", envelope.client_id, !events.is_empty())?,
            user_id: context::optional_id("", "user_id", envelope.user_id)?,
            session_id: context::optional_id("", "session_id", envelope.session_id)?,
            context: context::check("", envelope.context)?,
            word: Word::default(),
            flaw: None,
            events,
        }],
    };
    Ok(Decoded { site_id, sent_at, import: envelope.import.unwrap_or(false), batches })
}

/// The version of the native form that is understood.
const VERSION: u64 = 1;

fn native(path: String, batch: wire::Batch<'_>) -> Result<Batch<'_>, Refusal> {
    let events = batch.events.unwrap_or_default();
    Ok(Batch {
        stream: Some(batch.stream),
        client_id: client(&path, batch.client_id, !events.is_empty())?,
        user_id: context::optional_id(&path, "user_id", batch.user_id)?,
        session_id: None,
        context: context::check(&path, batch.context)?,
        word: Word::check(&path, batch.at, batch.end, batch.lost, batch.refused)?,
        flaw: None,
        events,
        path,
    })
}

fn client<'a>(path: &str, client: Option<Text<'a>>, required: bool) -> Result<Option<Text<'a>>, Refusal> {
    match context::optional_id(path, "client_id", client)? {
        None if required => Err(Refusal::field(format_args!("{path}client_id"), "missing")),
        client => Ok(client),
    }
}

//! Segment's HTTP API, so that its SDKs can be pointed here: `/v1/track`, `page`, `screen`, `identify`, `group`,
//! `alias` and `batch`, also by their first letters, as analytics.js writes them.
//!
//! The calls become what [`decode`](crate::decode) makes of a request, and go the same way from there:
//!
//! | Segment | here |
//! |---|---|
//! | write key (user name of basic auth, or `writeKey` in the body) | `site_id`; a password, also as `site:password` in the key, is a secret key |
//! | `anonymousId`, else `userId` | `client_id` |
//! | `userId` | `user_id` |
//! | `messageId` | `event_id`, as `segment:…`: a retry is counted once |
//! | `originalTimestamp`, else `timestamp`, else `sentAt`, else now | `ts` |
//! | `sentAt` of the batch, else of the first call | `sent_at`: the clocks are compared as everywhere |
//! | `track` | type `custom`, its `event` as the name |
//! | `page` | type `pageview`; the others have their own names as types |
//! | `groupId`, `previousId` | the name of the `group` or `alias` |
//! | `properties`, `traits` | `props` |
//! | `properties.revenue` and `currency` (USD if absent) | `revenue` in minor units, and `currency` |
//! | `properties.url` and `referrer`, else those of `context.page` | `url`, `referrer` |
//! | `context.campaign` | `utm_*` of an address that has none |
//! | `context.library`, `app`, `device`, `locale`, `timezone`, `screen` | the context |
//!
//! A call without a time and without `sentAt` is counted again when it is retried: the time is a part of its id.
//! `context.ip` and `context.userAgent` are passed over. A call that cannot be meant is rejected by itself, and named.
//! Segment bounds a call at 32 KB and a batch at 500 KB; here [`limits`] hold, which are wider.

mod auth;
mod call;
mod money;

use std::borrow::Cow;

use headwater_schema::RawValue;
use serde::Deserialize;

pub use self::auth::Login;
use self::call::{Call, Translated};
use crate::{
    Decoded, Refusal, Reply, context, date,
    decode::{self, Batch, Object, Text},
    limits,
    word::Word,
};

/// What a path of the API takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// One call, of this type.
    One(&'static str),
    /// Several.
    Batch,
}

impl Kind {
    /// By the last part of the path: `track` of `/v1/track`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "track" | "t" => Self::One("track"),
            "page" | "p" => Self::One("page"),
            "screen" | "s" => Self::One("screen"),
            "identify" | "i" => Self::One("identify"),
            "group" | "g" => Self::One("group"),
            "alias" | "a" => Self::One("alias"),
            "batch" | "b" => Self::Batch,
            _ => return None,
        })
    }
}

/// A request that was read: [`decoded`](Self::decoded) gives it to the verbs.
pub struct Calls<'a> {
    login: Login,
    sent_at: Option<i64>,
    events: Vec<Translated<'a>>,
}

/// Reads the text of a body. Fails with 400, with 401 if no site is named, and with 413 for too many calls.
pub fn read<'a>(
    kind: Kind,
    text: &'a [u8],
    authorization: Option<&str>,
    received_at: i64,
) -> Result<Calls<'a>, Refusal> {
    let json = std::str::from_utf8(text)
        .map_err(|error| Refusal::field("body", format_args!("not UTF-8 at byte {}", error.valid_up_to())))?;
    let malformed = |error: serde_json::Error| {
        let at = decode::byte_of(json, error.line(), error.column());
        Refusal::field(decode::path_or_body(text, at), error)
    };
    let Object(envelope): Object<Envelope<'a>> = serde_json::from_str(json).map_err(malformed)?;
    let login = Login::of(authorization, envelope.write_key.as_deref())?;
    let time = |text: Option<Text<'_>>| text.and_then(|text| date::rfc3339(&text));
    let raw = match kind {
        Kind::One(_) => vec![serde_json::from_str(json).map_err(malformed)?],
        Kind::Batch => envelope.batch.ok_or_else(|| Refusal::field("batch", "missing"))?,
    };
    if raw.len() > limits::BATCHES {
        let what = format_args!("{} calls, more than {}", raw.len(), limits::BATCHES);
        return Err(Refusal::too_large("batch", what));
    }
    let of = |raw: &'a RawValue| {
        let kind = if let Kind::One(kind) = kind { Some(kind) } else { None };
        match serde_json::from_str(raw.get()) {
            Ok(Object(call)) => Call::translate(call, raw, kind, received_at),
            Err(error) => Translated::flawed(raw, format!(": {error}")),
        }
    };
    let events: Vec<_> = raw.into_iter().map(of).collect();
    let sent_at = time(envelope.sent_at).or_else(|| events.first()?.sent_at);
    Ok(Calls { login, sent_at, events })
}

impl Calls<'_> {
    /// Whose they are.
    #[must_use]
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// The request as the plain form would have said it.
    pub fn decoded(&self) -> Result<Decoded<'_>, Refusal> {
        let batches = self.events.iter().enumerate().map(|(index, call)| Batch {
            path: format!("batch[{index}]."),
            stream: None,
            client_id: call.client.as_deref().map(borrowed),
            user_id: call.user.as_deref().map(borrowed),
            session_id: None,
            context: call.context(),
            word: Word::default(),
            flaw: call.flaw.clone(),
            events: vec![&*call.event],
        });
        Ok(Decoded {
            site_id: context::id("writeKey", borrowed(self.login.site()))?,
            sent_at: self.sent_at,
            import: false,
            batches: batches.collect(),
        })
    }
}

fn borrowed(text: &str) -> Text<'_> {
    Text(Cow::Borrowed(text))
}

/// The reply as Segment's SDKs expect it: `{"success":true}`, and 400 for what no retry betters.
#[must_use]
pub fn answer(mut reply: Reply) -> Reply {
    // What is dropped of a request that is settled is in the ledger; no SDK of Segment's reads more.
    if reply.status < 300 {
        reply.status = 200;
        reply.headers.retain(|(name, _)| *name != "content-type");
        reply.headers.push(("content-type", Cow::Borrowed("application/json")));
        reply.body = Cow::Borrowed(br#"{"success":true}"#);
    } else if reply.status == 422 {
        reply.status = 400;
    }
    reply
}

/// Of a batch, and of a call that is sent alone.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    batch: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default, rename = "sentAt")]
    sent_at: Option<Text<'a>>,
    #[serde(borrow, default, rename = "writeKey")]
    write_key: Option<Text<'a>>,
}

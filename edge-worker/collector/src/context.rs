//! What a request says about its sender, bounded.

use crate::{
    Refusal,
    decode::{Context, Object, Text},
    limits,
};

/// An identifier that must be there: any string that is not empty, of at most [`limits::ID_BYTES`].
pub(crate) fn id<'a>(field: &str, text: Text<'a>) -> Result<Text<'a>, Refusal> {
    if text.is_empty() {
        return Err(Refusal::field(field, "empty"));
    }
    if text.len() > limits::ID_BYTES {
        return Err(Refusal::field(field, format_args!("longer than {} bytes", limits::ID_BYTES)));
    }
    Ok(text)
}

/// An identifier that may be absent.
pub(crate) fn optional_id<'a>(
    path: &str,
    field: &str,
    text: Option<Text<'a>>,
) -> Result<Option<Text<'a>>, Refusal> {
    text.map(|text| id(&format!("{path}{field}"), text)).transpose()
}

/// Each text of the context is bounded like an identifier, because it is repeated in every event.
pub(crate) fn check<'a>(path: &str, context: Option<Object<Context<'a>>>) -> Result<Context<'a>, Refusal> {
    let context = context.map(|Object(context)| context).unwrap_or_default();
    let texts = [
        ("sdk", &context.sdk),
        ("platform", &context.platform),
        ("app_version", &context.app_version),
        ("device_id", &context.device_id),
        ("locale", &context.locale),
        ("tz", &context.tz),
        ("screen", &context.screen),
    ];
    for (field, text) in texts {
        if text.as_ref().is_some_and(|text| text.len() > limits::ID_BYTES) {
            let what = format_args!("longer than {} bytes", limits::ID_BYTES);
            return Err(Refusal::field(format_args!("{path}context.{field}"), what));
        }
    }
    Ok(context)
}

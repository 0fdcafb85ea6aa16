//! Tokens and keys: never printed, compared in constant time.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use subtle::ConstantTimeEq as _;

use crate::date::Day;

/// A token of a reader.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Secret(String);

impl TryFrom<String> for Secret {
    type Error = &'static str;

    fn try_from(secret: String) -> Result<Self, Self::Error> {
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a token is visible ASCII without spaces, because it travels in a header");
        }
        Ok(Self(secret))
    }
}

impl Secret {
    pub(super) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Whether one of the secrets is this one; every one is compared.
pub(super) fn any(secrets: &[Secret], given: &str) -> bool {
    secrets.iter().fold(false, |found, secret| found | secret.is(given))
}

/// A key of a back end, and when it is valid. Keys are rotated by two of them whose days overlap.
#[derive(Debug)]
pub(super) struct Key {
    secret: Secret,
    validity: Validity,
}

/// When a key is valid, in Unix ms.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Validity {
    not_before: Option<i64>,
    /// The first moment at which it is no longer valid.
    expires: Option<i64>,
}

impl Validity {
    pub(crate) fn contains(self, unix_ms: i64) -> bool {
        self.not_before.is_none_or(|from| from <= unix_ms) && self.expires.is_none_or(|to| unix_ms < to)
    }
}

/// When the key is valid that this one is, if it is one; every one is compared.
pub(super) fn validity(keys: &[Key], given: &str) -> Option<Validity> {
    keys.iter().fold(None, |found, key| if key.secret.is(given) { Some(key.validity) } else { found })
}

/// Whether a key is there twice: which days would it have?
pub(super) fn has_twins(keys: &[Key]) -> bool {
    keys.iter().enumerate().any(|(at, key)| keys[..at].iter().any(|other| other.secret.is(&key.secret.0)))
}

/// A key is text, or a table where it has days.
impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key as text, or { key, not_before, expires }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
        let secret = text.to_owned().try_into().map_err(E::custom)?;
        Ok(Key { secret, validity: Validity::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Key, A::Error> {
        let Table { key, not_before, expires } = Table::deserialize(MapAccessDeserializer::new(map))?;
        let [not_before, expires] = [not_before, expires].map(|day| day.map(|Day(begin)| begin));
        if not_before.zip(expires).is_some_and(|(from, to)| from >= to) {
            return Err(A::Error::custom(
                "a key whose `expires` is not after its `not_before` is never valid",
            ));
        }
        Ok(Key { secret: key, validity: Validity { not_before, expires } })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    key: Secret,
    not_before: Option<Day>,
    expires: Option<Day>,
}

//! The two JSON forms of `POST /collect` as they are written, before anything is judged. Unknown fields are
//! passed over; known ones twice, or of the wrong type, are errors.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The outermost object: both forms at once, told apart by `batches` and `events`.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(default)]
    pub(super) v: Option<u64>,
    #[serde(borrow)]
    pub(super) site_id: Text<'a>,
    #[serde(default)]
    pub(super) sent_at: Option<f64>,
    #[serde(default)]
    pub(super) import: Option<bool>,
    #[serde(borrow, default)]
    pub(super) batches: Option<Vec<Object<Batch<'a>>>>,

    #[serde(borrow, default)]
    pub(super) client_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) user_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) session_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) context: Option<Object<Context<'a>>>,
    #[serde(borrow, default)]
    pub(super) events: Option<Vec<&'a RawValue>>,
}

/// What one stream sends.
#[derive(Deserialize)]
pub(super) struct Batch<'a> {
    pub(super) stream: Uuid,
    #[serde(borrow, default)]
    pub(super) client_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) user_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) context: Option<Object<Context<'a>>>,
    #[serde(default)]
    pub(super) at: Option<[u32; 2]>,
    #[serde(default)]
    pub(super) end: Option<bool>,
    #[serde(borrow, default)]
    pub(super) lost: Option<Vec<(u32, u32, Text<'a>)>>,
    #[serde(borrow, default)]
    pub(super) refused: Option<BTreeMap<Text<'a>, u64>>,
    #[serde(borrow, default)]
    pub(super) events: Option<Vec<&'a RawValue>>,
}

/// What is the same for all events of a stream.
#[derive(Default, Deserialize)]
pub(crate) struct Context<'a> {
    #[serde(borrow, default)]
    pub(crate) sdk: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) platform: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) app_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) device_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) locale: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) tz: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) screen: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) no_storage: Option<bool>,
}

/// One event of either form.
#[expect(clippy::struct_field_names, reason = "`event_id` is the wire's word")]
#[derive(Deserialize)]
pub(crate) struct Event<'a> {
    #[serde(default)]
    pub(crate) seq: Option<u32>,
    #[serde(borrow, default)]
    pub(crate) event_id: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    pub(crate) ts: f64,
    #[serde(borrow, default)]
    pub(crate) session_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) referrer: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) element: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) props: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) revenue: Option<i64>,
    #[serde(borrow, default)]
    pub(crate) currency: Option<Text<'a>>,
}

/// The name of an event that is otherwise unreadable.
#[derive(Deserialize)]
pub(crate) struct SeqOnly {
    pub(crate) seq: u32,
}

/// A structure that is written as an object. (Derived ones would take an array of their fields too.)
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Text without U+0000, borrowed from the body unless it holds escapes. (`Option<Cow<str>>` would always
/// copy.)
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        without_nul(text)?;
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        without_nul(text)?;
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

fn without_nul<E: Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') { Err(E::custom(crate::shape::Flaw::Nul.message())) } else { Ok(()) }
}

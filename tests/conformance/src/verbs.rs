//! What the verbs of a scenario say, member by member.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::scenario::Decision;

macro_rules! members {
    ($(#[$doc:meta])* $name:ident by $first:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$attribute])* pub(crate) $field: $type,)* }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                let mut members = Self::default();
                members.$first = text.into();
                members
            }
        }
    };
}

/// The name of a page; `A` where none is given.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub(crate) struct PageName(pub(crate) String);

impl Default for PageName {
    fn default() -> Self {
        Self("A".into())
    }
}

impl From<String> for PageName {
    fn from(name: String) -> Self {
        Self(name)
    }
}

/// The name of a device; `d1` where none is given.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(transparent)]
pub(crate) struct DeviceName(pub(crate) String);

impl Default for DeviceName {
    fn default() -> Self {
        Self("d1".into())
    }
}

impl From<String> for DeviceName {
    fn from(name: String) -> Self {
        Self(name)
    }
}

members! {
    /// A call of the API.
    Call by name {
        name: String,
        page: PageName,
        props: Map<String, Value>,
        purpose: Option<String>,
        variant: Option<String>,
        amount: Option<i64>,
        currency: Option<String>,
        times: Option<u32>,
        every: u64,
        pad: usize,
    }
}

members! {
    /// Something about a page.
    OnPage by page { page: PageName, }
}

members! {
    /// Something about a device.
    OnDevice by device { device: DeviceName, }
}

members! {
    /// A page is opened.
    Open by page { page: PageName, device: DeviceName, }
}

members! {
    /// An event's entry is lost by the platform.
    Taken by name { name: String, device: DeviceName, }
}

members! {
    /// A stream's header is lost by the platform.
    TakenHeader by stream { stream: String, device: DeviceName, }
}

members! {
    /// A copy of a device's storage.
    Saved by name { name: String, device: DeviceName, }
}

/// A visitor's decision.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    pub(crate) decision: Decision,
    #[serde(default)]
    pub(crate) page: PageName,
    #[serde(default)]
    pub(crate) purpose: Option<String>,
}

impl From<String> for Consent {
    fn from(text: String) -> Self {
        let decision = if text == "granted" { Decision::Granted } else { Decision::Denied };
        Self { decision, page: PageName::default(), purpose: None }
    }
}

/// A process forks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    #[serde(default)]
    pub(crate) page: PageName,
    pub(crate) child: String,
}

/// Properties of every later event.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    pub(crate) props: Map<String, Value>,
    #[serde(default)]
    pub(crate) page: PageName,
}

/// Properties of the user.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserProps {
    pub(crate) set: Map<String, Value>,
    pub(crate) set_once: Map<String, Value>,
    pub(crate) increment: Map<String, Value>,
    pub(crate) page: PageName,
}

/// How a request ends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub(crate) request: String,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) ack: Option<Ack>,
    /// Seconds.
    #[serde(default)]
    pub(crate) retry_after: Option<u32>,
    /// Ms that the server's clock is ahead.
    #[serde(default)]
    pub(crate) time: Option<i64>,
    #[serde(default)]
    pub(crate) settings: Option<Settings>,
    #[serde(default)]
    pub(crate) erase: bool,
    #[serde(default)]
    pub(crate) reject: Vec<u32>,
}

/// `hw-ack`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Ack {
    Number(u32),
    All(AllOfThem),
}

/// The number of events sent.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) enum AllOfThem {
    #[serde(rename = "all")]
    All,
}

/// Remote settings, as an answer's body has them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    sample: u32,
    calls_per_minute: u32,
    flush_ms: u32,
    queue_bytes: u32,
    stop_ms: u32,
}

impl Default for Settings {
    fn default() -> Self {
        let all = headwater_core::client::Settings::default();
        Self {
            sample: all.sample,
            calls_per_minute: all.calls_per_minute,
            flush_ms: all.flush_ms,
            queue_bytes: all.queue_bytes,
            stop_ms: all.stop_ms,
        }
    }
}

impl From<Settings> for headwater_core::client::Settings {
    fn from(settings: Settings) -> Self {
        let Settings { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms } = settings;
        Self { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms }
    }
}

/// A request that must have left.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expected {
    pub(crate) r#as: Option<String>,
    pub(crate) by: Option<By>,
    pub(crate) batch: Option<Value>,
    pub(crate) body: Option<Value>,
}

/// How a request leaves.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    Beacon,
    Fetch,
    Leaving,
}

/// What a device must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    pub(crate) device: DeviceName,
    pub(crate) events: Option<Vec<String>>,
    pub(crate) lost: Option<Vec<Value>>,
    pub(crate) streams: Option<usize>,
}

/// What the server must know.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    pub(crate) counted: Option<Vec<String>>,
    pub(crate) lost: Option<Vec<Value>>,
    pub(crate) ended: Option<Vec<Value>>,
    pub(crate) refused: Option<BTreeMap<String, u64>>,
}

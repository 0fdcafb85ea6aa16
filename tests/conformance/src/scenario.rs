//! A scenario as it is written.

use std::collections::BTreeMap;

use headwater_core::client::Limits;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::verbs::{
    Answer, Call, Consent, Expected, Fork, OnDevice, OnPage, Open, Registered, Saved, Server, Storage, Taken,
    TakenHeader, UserProps,
};

/// A file of `scenarios/`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The rule, in a sentence.
    pub title: String,
    /// Why it cannot run, by runner.
    #[serde(default)]
    pub not: BTreeMap<String, String>,
    /// How the SDK is opened.
    #[serde(default)]
    pub setup: Setup,
    /// What happens, and what must be seen.
    pub steps: Vec<Step>,
}

/// How the SDK is opened.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Setup {
    pub(crate) consent: Decision,
    pub(crate) waiting: usize,
    pub(crate) purposes: Vec<String>,
    pub(crate) storage: bool,
    pub(crate) limits: LimitsByName,
    pub(crate) plugin_drops: Vec<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            consent: Decision::Granted,
            waiting: 1_000,
            purposes: vec!["analytics".into()],
            storage: true,
            limits: LimitsByName::default(),
            plugin_drops: Vec::new(),
        }
    }
}

/// A decision, as it is written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    Denied,
    Granted,
    Unknown,
}

impl From<Decision> for headwater_core::client::Decision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Denied => Self::Denied,
            Decision::Granted => Self::Granted,
            Decision::Unknown => Self::Unknown,
        }
    }
}

/// Limits that differ from the browser's.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsByName {
    queue_bytes: Option<u32>,
    queue_events: Option<u32>,
    max_age_ms: Option<u32>,
    flush_ms: Option<u32>,
    batch_events: Option<u32>,
    batch_bytes: Option<u32>,
    in_flight: Option<u32>,
    leaving_bytes: Option<u32>,
}

impl LimitsByName {
    pub(crate) fn limits(self) -> Limits {
        let known = Limits::default();
        Limits {
            queue_bytes: self.queue_bytes.unwrap_or(known.queue_bytes),
            queue_events: self.queue_events.unwrap_or(known.queue_events),
            max_age_ms: self.max_age_ms.unwrap_or(known.max_age_ms),
            flush_ms: self.flush_ms.unwrap_or(known.flush_ms),
            batch_events: self.batch_events.unwrap_or(known.batch_events),
            batch_bytes: self.batch_bytes.unwrap_or(known.batch_bytes),
            in_flight: self.in_flight.unwrap_or(known.in_flight),
            leaving_bytes: self.leaving_bytes.unwrap_or(known.leaving_bytes),
        }
    }
}

/// One thing that happens, or that must be seen.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the verbs are told in README.md")]
pub enum Step {
    Alias(OrText<Call>),
    Answer(Answer),
    ClearStorage(OrText<OnDevice>),
    Clock(i64),
    Consent(OrText<Consent>),
    Exposure(Call),
    Flush(OrText<OnPage>),
    Fork(Fork),
    Group(OrText<Call>),
    Hide(OrText<OnPage>),
    Identify(OrText<Call>),
    Kill(OrText<OnPage>),
    Leave(OrText<OnPage>),
    Lose(Vec<String>),
    LoseAnswer(Vec<String>),
    MemoryPressure(OrText<OnPage>),
    Offline(OrText<OnPage>),
    Online(OrText<OnPage>),
    Open(OrText<Open>),
    PageView(OrText<Call>),
    Register(Registered),
    Requests(Vec<Expected>),
    Reset(OrText<OnPage>),
    Restore(OrText<Saved>),
    Return(OrText<OnPage>),
    Revenue(Call),
    Save(OrText<Saved>),
    Screen(OrText<Call>),
    Server(Server),
    Set(UserProps),
    Settle(Vec<String>),
    Show(OrText<OnPage>),
    Storage(Storage),
    StorageFull(bool),
    Take(OrText<Taken>),
    TakeHeader(OrText<TakenHeader>),
    Torn(OrText<Call>),
    Track(OrText<Call>),
    Unregister(OrText<Call>),
    Wait(u64),
}

/// An object, or the text of its first member.
#[derive(Clone, Debug)]
pub struct OrText<T>(pub(crate) T);

impl<'de, T: Deserialize<'de> + From<String>> Deserialize<'de> for OrText<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(T::from(text))),
            object => T::deserialize(object).map(Self).map_err(serde::de::Error::custom),
        }
    }
}

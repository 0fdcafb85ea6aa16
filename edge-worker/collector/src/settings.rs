//! Remote settings: what a site's owner changes without shipping the site anew. They go to SDKs in answers; an SDK
//! clamps them, keeps them, and does without when no answer brings any.

use headwater_core::client::Settings;
use serde::{Deserialize, Serialize};

/// What `[site.settings]` says, and what an answer carries: every field, so that no reader needs to know a default.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RemoteSettings {
    sample: Sample,
    calls_per_minute: u32,
    flush_ms: u32,
    queue_bytes: u32,
    stop_ms: u32,
    /// Whether nothing may be recorded where the sender is before the visitor agrees; told where a site's policy says
    /// where that is so.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub(crate) consent_required: Option<bool>,
}

impl Default for RemoteSettings {
    /// What takes back everything that was set before.
    fn default() -> Self {
        let Settings { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms } = Settings::default();
        Self {
            sample: Sample(sample),
            calls_per_minute,
            flush_ms,
            queue_bytes,
            stop_ms,
            consent_required: None,
        }
    }
}

/// Visitors of 10,000.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u32")]
pub(crate) struct Sample(pub(crate) u32);

impl Default for Sample {
    /// All.
    fn default() -> Self {
        Self(Settings::default().sample)
    }
}

impl TryFrom<u32> for Sample {
    type Error = String;

    fn try_from(sample: u32) -> Result<Self, Self::Error> {
        let all = Settings::default().sample;
        if sample > all {
            return Err(format!("a sample is 0 to {all}: so many visitors of {all} are kept"));
        }
        Ok(Self(sample))
    }
}

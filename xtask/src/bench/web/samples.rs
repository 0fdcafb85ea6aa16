//! What `tests/e2e/bench/web.mjs` prints. Counts are read as `f64`: they are divided.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Samples {
    pub(super) chromium: String,
    /// In the order of their names; the empty page, the bare write and that with a request are among them.
    pub(super) subjects: BTreeMap<String, Subject>,
    /// What could not be measured, and why.
    #[serde(default)]
    pub(super) failed: Vec<String>,
}

/// What was measured of one page; what does not apply to it, or was left out, is not there.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Subject {
    /// Names of other machines that it asked for.
    pub(super) outside: Vec<String>,
    pub(super) files: Vec<String>,
    pub(super) load: Vec<Load>,
    pub(super) calls: Option<Calls>,
    pub(super) paced: Vec<Paced>,
    pub(super) split: Option<Split>,
    pub(super) other: Option<Other>,
    pub(super) memory: Option<Memory>,
    pub(super) offline: Option<Offline>,
    pub(super) first_access: Option<FirstAccess>,
}

/// One first visit, in ms.
#[derive(Deserialize)]
pub(super) struct Load {
    pub(super) script: f64,
    pub(super) init: f64,
    pub(super) ready: Option<f64>,
    pub(super) first_request: Option<f64>,
    pub(super) longest_cpu: f64,
    pub(super) longest_wall: f64,
    pub(super) over_10_ms: f64,
}

/// In µs.
#[derive(Deserialize)]
pub(super) struct Calls {
    pub(super) call: Vec<f64>,
    pub(super) written: Vec<f64>,
    pub(super) bare: Vec<f64>,
    pub(super) bursts: Vec<Burst>,
}

#[derive(Deserialize)]
pub(super) struct Burst {
    pub(super) calls: f64,
    pub(super) bare: f64,
}

/// One round of events at a pace.
#[derive(Deserialize)]
pub(super) struct Paced {
    pub(super) events: f64,
    /// µs
    pub(super) cpu: f64,
    pub(super) arrived: f64,
    pub(super) requests: f64,
    pub(super) preflights: f64,
    pub(super) bytes: f64,
    pub(super) plain: f64,
}

#[derive(Deserialize)]
pub(super) struct Split {
    pub(super) events: f64,
    /// µs of the main thread by kind of task.
    pub(super) kinds: BTreeMap<String, f64>,
    /// How often a function of the browser was called, and for how many ms in all.
    pub(super) counts: BTreeMap<String, (f64, f64)>,
}

#[derive(Deserialize)]
pub(super) struct Other {
    pub(super) events: f64,
    /// µs; nothing when the tabs shared a thread.
    pub(super) cpu: Option<f64>,
}

#[derive(Deserialize)]
pub(super) struct Memory {
    pub(super) heap: f64,
    pub(super) wasm: f64,
    pub(super) arrived: f64,
}

#[derive(Deserialize)]
pub(super) struct Offline {
    pub(super) tracked: f64,
    pub(super) arrived: f64,
}

/// In µs, of a visitor with nothing and of one with a full log.
#[derive(Deserialize)]
pub(super) struct FirstAccess {
    pub(super) empty: Vec<f64>,
    pub(super) full: Vec<f64>,
    pub(super) characters: f64,
}

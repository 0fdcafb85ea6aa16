//! How a page or app uses the SDK.

use headwater_core::client::{Decision, Limits};

use crate::text::Text;

/// What a shell is opened with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The site's public key.
    pub site: Text,
    /// `web`, `ios`, `android` or `server`, for the header.
    pub platform: Text,
    /// The version of the site or app, for the header.
    pub app_version: Option<Text>,
    /// The core's limits.
    pub limits: Limits,
    /// Whether anything is kept on the device; otherwise every opening is a visitor of its own (cookieless, or a page
    /// whose storage is forbidden).
    pub storage: bool,
    /// What holds of every purpose until the visitor has decided.
    pub consent: Decision,
    /// The purposes of the site: 0 to this, exclusive.
    pub purposes: u8,
    /// Calls that may wait in memory while consent is unknown; with 0 they are refused.
    pub waiting_max: usize,
    /// Names of events for which a plugin of the page returns nothing.
    pub plugin_drops: Vec<Text>,
    /// The version of the journal that it writes. It reads that and older ones, and leaves newer ones alone.
    pub journal_version: u8,
    /// How old the newest entry may get without an fsync, ms. (A phone's; the web has none.)
    pub sync_ms: u64,
    /// Entries with events that a phone removes together, as a segment.
    pub segment_entries: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            site: "site-123".into(),
            platform: "web".into(),
            app_version: None,
            limits: Limits::default(),
            storage: true,
            consent: Decision::Granted,
            purposes: 1,
            waiting_max: 1_000,
            plugin_drops: Vec::new(),
            journal_version: 1,
            sync_ms: 1_000,
            segment_entries: 8,
        }
    }
}

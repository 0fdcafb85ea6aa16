//! The enriched event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The [`Event::schema_version`] that this crate writes.
pub const SCHEMA_VERSION: u32 = 1;

/// One event as the collector passes it on: a flat JSON object.
///
/// Named by (`site_id`, `stream`, `seq`), or by (`site_id`, `event_id`) when it has no stream. Times are Unix
/// milliseconds. Text is bounded by the collector's limits, [`props`](Self::props) by the size of an event.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Event {
    /// Hyphenated lower-case UUID: a version 7 computed from `ts` and (stream, seq), or what the sender gave.
    pub event_id: String,
    /// The opening of a journal that counted this event; absent for third parties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Uuid>,
    /// Number within the stream, from 0; present exactly if `stream` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u32>,
    /// The site's public key.
    pub site_id: String,
    /// The device's or browser's identity; any string.
    pub client_id: String,
    /// The person, as `identify` told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The SDK's session; absent when it was sent before the core was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The device, where the platform has an identity for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// `web`, `ios`, `android`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The embedding app's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// `pageview`, `screen`, `custom`, `identify`, …; `type` on the wire.
    pub event_type: String,
    /// The name of a custom event, the title of a page view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was acted on, as a selector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// Absolute, or from the root: as sent, but `redacted` stands for e-mail addresses and secrets in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The path of `url`, without origin, query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// As sent, likewise without e-mail addresses and secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// `ai`, `direct`, `internal`, `mail`, `paid`, `referral`, `search`, `social`: of page views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer_class: Option<String>,
    /// `utm_source` of the query of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_source: Option<String>,
    /// `utm_medium` of the query of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_medium: Option<String>,
    /// `utm_campaign` of the query of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_campaign: Option<String>,
    /// `utm_term` of the query of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_term: Option<String>,
    /// `utm_content` of the query of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_content: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The first subdivision's name or code, as the place's source has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The city's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// IANA zone: the sender's own, else the place's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// BCP 47 tag of the sender's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// `1512x982`: the screen in CSS pixels or points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// `desktop`, `phone`, `tablet`, `tv`, `console`, `wearable`, `car`, `bot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The operating system's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The browser's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// The browser's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_version: Option<String>,
    /// Whether the user agent says that it is a robot; absent when nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<bool>,
    /// When it happened: `ts`, corrected when the sender's clock is wrong. First key of the total order.
    pub timestamp: i64,
    /// When it happened by the sender's clock.
    pub ts: i64,
    /// When it was sent by the sender's clock; `received_at` when the sender did not say.
    pub sent_at: i64,
    /// When the collector had the request.
    pub received_at: i64,
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// As the site has it: IPv4 cut to /24 and IPv6 to /48, or 16 hexadecimal digits of a hash whose salt is destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// `web/0.1.0`: name and version of the SDK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// The sender's own properties, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub props: Option<Box<RawValue>>,
    /// Integer minor units of `currency`; may be negative (a refund).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<i64>,
    /// ISO 4217; present exactly if `revenue` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// History: no age limit and no skew correction. Omitted when false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub import: bool,
    /// Request headers that identify the sender's program, by lower-case name, from a collector that cannot judge them:
    /// the stage behind it puts `device`, `os`, `browser`, `browser_version` and `bot` in their place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

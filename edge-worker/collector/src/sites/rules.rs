//! What a site wants to be done with its events.

use std::num::NonZeroUsize;

use headwater_schema::Event;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{
    limits,
    settings::{RemoteSettings, Sample},
};

/// What holds for the events of a site, beside who may send them.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// What SDKs are told; nothing if absent.
    pub(crate) settings: Option<RemoteSettings>,
    pub(crate) limits: SiteLimits,
    pub(crate) policy: Policy,
}

impl Rules {
    /// What an SDK in this country (ISO 3166-1 alpha-2) is told. Where consent is asked for somewhere, everything is
    /// told with it, so that no reader needs to know a default.
    pub(crate) fn told(&self, country: Option<&str>) -> Option<RemoteSettings> {
        let required = &self.policy.consent_required;
        if required.is_empty() {
            return self.settings;
        }
        // Where nobody knows the place, the stricter rule holds.
        let is_required = country.is_none_or(|here| required.iter().any(|there| there.0 == here));
        let mut told = self.settings.unwrap_or_default();
        told.consent_required = Some(is_required);
        Some(told)
    }
}

/// `[site.limits]`: each is applied as [`crate::limits`] has it where that is less.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SiteLimits {
    /// Events of one request.
    events: NonZeroUsize,
    /// Bytes of one event as sent.
    event_bytes: NonZeroUsize,
    /// Bytes of its `props` as sent.
    props_bytes: NonZeroUsize,
}

const EVENTS: NonZeroUsize = NonZeroUsize::new(limits::EVENTS).expect("some");
const EVENT_BYTES: NonZeroUsize = NonZeroUsize::new(limits::EVENT_BYTES).expect("some");

impl Default for SiteLimits {
    fn default() -> Self {
        Self { events: EVENTS, event_bytes: EVENT_BYTES, props_bytes: EVENT_BYTES }
    }
}

impl SiteLimits {
    pub(crate) fn events(&self) -> usize {
        self.events.min(EVENTS).get()
    }

    pub(crate) fn event_bytes(&self) -> usize {
        self.event_bytes.min(EVENT_BYTES).get()
    }

    pub(crate) fn props_bytes(&self) -> usize {
        self.props_bytes.min(EVENT_BYTES).get()
    }
}

/// `[site.policy]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Policy {
    /// Clients of 10,000 whose events are kept.
    sample: Sample,
    pub(crate) bots: BotPolicy,
    pub(crate) ip: IpPolicy,
    /// Where nothing may be recorded before the visitor agrees.
    consent_required: Vec<Country>,
}

impl Policy {
    /// Whether the events of a client are kept. A client that is in a sample is in every larger one, on every
    /// collector. Where no client is named, nobody is left out.
    pub(crate) fn keeps(&self, client: Option<&str>) -> bool {
        let Sample(sample) = self.sample;
        if sample == Sample::default().0 {
            return true;
        }
        client.is_none_or(|client| {
            let hash = Sha256::digest(client.as_bytes());
            let draw = u32::from_be_bytes(std::array::from_fn(|at| hash[at]));
            (u64::from(draw) * u64::from(Sample::default().0)) >> 32 < u64::from(sample)
        })
    }
}

/// What becomes of the events of robots.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BotPolicy {
    /// They are kept, and nobody is told that they are a robot's.
    Keep,
    /// They are kept, with `bot`.
    #[default]
    Tag,
    /// They are dropped, and named in the ledger.
    Drop,
}

impl BotPolicy {
    /// Whether an event is kept of which it is known whether a robot sent it.
    pub(crate) fn keeps(self, event: &mut Event) -> bool {
        match self {
            Self::Keep => {
                event.bot = None;
                true
            }
            Self::Tag => true,
            Self::Drop => event.bot != Some(true),
        }
    }
}

/// What is kept of a client's address.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IpPolicy {
    /// Nothing.
    None,
    /// IPv4 cut to /24, IPv6 to /48.
    #[default]
    Anonymised,
    /// A hash by which addresses of one day can be told apart, until the day's salt is destroyed; nothing on a host
    /// that has no salt.
    Hashed,
}

/// ISO 3166-1 alpha-2, in upper case.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Country(String);

impl TryFrom<String> for Country {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err("a country is two upper-case letters of ISO 3166-1");
        }
        Ok(Self(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        toml::from_str(text).expect("a policy")
    }

    #[test]
    fn samples_are_nested_and_of_the_size_that_they_say() {
        let [tenth, half] = ["sample = 1000", "sample = 5000"].map(policy);
        let clients: Vec<_> = (0..10_000).map(|n| format!("client-{n}")).collect();
        let kept = |policy: &Policy| clients.iter().filter(|client| policy.keeps(Some(client))).count();
        assert!((900..1_100).contains(&kept(&tenth)) && (4_800..5_200).contains(&kept(&half)));
        assert!(clients.iter().all(|client| !tenth.keeps(Some(client)) || half.keeps(Some(client))));
        assert_eq!((kept(&policy("sample = 0")), kept(&policy(""))), (0, 10_000));
        assert!(policy("sample = 0").keeps(None), "nobody is named");
    }

    #[test]
    fn the_stricter_rule_holds_where_the_place_is_not_known() {
        let rules = Rules { policy: policy("consent_required = [\"DE\", \"FR\"]"), ..Rules::default() };
        let told = |country| rules.told(country).expect("told").consent_required;
        assert_eq!([Some("DE"), Some("US"), None].map(told), [Some(true), Some(false), Some(true)]);
        assert!(Rules::default().told(Some("DE")).is_none());
    }

    #[test]
    fn robots_are_kept_told_or_dropped() {
        let event = |bot: Option<bool>| {
            let bot = bot.map_or(String::new(), |bot| format!(r#","bot":{bot}"#));
            serde_json::from_str::<Event>(&format!(
                r#"{{"event_id":"e","site_id":"s","client_id":"c","event_type":"x","timestamp":1,"ts":1,"sent_at":1,
                "received_at":1,"schema_version":1{bot}}}"#
            ))
            .expect("an event")
        };
        for (policy, kept) in [
            (BotPolicy::Keep, [Some(None); 3]),
            (BotPolicy::Tag, [Some(None), Some(Some(false)), Some(Some(true))]),
            (BotPolicy::Drop, [Some(None), Some(Some(false)), None]),
        ] {
            let outcome = |bot| {
                let mut event = event(bot);
                policy.keeps(&mut event).then_some(event.bot)
            };
            assert_eq!([None, Some(false), Some(true)].map(outcome), kept, "{policy:?}");
        }
    }
}

//! What an answer says beside what became of the events.

use headwater_core::client::Settings;
use serde::{Deserialize, Serialize};

/// Remote settings, and the wish that everything be erased.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) settings: Option<Settings>,
    pub(crate) erase: bool,
}

impl Told {
    /// Reads the body of an answer that is ours. What is not understood says nothing.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let settings = body.settings.and_then(|settings| serde_json::from_value::<Remote>(settings).ok());
        Self { settings: settings.map(Settings::from), erase: body.erase == serde_json::Value::Bool(true) }
    }
}

/// The settings as they are kept.
pub(crate) fn to_text(settings: Settings) -> String {
    serde_json::to_string(&Remote::from(settings)).expect("numbers")
}

pub(crate) fn parse(text: &str) -> Option<Settings> {
    serde_json::from_str::<Remote>(text).ok().map(Settings::from)
}

#[derive(Default, Deserialize)]
struct Body {
    // Each is judged on its own: a setting that is not understood must not hide the wish to erase.
    #[serde(default)]
    settings: Option<serde_json::Value>,
    #[serde(default)]
    erase: serde_json::Value,
}

/// What is missing is as if nothing were set.
#[derive(Deserialize, Serialize)]
#[serde(default)]
struct Remote {
    sample: u32,
    calls_per_minute: u32,
    flush_ms: u32,
    queue_bytes: u32,
    stop_ms: u32,
}

impl Default for Remote {
    fn default() -> Self {
        Settings::default().into()
    }
}

impl From<Settings> for Remote {
    fn from(settings: Settings) -> Self {
        let Settings { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms } = settings;
        Self { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms }
    }
}

impl From<Remote> for Settings {
    fn from(remote: Remote) -> Self {
        let Remote { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms } = remote;
        Self { sample, calls_per_minute, flush_ms, queue_bytes, stop_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_carry_settings_and_the_wish_to_erase() {
        let told = Told::parse(br#"{"rejected":[],"settings":{"sample":2500,"newer":1},"erase":true}"#);
        assert_eq!(told.settings, Some(Settings { sample: 2_500, ..Settings::default() }));
        assert!(told.erase);
        let odd = Told::parse(br#"{"settings":{"sample":-1},"erase":true}"#);
        assert_eq!(odd, Told { settings: None, erase: true });
        for nothing in ["", "{}", "[]", "nonsense", r#"{"settings":null,"erase":"yes"}"#] {
            assert_eq!(Told::parse(nothing.as_bytes()), Told::default(), "{nothing}");
        }
    }

    #[test]
    fn settings_are_kept_as_they_were_told() {
        let settings =
            Settings { sample: 1, calls_per_minute: 2, flush_ms: 3, queue_bytes: 4, stop_ms: u32::MAX };
        assert_eq!(parse(&to_text(settings)), Some(settings));
        assert_eq!(parse("1"), None);
    }
}

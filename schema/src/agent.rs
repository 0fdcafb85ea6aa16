//! The program that sent a request: what its headers say, and what was made of that.

use std::collections::BTreeMap;

/// The request headers that say what program sent a request and whether anybody looks at its page, lower case:
/// `User-Agent`, the Client Hints of RFC 9651's structured form, and those of speculative loads.
pub const AGENT_HEADERS: [&str; 10] = [
    "user-agent",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-ch-ua-model",
    "sec-ch-ua-full-version-list",
    "sec-ch-ua-form-factors",
    "sec-purpose",
    "purpose",
    "x-moz",
];

/// Bytes kept of all [`AGENT_HEADERS`] of a request together, because they may be repeated in each of its events: three
/// times what current browsers send.
const AGENT_BYTES: usize = 1_024;

/// What [`AGENT_HEADERS`] said, bounded, and borrowed from the request.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Agent<'a>([Option<&'a str>; AGENT_HEADERS.len()]);

impl<'a> Agent<'a> {
    /// Asks for each header by its lower-case name. Empty ones are absent; beyond 1,024 bytes the rest is cut off.
    #[must_use]
    pub fn read(mut header: impl FnMut(&'static str) -> Option<&'a str>) -> Self {
        let mut left = AGENT_BYTES;
        Self(AGENT_HEADERS.map(|name| {
            let value = header(name)?;
            let value = &value[..value.floor_char_boundary(left)];
            left -= value.len();
            (!value.is_empty()).then_some(value)
        }))
    }

    /// As [`Event::headers`](crate::Event::headers) carries them.
    #[must_use]
    pub fn carried(headers: &'a BTreeMap<String, String>) -> Self {
        Self::read(|name| headers.get(name).map(String::as_str))
    }

    /// The value of one of [`AGENT_HEADERS`].
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.headers().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Those that are there.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        AGENT_HEADERS.into_iter().zip(self.0).filter_map(|(name, value)| Some((name, value?)))
    }
}

/// What was made of an [`Agent`]; the fields of the [`Event`](crate::Event) of these names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Software {
    /// `desktop`, `phone`, `tablet`, …
    pub device: Option<String>,
    /// The operating system's name.
    pub os: Option<String>,
    /// The browser's name.
    pub browser: Option<String>,
    /// The browser's version.
    pub browser_version: Option<String>,
    /// Whether it is a robot; absent when there was nothing to look at.
    pub bot: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_bounded_together_and_not_cut_within_a_character() {
        let long = "é".repeat(511);
        let all = Agent::read(|name| match name {
            "user-agent" => Some(&*long),
            "sec-ch-ua" => Some("éé"),
            "purpose" => Some("prefetch"),
            "x-moz" => Some(""),
            _ => None,
        });
        assert_eq!(all.headers().collect::<Vec<_>>(), [("user-agent", &*long), ("sec-ch-ua", "é")]);
        let carried = all.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(Agent::carried(&carried), all);
        assert_eq!((all.get("sec-ch-ua"), all.get("purpose"), all.get("cookie")), (Some("é"), None, None));
    }
}

//! A key of a sender.

use std::fmt;

use serde::Deserialize;

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;

/// Never printed.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(String);

impl Secret {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// What somebody else's server knows us by. Never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "who is asked is behind it"))]
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl TryFrom<String> for Secret {
    type Error = &'static str;

    fn try_from(secret: String) -> Result<Self, Self::Error> {
        if secret.len() < SHORTEST || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a key is at least 16 characters of visible ASCII without spaces");
        }
        Ok(Self(secret))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

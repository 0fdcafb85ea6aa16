//! Whose calls they are.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Refusal, RefusalKind};

/// A site, and the secret key of a back end that speaks for it.
#[derive(Clone, Eq, PartialEq)]
pub struct Login {
    site: String,
    /// As [`Credentials`](crate::Credentials) has it.
    authorization: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("site", &self.site).finish_non_exhaustive()
    }
}

impl Login {
    /// By basic auth, or by the write key of the body, where a browser's beacon has no header.
    pub(super) fn of(authorization: Option<&str>, write_key: Option<&str>) -> Result<Self, Refusal> {
        let unauthorised = |message| Refusal::new(RefusalKind::Unauthorised, message);
        let key = match (authorization, write_key) {
            (Some(header), _) => {
                basic(header).ok_or_else(|| unauthorised("Authorization: not `Basic` and a write key"))?
            }
            (None, Some(key)) => key.to_owned(),
            (None, None) => return Err(unauthorised("Authorization: missing, and so is `writeKey`")),
        };
        // SDKs write an empty password behind a key that may hold one itself.
        let (site, secret) = key.split_once(':').unwrap_or((&key, ""));
        let secret = secret.strip_suffix(':').unwrap_or(secret);
        let authorization = (!secret.is_empty()).then(|| format!("Bearer {secret}"));
        Ok(Self { site: site.to_owned(), authorization })
    }

    pub(super) fn site(&self) -> &str {
        &self.site
    }

    /// For [`Credentials::authorization`](crate::Credentials::authorization).
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

fn basic(header: &str) -> Option<String> {
    let (scheme, encoded) = header.split_once(' ')?;
    let bytes = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_key_is_the_site_and_may_hold_a_secret() {
        let login = |key: &str| Login::of(Some(&format!("Basic {}", STANDARD.encode(key))), None).expect(key);
        for (key, site, secret) in [
            ("site-123:", "site-123", None),
            ("site-123", "site-123", None),
            ("site-123:key-1", "site-123", Some("Bearer key-1")),
            ("site-123:key-1:", "site-123", Some("Bearer key-1")),
        ] {
            assert_eq!((login(key).site(), login(key).authorization()), (site, secret), "{key}");
        }
        assert_eq!(Login::of(None, Some("s")).expect("a key").site(), "s");
        for wrong in ["Bearer x", "Basic *", "Basic", ""] {
            assert!(Login::of(Some(wrong), Some("s")).is_err(), "{wrong}");
        }
        assert!(Login::of(None, None).is_err());
        assert!(!format!("{:?}", login("s:hush")).contains("hush"));
    }
}

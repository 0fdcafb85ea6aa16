//! Origins of pages.

use std::collections::HashSet;

use serde::Deserialize;

/// What a site's pages may be served from, as it is configured: an origin, one with `*.` before its host, or `*`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Origin(String);

const ANY: &str = "*";
/// Between the scheme and a host of which any subdomain is meant.
const SUBDOMAINS: &str = "://*.";

impl TryFrom<String> for Origin {
    type Error = &'static str;

    fn try_from(origin: String) -> Result<Self, Self::Error> {
        const FORM: &str = "an origin is `scheme://host` or `scheme://host:port` in lower case, without a path and without the scheme's own port, or `scheme://*.host` for subdomains, or \"*\"";
        if origin == ANY {
            return Ok(Self(origin));
        }
        let (scheme, host) = origin.split_once("://").ok_or(FORM)?;
        let odd =
            |byte: u8| byte.is_ascii_uppercase() || !byte.is_ascii_graphic() || b"/?#@*".contains(&byte);
        let own_port =
            (scheme == "https" && host.ends_with(":443")) || (scheme == "http" && host.ends_with(":80"));
        let parent = host.strip_prefix("*.");
        let host = parent.unwrap_or(host);
        if scheme.is_empty()
            || host.is_empty()
            || own_port
            || host.bytes().any(odd)
            || scheme.bytes().any(odd)
        {
            return Err(FORM);
        }
        if parent.is_some_and(|parent| parent.starts_with('.') || !parent.contains('.')) {
            return Err(
                "`*.` stands before a host of two labels or more: below one label there are strangers",
            );
        }
        Ok(Self(origin))
    }
}

#[derive(Debug, Default)]
pub(super) struct Origins {
    any: bool,
    exact: HashSet<Box<str>>,
    /// Without their star: `https://` and `.shop.example` in one.
    parents: HashSet<Box<str>>,
}

impl Origins {
    pub(super) fn insert(&mut self, Origin(origin): &Origin) {
        if origin == ANY {
            self.any = true;
        } else if origin.contains(SUBDOMAINS) {
            self.parents.insert(origin.replacen(SUBDOMAINS, "://.", 1).into());
        } else {
            self.exact.insert(origin.as_str().into());
        }
    }

    pub(super) fn contain(&self, origin: &str) -> bool {
        self.any || self.exact.contains(origin) || self.is_below_a_parent(origin)
    }

    /// Below `https://*.shop.example` is every host with one label more, or several; not the host itself.
    fn is_below_a_parent(&self, origin: &str) -> bool {
        if self.parents.is_empty() {
            return false;
        }
        let Some((scheme, host)) = origin.split_once("://") else { return false };
        let is_sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_sound);
        host.match_indices('.').any(|(dot, _)| {
            let (labels, rest) = host.split_at(dot);
            labels.split('.').all(is_label) && self.parents.contains(&*format!("{scheme}://{rest}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(all: &[&str]) -> Origins {
        let mut origins = Origins::default();
        for origin in all {
            origins.insert(&Origin::try_from((*origin).to_owned()).expect(origin));
        }
        origins
    }

    #[test]
    fn a_star_stands_for_one_label_or_more() {
        let origins = origins(&["https://*.shop.example", "http://*.localhost.test:3000"]);
        for (origin, is_ours) in [
            ("https://www.shop.example", true),
            ("https://a.b-c.shop.example", true),
            ("http://x.localhost.test:3000", true),
            ("https://shop.example", false),
            ("http://www.shop.example", false),
            ("https://www.shop.example:8443", false),
            ("https://wwwshop.example", false),
            ("https://.shop.example", false),
            ("https://a..shop.example", false),
            ("https://*.shop.example", false),
            ("https://evil.example/.shop.example", false),
            ("https://evil.example:1@x.shop.example", false),
            ("https://shop.example.evil.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(origins.contain(origin), is_ours, "{origin}");
        }
    }

    #[test]
    fn a_star_is_nowhere_else() {
        for origin in [
            "https://*",
            "https://*.",
            "https://*.example",
            "https://a.*.example.com",
            "https://*a.example.com",
            "*://a.b",
            "https://*.a.b:443",
            "https://*.*.a.b",
            "https://*..a.b",
        ] {
            assert!(Origin::try_from(origin.to_owned()).is_err(), "{origin}");
        }
    }
}

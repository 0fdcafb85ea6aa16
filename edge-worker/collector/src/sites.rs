//! The sites that this collector serves, from a TOML file:
//!
//! ```toml
//! [[site]]
//! id = "site-123"                          # the public key; any text of at most 256 bytes
//! origins = ["https://shop.example"]       # exactly as browsers write them, or "*"
//! read_tokens = ["…"]                      # for the query API
//! secret_keys = ["…"]                      # for back ends that send
//!
//! [site.settings]                          # optional: what answers tell the SDKs of this site
//! sample = 2500                            # visitors whose calls are kept, of 10,000 (10,000 by default)
//! calls_per_minute = 600                   # most calls of a visitor in a minute; 0, the default, for no cap
//! flush_ms = 2000                          # wait before a send, in ms; 0, the default, for the SDK's own
//! queue_bytes = 1048576                    # bytes held before the oldest are given up; 0 for the SDK's own
//! stop_ms = 0                              # refuse every call for so long, in ms; 0 to go on
//! ```
//!
//! An SDK keeps the settings that it was told last, and clamps each to what cannot harm. So a setting is taken back
//! by its default, and all of them by an empty `[site.settings]`; without the table nothing is told, and what was
//! told before stays.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use toml::Spanned;

use crate::{limits, settings::RemoteSettings};

/// The sites, and who may do what with them.
#[derive(Debug, Default)]
pub struct Sites {
    by_id: HashMap<Arc<str>, Site>,
    /// Of all sites together: a preflight names no site.
    origins: Origins,
    open: bool,
}

impl Sites {
    /// Any site, any origin, any reader, imports without a key. For one's own machine only.
    #[must_use]
    pub fn open() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// These sites, and any other as [`Sites::open`] has it.
    #[must_use]
    pub fn opened(self) -> Self {
        Self { open: true, ..self }
    }

    /// Reads the configuration file. Fails on an unknown field, a value that cannot be meant, or a site
    /// twice; the error names line and field, and never shows a value.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| ConfigError::of(text, &error))?;
        let mut sites = Self::default();
        for entry in file.site {
            let line = line_of(text, entry.id.span().start);
            let id: Arc<str> = entry.id.get_ref().0.as_str().into();
            let mut origins = Origins::default();
            for Origin(origin) in &entry.origins {
                origins.insert(origin);
                sites.origins.insert(origin);
            }
            let Entry { read_tokens, secret_keys, settings, .. } = entry;
            let site = Site { origins, read_tokens, secret_keys, settings };
            if sites.by_id.insert(id.clone(), site).is_some() {
                return Err(ConfigError { line, message: format!("id: the site {id:?} twice") });
            }
        }
        Ok(sites)
    }

    /// Whether this is a machine's own collector, open to all.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// The ids of the sites in the file.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(|id| &**id)
    }

    /// Whether pages of this origin may read answers, for any site.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.open || self.origins.contain(origin)
    }

    /// Whether the bearer of a token may read a site's numbers. The token is judged first, so that nobody
    /// learns which sites there are.
    #[must_use]
    pub fn read_access(&self, site: &str, token: Option<&str>) -> ReadAccess {
        if self.open {
            return ReadAccess::Granted;
        }
        let Some(token) = token else { return ReadAccess::Unauthorised };
        // Every token is compared, found or not.
        let some_site = self.by_id.values().fold(false, |found, site| found | any(&site.read_tokens, token));
        match self.by_id.get(site) {
            _ if !some_site => ReadAccess::Unauthorised,
            None => ReadAccess::UnknownSite,
            Some(site) if any(&site.read_tokens, token) => ReadAccess::Granted,
            Some(_) => ReadAccess::Unauthorised,
        }
    }

    /// Whether this sender may send to a site.
    pub(crate) fn access(&self, id: &str, token: Option<&str>, origin: Option<&str>) -> SiteAccess {
        if self.open {
            let known = self.by_id.get_key_value(id);
            let by_secret = match (known, token) {
                (Some((_, site)), Some(token)) => any(&site.secret_keys, token),
                _ => false,
            };
            let settings = known.and_then(|(_, site)| site.settings);
            let site = known.map_or_else(|| id.into(), |(id, _)| id.clone());
            return SiteAccess::Granted { site, settings, by_secret, may_import: true };
        }
        let Some((id, site)) = self.by_id.get_key_value(id) else { return SiteAccess::UnknownSite };
        let granted = |by_secret| SiteAccess::Granted {
            site: id.clone(),
            settings: site.settings,
            by_secret,
            may_import: by_secret,
        };
        match (token, origin) {
            (Some(token), _) if any(&site.secret_keys, token) => granted(true),
            (Some(_), _) => SiteAccess::WrongKey,
            (None, Some(origin)) if !site.origins.contain(origin) => SiteAccess::WrongOrigin,
            (None, _) => granted(false),
        }
    }
}

/// The answer to [`Sites::read_access`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReadAccess {
    /// Read.
    Granted,
    /// 401: no token, or none for this site.
    Unauthorised,
    /// 404: the token is one of ours, and there is no such site.
    UnknownSite,
}

pub(crate) enum SiteAccess {
    Granted { site: Arc<str>, settings: Option<RemoteSettings>, by_secret: bool, may_import: bool },
    UnknownSite,
    WrongKey,
    WrongOrigin,
}

/// What is wrong with a configuration file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// From 1.
    pub line: usize,
    /// `field: what is wrong with it`.
    pub message: String,
}

impl ConfigError {
    /// Not the parser's own text: that shows the line, which may hold a key.
    fn of(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let upwards = text[..line_start].lines().rev();
        let here = text[line_start..].lines().next().unwrap_or_default();
        // The field is on this line or above, if its value has several; a table's own error is on its head.
        let field = std::iter::once(here)
            .chain(upwards)
            .find_map(|line| match line.split_once('=') {
                _ if line.trim_start().starts_with('[') => Some(line),
                Some((field, _)) => Some(field),
                None => None,
            })
            .map_or("[[site]]", str::trim);
        Self { line: line_of(text, start), message: format!("{field}: {}", error.message()) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ConfigError {}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[derive(Debug)]
struct Site {
    origins: Origins,
    read_tokens: Vec<Secret>,
    secret_keys: Vec<Secret>,
    settings: Option<RemoteSettings>,
}

#[derive(Debug, Default)]
struct Origins {
    any: bool,
    exact: HashSet<Box<str>>,
}

impl Origins {
    fn insert(&mut self, origin: &str) {
        if origin == ANY_ORIGIN {
            self.any = true;
        } else {
            self.exact.insert(origin.into());
        }
    }

    fn contain(&self, origin: &str) -> bool {
        self.any || self.exact.contains(origin)
    }
}

const ANY_ORIGIN: &str = "*";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    site: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<SiteId>,
    #[serde(default)]
    origins: Vec<Origin>,
    #[serde(default)]
    read_tokens: Vec<Secret>,
    #[serde(default)]
    secret_keys: Vec<Secret>,
    settings: Option<RemoteSettings>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct SiteId(String);

impl TryFrom<String> for SiteId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        if id.is_empty() || id.len() > limits::ID_BYTES || id.contains('\0') {
            return Err(format!("a site id is text of 1 to {} bytes", limits::ID_BYTES));
        }
        Ok(Self(id))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Origin(String);

impl TryFrom<String> for Origin {
    type Error = &'static str;

    fn try_from(origin: String) -> Result<Self, Self::Error> {
        const FORM: &str = "an origin is `scheme://host` or `scheme://host:port` in lower case, without a path and without the scheme's own port, or \"*\"";
        if origin == ANY_ORIGIN {
            return Ok(Self(origin));
        }
        let (scheme, host) = origin.split_once("://").ok_or(FORM)?;
        let odd =
            |byte: u8| byte.is_ascii_uppercase() || !byte.is_ascii_graphic() || b"/?#@*".contains(&byte);
        let own_port =
            (scheme == "https" && host.ends_with(":443")) || (scheme == "http" && host.ends_with(":80"));
        if scheme.is_empty()
            || host.is_empty()
            || own_port
            || host.bytes().any(odd)
            || scheme.bytes().any(odd)
        {
            return Err(FORM);
        }
        Ok(Self(origin))
    }
}

/// A token or key. Never printed, compared in constant time.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Secret(String);

impl TryFrom<String> for Secret {
    type Error = &'static str;

    fn try_from(secret: String) -> Result<Self, Self::Error> {
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a token is visible ASCII without spaces, because it travels in a header");
        }
        Ok(Self(secret))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

fn any(secrets: &[Secret], given: &str) -> bool {
    secrets
        .iter()
        .fold(false, |found, secret| found | bool::from(secret.0.as_bytes().ct_eq(given.as_bytes())))
}

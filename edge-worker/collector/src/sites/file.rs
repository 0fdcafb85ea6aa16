//! The configuration as text: TOML in a file, JSON in the configuration store of an edge platform. One model.

use std::{fmt, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;
use toml::Spanned;

use super::{
    Site, Sites,
    origin::{Origin, Origins},
    rules::{Policy, Rules, SiteLimits},
    secret::{self, Key, Secret},
};
use crate::{decode::byte_of, limits, settings::RemoteSettings, shape};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    site: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: SiteId,
    #[serde(default)]
    origins: Vec<Origin>,
    #[serde(default)]
    read_tokens: Vec<Secret>,
    #[serde(default)]
    secret_keys: Vec<Key>,
    settings: Option<RemoteSettings>,
    #[serde(default)]
    limits: SiteLimits,
    #[serde(default)]
    policy: Policy,
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

impl Sites {
    /// Reads the configuration file. Fails on an unknown field, a value that cannot be meant, or a site
    /// twice; the error names line and field, and never shows a value.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let file = toml::from_str(text).map_err(|error| ConfigError::of_toml(text, &error))?;
        Self::of(file).map_err(|flaw| flaw.at(toml_line(text, flaw.site).unwrap_or(1)))
    }

    /// Reads the same as JSON: `{"site": [{"id": …}]}`, every field as in TOML. Fails likewise.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let file = serde_json::from_str(text).map_err(|error| ConfigError::of_json(text, &error))?;
        Self::of(file).map_err(|flaw| flaw.at(json_line(text, flaw.site).unwrap_or(1)))
    }

    fn of(File { site }: File) -> Result<Self, Flaw> {
        let mut sites = Self::default();
        for (number, entry) in site.into_iter().enumerate() {
            let Entry { id: SiteId(id), origins: configured, read_tokens, secret_keys, .. } = entry;
            let flaw = |message: String| Flaw { site: number, message };
            if secret::has_twins(&secret_keys) {
                return Err(flaw("secret_keys: a key twice".to_owned()));
            }
            let mut origins = Origins::default();
            for origin in &configured {
                origins.insert(origin);
                sites.origins.insert(origin);
            }
            let Entry { settings, limits, policy, .. } = entry;
            let rules = Arc::new(Rules { settings, limits, policy });
            let id: Arc<str> = id.into();
            let site = Site { origins, read_tokens, secret_keys, rules };
            if sites.by_id.insert(id.clone(), site).is_some() {
                return Err(flaw(format!("id: the site {id:?} twice")));
            }
        }
        Ok(sites)
    }
}

/// What is wrong with a site as a whole.
struct Flaw {
    /// Its place in the file.
    site: usize,
    message: String,
}

impl Flaw {
    fn at(&self, line: usize) -> ConfigError {
        ConfigError { line, message: self.message.clone() }
    }
}

/// The line of a site's id.
fn toml_line(text: &str, site: usize) -> Option<usize> {
    #[derive(Deserialize)]
    struct File {
        site: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        id: Spanned<String>,
    }
    let File { site: sites } = toml::from_str(text).ok()?;
    Some(line_of(text, sites.get(site)?.id.span().start))
}

fn json_line(text: &str, site: usize) -> Option<usize> {
    #[derive(Deserialize)]
    struct File<'a> {
        #[serde(borrow)]
        site: Vec<Entry<'a>>,
    }
    #[derive(Deserialize)]
    struct Entry<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    let File { site: sites } = serde_json::from_str(text).ok()?;
    let id = sites.get(site)?.id.get();
    Some(line_of(text, id.as_ptr().addr() - text.as_ptr().addr()))
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// From 1.
    pub line: usize,
    /// `field: what is wrong with it`.
    pub message: String,
}

impl ConfigError {
    fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let upwards = text[..line_start].lines().rev();
        let here = text[line_start..].lines().next().unwrap_or_default();
        // The field is on this line or above, if its value has several; a table's own error is on its head.
        let field = std::iter::once(here).chain(upwards).find_map(|line| match line.split_once('=') {
            _ if line.trim_start().starts_with("[site") || line.trim_start().starts_with("[[") => Some(line),
            // Before another `=` is a value, such as the end of a key in base64.
            Some((field, _)) if is_bare_key(field.trim()) => Some(field),
            _ => None,
        });
        let field = field.map_or("[[site]]", str::trim);
        Self { line: line_of(text, start), message: format!("{field}: {}", without_value(error.message())) }
    }

    fn of_json(text: &str, error: &serde_json::Error) -> Self {
        let field = shape::path_at(text.as_bytes(), byte_of(text, error.line(), error.column()));
        let field = if field.is_empty() { "site" } else { &*field };
        let whole = error.to_string();
        let what = whole.rsplit_once(" at line ").map_or(&*whole, |(what, _)| what);
        Self { line: error.line().max(1), message: format!("{field}: {}", without_value(what)) }
    }
}

fn is_bare_key(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// A parser's message without the value that it quotes, which may be a key.
fn without_value(message: &str) -> String {
    const KINDS: [&str; 3] = ["invalid type", "invalid value", "unknown variant"];
    match message.rsplit_once(", expected ") {
        Some((head, expected)) => match head.split([':', '`']).next().map(str::trim) {
            Some(kind) if KINDS.contains(&kind) => format!("{kind}, expected {expected}"),
            _ => message.to_owned(),
        },
        None => message.to_owned(),
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ConfigError {}

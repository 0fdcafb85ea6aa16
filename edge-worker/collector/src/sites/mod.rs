//! The sites that this collector serves, from a TOML file or its JSON form. `sites.example.toml` beside this crate shows
//! every field with its default; a test compares them.
//!
//! An SDK keeps the settings that it was told last, and clamps each to what cannot harm. So a setting is taken back
//! by its default, and all of them by an empty `[site.settings]`; without the table nothing is told, and what was
//! told before stays. With a `consent_required` all of them are told.
//!
//! A new setting: its type and default in `rules.rs`, its word in `file.rs`, and the example file.

mod file;
mod origin;
mod rules;
mod secret;

use std::{collections::HashMap, sync::Arc};

pub use self::file::ConfigError;
use self::{
    origin::Origins,
    secret::{Key, Secret},
};
pub(crate) use self::{
    rules::{IpPolicy, Rules},
    secret::Validity,
};

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

    /// Whether this is a machine's own collector, open to all.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// The ids of the sites in the file.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(|id| &**id)
    }

    /// Whether one of them wants addresses hashed, which needs a salt.
    #[must_use]
    pub fn hashes_addresses(&self) -> bool {
        self.by_id.values().any(|site| site.rules.policy.ip == IpPolicy::Hashed)
    }

    /// Whether there is such a site; to an open collector every one is.
    #[must_use]
    pub fn knows(&self, site: &str) -> bool {
        self.open || self.by_id.contains_key(site)
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
        let some_site =
            self.by_id.values().fold(false, |found, site| found | secret::any(&site.read_tokens, token));
        match self.by_id.get(site) {
            _ if !some_site => ReadAccess::Unauthorised,
            None => ReadAccess::UnknownSite,
            Some(site) if secret::any(&site.read_tokens, token) => ReadAccess::Granted,
            Some(_) => ReadAccess::Unauthorised,
        }
    }

    /// Whether this sender may send to a site.
    pub(crate) fn access(&self, id: &str, token: Option<&str>, origin: Option<&str>) -> SiteAccess {
        if self.open {
            let known = self.by_id.get_key_value(id);
            let key =
                known.zip(token).and_then(|((_, site), token)| secret::validity(&site.secret_keys, token));
            let (site, rules) = known
                .map_or_else(|| (id.into(), Arc::default()), |(id, site)| (id.clone(), site.rules.clone()));
            return SiteAccess::Granted(Grant { site, rules, key, may_import: true });
        }
        let Some((id, site)) = self.by_id.get_key_value(id) else { return SiteAccess::UnknownSite };
        let granted = |key: Option<Validity>| {
            let (id, rules) = (id.clone(), site.rules.clone());
            SiteAccess::Granted(Grant { site: id, rules, key, may_import: key.is_some() })
        };
        match (token, origin) {
            (Some(token), _) => match secret::validity(&site.secret_keys, token) {
                None => SiteAccess::WrongKey,
                key => granted(key),
            },
            (None, Some(origin)) if !site.origins.contain(origin) => SiteAccess::WrongOrigin,
            (None, _) => granted(None),
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
    Granted(Grant),
    UnknownSite,
    WrongKey,
    WrongOrigin,
}

/// What a sender may do with a site.
pub(crate) struct Grant {
    pub(crate) site: Arc<str>,
    pub(crate) rules: Arc<Rules>,
    /// When the secret key that was shown is valid: whoever knows the time judges it.
    pub(crate) key: Option<Validity>,
    pub(crate) may_import: bool,
}

#[derive(Debug)]
struct Site {
    origins: Origins,
    read_tokens: Vec<Secret>,
    secret_keys: Vec<Key>,
    rules: Arc<Rules>,
}

//! Who may send to a site: anyone who knows its public id, browsers only from its origins, imports only with
//! a secret key.

use std::sync::Arc;

use crate::{
    Refusal, RefusalKind, Sites,
    decode::Decoded,
    sites::{Grant, Rules, SiteAccess, Validity},
};

/// What a request carries beside its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Origin` header; absent outside of browsers, and in a pixel.
    pub origin: Option<&'a str>,
}

/// The token of an `Authorization: Bearer …` header; the scheme in any case.
#[must_use]
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A request whose sender may send to its site.
pub struct Authorised<'a> {
    pub(crate) site: Arc<str>,
    /// The client itself speaks, not a back end for it: the request's address is the client's.
    pub(crate) direct: bool,
    /// What the site wants to be done with its events.
    pub(crate) rules: Arc<Rules>,
    /// When the key is valid that the sender showed: [`admit`](Self::admit) is told the time.
    pub(crate) key: Option<Validity>,
    pub(crate) request: Decoded<'a>,
}

impl<'a> Decoded<'a> {
    /// Judges the sender. Fails with 401 for an unknown site, a wrong key, or an import without one, and with
    /// 403 for an origin that is not the site's. A secret key stands for itself: no origin is asked.
    pub fn authorise(self, sites: &Sites, credentials: &Credentials<'_>) -> Result<Authorised<'a>, Refusal> {
        let unauthorised = |message: &str| Refusal::new(RefusalKind::Unauthorised, message);
        let token = match credentials.authorization {
            Some(header) => match bearer(header) {
                None if !sites.is_open() => {
                    return Err(unauthorised("Authorization: not `Bearer` and a secret key"));
                }
                token => token,
            },
            None => None,
        };
        let access = sites.access(&self.site_id, token, credentials.origin);
        let Grant { site, rules, key, may_import } = match access {
            SiteAccess::Granted(grant) => grant,
            SiteAccess::UnknownSite => return Err(unauthorised("site_id: no such site")),
            SiteAccess::WrongKey => return Err(unauthorised("Authorization: not a secret key of this site")),
            SiteAccess::WrongOrigin => {
                return Err(Refusal::new(RefusalKind::Forbidden, "Origin: not one of this site's origins"));
            }
        };
        if self.import && !may_import {
            return Err(unauthorised("import: needs a secret key of this site in Authorization"));
        }
        Ok(Authorised { site, direct: key.is_none() && !self.import, rules, key, request: self })
    }
}

//! What the collector adds to an event.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use headwater_schema::{Agent, Event, SCHEMA_VERSION, Software};

use crate::{
    Fresh, IpSalt, address,
    admit::{Meta, Sound},
    decode::{Batch, Event as Fields, Text},
    limits,
    referrer::Visit,
    scrub::scrub,
    settings::RemoteSettings,
};

/// What the host knows about a request beside its bytes.
#[derive(Clone, Debug, Default)]
pub struct Surroundings<'a> {
    /// The address the request came from. Only what the site's policy says is kept of it, and nothing when a back end
    /// speaks for the client.
    pub ip: Option<IpAddr>,
    /// By what a site hashes addresses that wants them hashed.
    pub ip_salt: Option<IpSalt>,
    /// Where that address is.
    pub place: Place,
    /// The program that sent it; nothing of it is kept when a back end speaks for the client.
    pub program: Program<'a>,
    /// The `Origin` header: which host a page is of whose addresses do not say it.
    pub origin: Option<&'a str>,
}

/// What the host knows of the program that sent a request.
#[derive(Clone, Debug, Default)]
pub enum Program<'a> {
    /// It did not look.
    #[default]
    Unknown,
    /// What the headers say, from a host that has no tables: the events carry it to the stage behind.
    Told(Agent<'a>),
    /// What a host with tables made of it: nothing else is passed on.
    Known(Arc<Software>),
}

/// A place, as the host's source of places has it.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The first subdivision.
    pub region: Option<String>,
    /// The city's name.
    pub city: Option<String>,
    /// IANA zone; the sender's own zone goes before it.
    pub timezone: Option<String>,
}

/// A request whose events have what the collector adds.
pub struct Enriched<'a> {
    pub(crate) fresh: Fresh<'a>,
    /// Nothing in it when a back end spoke.
    surroundings: Surroundings<'a>,
    ip: Option<String>,
}

impl<'a> Fresh<'a> {
    /// Adds place, program, what is kept of the address, corrected time, path, campaign and the kind of the referrer; takes
    /// out of addresses what identifies a person or opens a door.
    #[must_use]
    pub fn enrich(self, surroundings: Surroundings<'a>) -> Enriched<'a> {
        let surroundings = if self.meta.direct { surroundings } else { Surroundings::default() };
        let (policy, salt) = (self.meta.rules.policy.ip, surroundings.ip_salt.as_ref());
        let ip = surroundings.ip.and_then(|ip| address::kept(policy, ip, salt, &self.meta.site));
        Enriched { fresh: self, surroundings, ip }
    }
}

impl Enriched<'_> {
    /// What the sender is to be told, if it is an SDK.
    pub(crate) fn settings(&self) -> Option<RemoteSettings> {
        let Meta { by_sdk, rules, .. } = &self.fresh.meta;
        let country = self.surroundings.place.country.as_deref();
        by_sdk.then(|| rules.told(country)).flatten()
    }

    /// The record of one event. Made one by one, so that a request is not held a third time.
    pub(crate) fn event(&self, batch: &Batch<'_>, event: &Sound<'_>, event_id: String) -> Event {
        let Meta { site, import, sent_at, received_at, .. } = &self.fresh.meta;
        let Surroundings { place, program, .. } = &self.surroundings;
        let (context, fields) = (&batch.context, &event.fields);
        let url = fields.url.as_deref().map(scrub);
        let utm = Utm::of(url.as_deref().unwrap_or_default());
        // An app's HTTP library says nothing of who sits before the app.
        let is_app = context.platform.as_deref().is_some_and(|platform| platform != "web");
        let (software, headers) = match program {
            _ if is_app => (Software::default(), BTreeMap::new()),
            Program::Unknown => (Software::default(), BTreeMap::new()),
            Program::Known(software) => (Software::clone(software), BTreeMap::new()),
            Program::Told(agent) => {
                let headers = agent.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
                (Software::default(), headers.collect())
            }
        };
        Event {
            event_id,
            stream: batch.stream,
            seq: event.seq,
            site_id: site.to_string(),
            client_id: batch.client_id.as_deref().unwrap_or_default().to_owned(),
            user_id: owned(batch.user_id.as_ref()),
            session_id: owned(fields.session_id.as_ref().or(batch.session_id.as_ref())),
            device_id: owned(context.device_id.as_ref()),
            platform: owned(context.platform.as_ref()),
            app_version: owned(context.app_version.as_ref()),
            event_type: fields.kind.0.clone().into_owned(),
            name: owned(fields.name.as_ref()),
            element: owned(fields.element.as_ref()),
            path: url.as_deref().and_then(path_of).map(str::to_owned),
            referrer: fields.referrer.as_deref().map(|referrer| scrub(referrer).into_owned()),
            referrer_class: self.referrer_class(fields, &utm),
            url: url.map(Cow::into_owned),
            utm_source: utm.source,
            utm_medium: utm.medium,
            utm_campaign: utm.campaign,
            utm_term: utm.term,
            utm_content: utm.content,
            country: place.country.clone(),
            region: place.region.clone(),
            city: place.city.clone(),
            timezone: owned(context.tz.as_ref()).or_else(|| place.timezone.clone()),
            locale: owned(context.locale.as_ref()),
            screen: owned(context.screen.as_ref()),
            device: software.device,
            os: software.os,
            browser: software.browser,
            browser_version: software.browser_version,
            bot: software.bot,
            timestamp: event.timestamp,
            ts: event.ts,
            sent_at: *sent_at,
            received_at: *received_at,
            schema_version: SCHEMA_VERSION,
            ip: self.ip.clone(),
            sdk: owned(context.sdk.as_ref()),
            props: fields.props.map(ToOwned::to_owned),
            revenue: fields.revenue,
            currency: owned(fields.currency.as_ref()),
            import: *import,
            headers,
        }
    }

    /// Of a page view, and of whatever else names a referrer.
    fn referrer_class(&self, fields: &Fields<'_>, utm: &Utm) -> Option<String> {
        let referrer = fields.referrer.as_deref();
        if referrer.is_none() && *fields.kind != *"pageview" {
            return None;
        }
        let visit = Visit {
            url: fields.url.as_deref().unwrap_or_default(),
            referrer,
            origin: self.surroundings.origin,
            source: utm.source.as_deref(),
            medium: utm.medium.as_deref(),
        };
        Some(visit.class().as_str().to_owned())
    }
}

fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.map(|text| text.to_string())
}

/// IPv4 cut to /24, IPv6 to /48, the sizes that GDPR practice takes for anonymous.
pub(crate) fn anonymised(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    }
}

/// The path of a URL that is absolute, protocol-relative, or from the root; a bare word is a path itself.
fn path_of(url: &str) -> Option<&str> {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    let after_scheme = match url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => Some(rest),
        _ => url.strip_prefix("//"),
    };
    match after_scheme {
        Some(rest) => Some(rest.find('/').map_or("/", |slash| &rest[slash..])),
        // `mailto:x`, `about:blank`
        None if url.is_empty() || (!url.starts_with('/') && url.contains(':')) => None,
        None => Some(url),
    }
}

/// The five `utm_…` values that every analytics system knows.
#[derive(Debug, Default, Eq, PartialEq)]
struct Utm {
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
}

impl Utm {
    fn of(url: &str) -> Self {
        let mut utm = Self::default();
        let before_fragment = url.split('#').next().unwrap_or_default();
        let Some((_, query)) = before_fragment.split_once('?') else { return utm };
        if !query.contains("utm_") {
            return utm;
        }
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*key {
                "utm_source" => &mut utm.source,
                "utm_medium" => &mut utm.medium,
                "utm_campaign" => &mut utm.campaign,
                "utm_term" => &mut utm.term,
                "utm_content" => &mut utm.content,
                _ => continue,
            };
            if slot.is_none() && !value.is_empty() && !value.contains('\0') {
                *slot = Some(cut(value, limits::UTM_BYTES));
            }
        }
        utm
    }
}

fn cut(text: Cow<'_, str>, bytes: usize) -> String {
    let mut text = text.into_owned();
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_url_is_what_people_group_by() {
        for (url, path) in [
            ("/pricing", Some("/pricing")),
            ("/pricing?a=/b#c", Some("/pricing")),
            ("https://shop.example/a/b?x=1", Some("/a/b")),
            ("https://shop.example", Some("/")),
            ("https://shop.example?x=http://y/z", Some("/")),
            ("//cdn.example/a", Some("/a")),
            ("app://screen/settings", Some("/settings")),
            ("pricing", Some("pricing")),
            ("/go?to=https://x", Some("/go")),
            ("/a://b", Some("/a://b")),
            ("mailto:a@b", None),
            ("about:blank", None),
            ("", None),
            ("?q", None),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }

    #[test]
    fn addresses_are_anonymised() {
        for (ip, kept) in [
            ("203.0.113.77", "203.0.113.0"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("2001:db8:1234:5678::1", "2001:db8:1234::"),
            ("::1", "::"),
        ] {
            assert_eq!(anonymised(ip.parse().unwrap()).to_string(), kept);
        }
    }

    #[test]
    fn campaigns_are_decoded_once_and_bounded() {
        let utm = Utm::of("/?utm_source=news%20letter&utm_source=2&utm_medium=&utm_term=a%00b#utm_content=x");
        assert_eq!(utm, Utm { source: Some("news letter".into()), ..Utm::default() });
        let long = format!("/?utm_campaign={}", "é".repeat(300));
        assert_eq!(Utm::of(&long).campaign.unwrap(), "é".repeat(128));
    }
}

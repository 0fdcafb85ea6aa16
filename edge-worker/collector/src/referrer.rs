//! What kind of place a visitor came from. `places` has those that bring most visits; a new one goes into it.
//!
//! What the address of the page says of a campaign goes before the referrer: a click on an advertisement may come from
//! anywhere, and many programs send no referrer.

mod places;

use places::of_host;

/// The kinds, as they are written into [`Event::referrer_class`](headwater_schema::Event::referrer_class).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    Ai,
    Direct,
    Internal,
    Mail,
    Paid,
    Referral,
    Search,
    Social,
}

impl Class {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ai => "ai",
            Self::Direct => "direct",
            Self::Internal => "internal",
            Self::Mail => "mail",
            Self::Paid => "paid",
            Self::Referral => "referral",
            Self::Search => "search",
            Self::Social => "social",
        }
    }
}

/// Longest host name in bytes.
const HOST_BYTES: usize = 253;

/// Parameters that advertising networks add to the addresses of what was paid for. (`fbclid` is added to every link.)
const CLICK_IDS: [&str; 13] = [
    "dclid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "li_fat_id",
    "msclkid",
    "obclid",
    "rdt_cid",
    "tblci",
    "ttclid",
    "twclid",
    "wbraid",
];

/// `utm_medium` of what is paid for, beside `paid…` and whatever has `cp` in it: as Google Analytics' default channels.
const PAID_MEDIA: [&str; 6] = ["banner", "display", "expandable", "interstitial", "ppc", "retargeting"];

/// Likewise of mail.
const MAIL_MEDIA: [&str; 6] = ["e-mail", "e_mail", "email", "e mail", "mail", "newsletter"];

/// Likewise of social networks.
const SOCIAL_MEDIA: [&str; 6] =
    ["sm", "social", "social media", "social network", "social-media", "social-network"];

/// What a page view says of where it came from.
pub(crate) struct Visit<'a> {
    /// The page's address, absolute or from the root.
    pub(crate) url: &'a str,
    /// Where the page was found, as the sender said it.
    pub(crate) referrer: Option<&'a str>,
    /// The `Origin` of the request, for pages whose addresses do not say their host.
    pub(crate) origin: Option<&'a str>,
    /// `utm_source` and `utm_medium` of the address.
    pub(crate) source: Option<&'a str>,
    pub(crate) medium: Option<&'a str>,
}

impl Visit<'_> {
    /// The first that applies: paid for, a campaign's kind, the referrer's, what a campaign's source is.
    pub(crate) fn class(&self) -> Class {
        if has_parameter(self.url, &CLICK_IDS) {
            return Class::Paid;
        }
        let medium = self.medium.unwrap_or_default().to_ascii_lowercase();
        if let Some(class) = of_medium(&medium) {
            return class;
        }
        match self.referrer.map(str::trim).filter(|text| !text.is_empty()) {
            Some(referrer) => self.of_referrer(referrer),
            // Apps of networks and assistants send their name and no referrer.
            None => match self.source.and_then(host).as_deref().and_then(of_host) {
                Some(class) => class,
                None if has_parameter(self.url, &["fbclid", "igshid"]) => Class::Social,
                None => Class::Direct,
            },
        }
    }

    fn of_referrer(&self, referrer: &str) -> Class {
        let Some(from) = host(referrer) else {
            // From the root of the same site; anything else names no place.
            return if referrer.starts_with('/') { Class::Internal } else { Class::Referral };
        };
        let own = absolute_host(self.url).or_else(|| self.origin.and_then(absolute_host));
        if own.is_some_and(|own| without_www(&own) == without_www(&from)) {
            return Class::Internal;
        }
        of_host(&from).unwrap_or(Class::Referral)
    }
}

fn of_medium(medium: &str) -> Option<Class> {
    if medium.is_empty() {
        None
    } else if medium.starts_with("paid") || medium.contains("cp") || PAID_MEDIA.contains(&medium) {
        Some(Class::Paid)
    } else if MAIL_MEDIA.contains(&medium) {
        Some(Class::Mail)
    } else if SOCIAL_MEDIA.contains(&medium) {
        Some(Class::Social)
    } else {
        None
    }
}

fn without_www(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

/// The host of an address that says one.
fn absolute_host(url: &str) -> Option<String> {
    let has_scheme = url.split_once("//").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']));
    if has_scheme { host(url) } else { None }
}

/// The host in lower case, of an address with or without a scheme.
fn host(url: &str) -> Option<String> {
    let rest = match url.split_once("//") {
        Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => rest,
        _ => url,
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    (host.contains('.') && host.len() <= HOST_BYTES).then(|| host.to_ascii_lowercase())
}

/// Whether the query has one of these parameters, with a value.
fn has_parameter(url: &str, names: &[&str]) -> bool {
    let before_fragment = url.split('#').next().unwrap_or_default();
    let Some((_, query)) = before_fragment.split_once('?') else { return false };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .any(|(name, value)| !value.is_empty() && names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn class(url: &str, referrer: Option<&str>) -> &'static str {
        let parameter = |name: &str| url.split(['?', '&']).find_map(|pair| pair.strip_prefix(name));
        let (source, medium) = (parameter("utm_source="), parameter("utm_medium="));
        Visit { url, referrer, origin: Some("https://www.shop.example"), source, medium }.class().as_str()
    }

    #[test]
    fn the_place_before_says_what_kind_it_is() {
        for (referrer, of) in [
            ("https://www.google.com/", "search"),
            ("google.com", "search"),
            ("https://google.co.uk/search?q=x", "search"),
            ("https://uk.search.yahoo.com", "search"),
            ("https://duckduckgo.com/", "search"),
            ("android-app://com.google.android.googlequicksearchbox/", "search"),
            ("https://L.FACEBOOK.com:443/l.php", "social"),
            ("https://t.co/x", "social"),
            ("https://old.reddit.com/r/x", "social"),
            ("https://chatgpt.com/", "ai"),
            ("https://www.perplexity.ai/search", "ai"),
            ("https://claude.ai/chat/1", "ai"),
            ("https://gemini.google.com/", "ai"),
            ("https://copilot.microsoft.com/", "ai"),
            ("https://mail.google.com/mail/u/0", "mail"),
            ("android-app://com.google.android.gm/", "mail"),
            ("https://googleads.g.doubleclick.net/x", "paid"),
            ("https://docs.google.com/document/d/1", "referral"),
            ("https://google.evil.example/", "referral"),
            ("https://notgoogle.com/", "referral"),
            ("https://blog.example/", "referral"),
            ("https://shop.example/before", "internal"),
            ("https://user@WWW.shop.example/before", "internal"),
            ("/before", "internal"),
            ("", "direct"),
        ] {
            assert_eq!(class("/pricing", Some(referrer)), of, "{referrer}");
        }
        assert_eq!(class("https://other.example/a", Some("https://other.example/")), "internal");
        assert_eq!(class("https://other.example/a", Some("https://shop.example/")), "referral");
    }

    #[test]
    fn what_the_address_says_goes_before_the_referrer() {
        for (url, of) in [
            ("/?gclid=abc", "paid"),
            ("/?a=1&msclkid=abc#x", "paid"),
            ("/?gclid=", "search"),
            ("/#gclid=abc", "search"),
            ("/?utm_medium=CPC", "paid"),
            ("/?utm_medium=paid-social", "paid"),
            ("/?utm_medium=email", "mail"),
            ("/?utm_medium=social", "social"),
            ("/?utm_medium=organic", "search"),
            ("/?fbclid=x", "search"),
        ] {
            assert_eq!(class(url, Some("https://www.google.com/")), of, "{url}");
        }
        assert_eq!(class("/?utm_source=chatgpt.com", None), "ai");
        assert_eq!(class("/?utm_source=newsletter", None), "direct");
        assert_eq!(class("/?fbclid=x", None), "social");
        assert_eq!(class("/", None), "direct");
    }

    proptest! {
        #[test]
        fn it_takes_any_text(url in "\\PC{0,40}", referrer in "\\PC{0,40}|[a-z.:/@?#]{0,40}") {
            let _ = class(&url, Some(&referrer));
            let _ = class(&referrer, Some(&url));
        }
    }
}

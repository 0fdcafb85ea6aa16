//! What kind of place a visitor came from. The table knows the places that bring most visits; a new one goes into it.
//!
//! What the address of the page says of a campaign goes before the referrer: a click on an advertisement may come from
//! anywhere, and many programs send no referrer.

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

/// Names that stand before any public suffix: `google.com`, `google.co.uk`.
const BRANDS: [(&str, Class); 8] = [
    ("amazon", Class::Referral),
    ("baidu", Class::Search),
    ("bing", Class::Search),
    ("google", Class::Search),
    ("pinterest", Class::Social),
    ("seznam", Class::Search),
    ("yahoo", Class::Search),
    ("yandex", Class::Search),
];

/// Domains and the packages of Android apps, sorted. The longest that a host ends with counts.
static PLACES: [(&str, Class); 198] = [
    ("accounts.google.com", Class::Referral),
    ("adroll.com", Class::Paid),
    ("ads.google.com", Class::Paid),
    ("adservice.google.com", Class::Paid),
    ("ai.perplexity.app.android", Class::Ai),
    ("aistudio.google.com", Class::Ai),
    ("andisearch.com", Class::Ai),
    ("anthropic.com", Class::Ai),
    ("aol.com", Class::Search),
    ("app.fastmail.com", Class::Mail),
    ("app.tuta.com", Class::Mail),
    ("ask.com", Class::Search),
    ("bard.google.com", Class::Ai),
    ("bingads.com", Class::Paid),
    ("bsky.app", Class::Social),
    ("calendar.google.com", Class::Referral),
    ("campaign-archive.com", Class::Mail),
    ("character.ai", Class::Ai),
    ("chat.qwen.ai", Class::Ai),
    ("chatgpt.com", Class::Ai),
    ("classroom.google.com", Class::Referral),
    ("claude.ai", Class::Ai),
    ("cloud.google.com", Class::Referral),
    ("coccoc.com", Class::Search),
    ("com.anthropic.claude", Class::Ai),
    ("com.facebook.katana", Class::Social),
    ("com.google.android.apps.bard", Class::Ai),
    ("com.google.android.gm", Class::Mail),
    ("com.google.android.googlequicksearchbox", Class::Search),
    ("com.google.android.youtube", Class::Social),
    ("com.instagram.android", Class::Social),
    ("com.linkedin.android", Class::Social),
    ("com.microsoft.copilot", Class::Ai),
    ("com.openai.chatgpt", Class::Ai),
    ("com.reddit.frontpage", Class::Social),
    ("com.slack", Class::Social),
    ("com.twitter.android", Class::Social),
    ("copilot.cloud.microsoft", Class::Ai),
    ("copilot.com", Class::Ai),
    ("copilot.microsoft.com", Class::Ai),
    ("criteo.com", Class::Paid),
    ("cse.google.com", Class::Search),
    ("daum.net", Class::Search),
    ("deepseek.com", Class::Ai),
    ("discord.com", Class::Social),
    ("discord.gg", Class::Social),
    ("docs.google.com", Class::Referral),
    ("dogpile.com", Class::Search),
    ("douban.com", Class::Social),
    ("doubao.com", Class::Ai),
    ("doubleclick.net", Class::Paid),
    ("drive.google.com", Class::Referral),
    ("duck.ai", Class::Ai),
    ("duckduckgo.com", Class::Search),
    ("e.mail.ru", Class::Mail),
    ("ecosia.org", Class::Search),
    ("email.seznam.cz", Class::Mail),
    ("excite.com", Class::Search),
    ("facebook.com", Class::Social),
    ("fastmail.com", Class::Mail),
    ("fb.com", Class::Social),
    ("fb.me", Class::Social),
    ("finance.yahoo.com", Class::Referral),
    ("flickr.com", Class::Social),
    ("freemail.hu", Class::Mail),
    ("gemini.google.com", Class::Ai),
    ("gibiru.com", Class::Search),
    ("gmx.com", Class::Mail),
    ("gmx.de", Class::Mail),
    ("gmx.net", Class::Mail),
    ("goodreads.com", Class::Social),
    ("googleadservices.com", Class::Paid),
    ("googlesyndication.com", Class::Paid),
    ("grok.com", Class::Ai),
    ("groups.google.com", Class::Referral),
    ("hey.com", Class::Mail),
    ("hotmail.com", Class::Mail),
    ("iask.ai", Class::Ai),
    ("icloud.com", Class::Mail),
    ("info.com", Class::Search),
    ("instagram.com", Class::Social),
    ("kagi.com", Class::Search),
    ("kakao.com", Class::Social),
    ("kimi.com", Class::Ai),
    ("kimi.moonshot.cn", Class::Ai),
    ("komo.ai", Class::Ai),
    ("line.me", Class::Social),
    ("linkedin.com", Class::Social),
    ("lnkd.in", Class::Social),
    ("lumo.proton.me", Class::Ai),
    ("lycos.com", Class::Search),
    ("mail.126.com", Class::Mail),
    ("mail.163.com", Class::Mail),
    ("mail.aol.com", Class::Mail),
    ("mail.com", Class::Mail),
    ("mail.google.com", Class::Mail),
    ("mail.ionos.com", Class::Mail),
    ("mail.live.com", Class::Mail),
    ("mail.naver.com", Class::Mail),
    ("mail.proton.me", Class::Mail),
    ("mail.qq.com", Class::Mail),
    ("mail.ru", Class::Mail),
    ("mail.yahoo.com", Class::Mail),
    ("mail.yandex.com", Class::Mail),
    ("mail.yandex.ru", Class::Mail),
    ("mail.zoho.com", Class::Mail),
    ("mailchi.mp", Class::Mail),
    ("marginalia-search.com", Class::Search),
    ("mastodon.online", Class::Social),
    ("mastodon.social", Class::Social),
    ("medium.com", Class::Social),
    ("meet.google.com", Class::Referral),
    ("meetup.com", Class::Social),
    ("messenger.com", Class::Social),
    ("meta.ai", Class::Ai),
    ("metager.de", Class::Search),
    ("metager.org", Class::Search),
    ("mistral.ai", Class::Ai),
    ("mojeek.com", Class::Search),
    ("myspace.com", Class::Social),
    ("naver.com", Class::Search),
    ("news.ycombinator.com", Class::Social),
    ("nextdoor.com", Class::Social),
    ("notebooklm.google.com", Class::Ai),
    ("ok.ru", Class::Social),
    ("onesearch.com", Class::Search),
    ("openai.com", Class::Ai),
    ("org.telegram.messenger", Class::Social),
    ("outbrain.com", Class::Paid),
    ("outlook.com", Class::Mail),
    ("outlook.live.com", Class::Mail),
    ("outlook.office.com", Class::Mail),
    ("outlook.office365.com", Class::Mail),
    ("perplexity.ai", Class::Ai),
    ("petalsearch.com", Class::Search),
    ("phind.com", Class::Ai),
    ("pi.ai", Class::Ai),
    ("pin.it", Class::Social),
    ("play.google.com", Class::Referral),
    ("poczta.onet.pl", Class::Mail),
    ("poe.com", Class::Ai),
    ("presearch.com", Class::Search),
    ("producthunt.com", Class::Social),
    ("protonmail.com", Class::Mail),
    ("quora.com", Class::Social),
    ("qwant.com", Class::Search),
    ("rambler.ru", Class::Search),
    ("reddit.com", Class::Social),
    ("search.aol.com", Class::Search),
    ("search.brave.com", Class::Search),
    ("search.com", Class::Search),
    ("seznam.email", Class::Mail),
    ("sites.google.com", Class::Referral),
    ("slack.com", Class::Social),
    ("sm.cn", Class::Search),
    ("snapchat.com", Class::Social),
    ("so.com", Class::Search),
    ("sogou.com", Class::Search),
    ("stackoverflow.com", Class::Social),
    ("startpage.com", Class::Search),
    ("support.google.com", Class::Referral),
    ("swisscows.com", Class::Search),
    ("t.co", Class::Social),
    ("t.me", Class::Social),
    ("taboola.com", Class::Paid),
    ("teams.microsoft.com", Class::Social),
    ("telegram.me", Class::Social),
    ("telegram.org", Class::Social),
    ("threads.com", Class::Social),
    ("threads.net", Class::Social),
    ("tiktok.com", Class::Social),
    ("translate.google.com", Class::Referral),
    ("tumblr.com", Class::Social),
    ("tutanota.com", Class::Mail),
    ("twitch.tv", Class::Social),
    ("twitter.com", Class::Social),
    ("viber.com", Class::Social),
    ("vimeo.com", Class::Social),
    ("vk.com", Class::Social),
    ("wa.me", Class::Social),
    ("web.de", Class::Mail),
    ("web.telegram.org", Class::Social),
    ("webcrawler.com", Class::Search),
    ("wechat.com", Class::Social),
    ("weibo.cn", Class::Social),
    ("weibo.com", Class::Social),
    ("weixin.qq.com", Class::Social),
    ("whatsapp.com", Class::Social),
    ("x.ai", Class::Ai),
    ("x.com", Class::Social),
    ("xiaohongshu.com", Class::Social),
    ("xing.com", Class::Social),
    ("ya.ru", Class::Search),
    ("you.com", Class::Ai),
    ("youtu.be", Class::Social),
    ("youtube.com", Class::Social),
    ("zhihu.com", Class::Social),
    ("zoho.com", Class::Mail),
];

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

fn of_host(host: &str) -> Option<Class> {
    let mut rest = Some(host);
    while let Some(name) = rest {
        if let Ok(at) = PLACES.binary_search_by(|(known, _)| known.cmp(&name)) {
            return Some(PLACES[at].1);
        }
        if let Some(class) = of_brand(name) {
            return Some(class);
        }
        rest = name.split_once('.').map(|(_, shorter)| shorter);
    }
    None
}

/// A brand's own domain in any country.
fn of_brand(name: &str) -> Option<Class> {
    let (label, suffix) = name.split_once('.')?;
    let is_country = |part: &str| (2..=3).contains(&part.len());
    let is_suffix = match suffix.split_once('.') {
        None => is_country(suffix),
        Some((second, country)) => matches!(second, "co" | "com" | "ne") && is_country(country),
    };
    let found = BRANDS.binary_search_by(|(known, _)| known.cmp(&label)).ok()?;
    is_suffix.then(|| BRANDS[found].1)
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
    fn tables_are_sorted() {
        assert!(PLACES.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(BRANDS.is_sorted_by(|(a, _), (b, _)| a < b));
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

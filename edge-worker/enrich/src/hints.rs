//! User-Agent Client Hints: what a browser says of itself in fields, where its user agent is frozen.

use headwater_schema::Agent;

/// What the hints of a request say; each absent unless they do.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Hints {
    /// The browser's name as the user-agent tables have it.
    pub(crate) browser: Option<&'static str>,
    /// Its version: in full if the browser was asked for it, else the major one.
    pub(crate) version: Option<String>,
    pub(crate) os: Option<&'static str>,
    pub(crate) device: Option<&'static str>,
    /// A brand says that nobody sits before it.
    pub(crate) is_headless: bool,
}

/// Brands: what they call themselves, and what the tables call them on a desktop and on a phone. `Chromium` is beside
/// every other brand and says nothing; those that are not here are made up, so that nobody relies on the list.
const BRANDS: [(&str, &str, &str); 12] = [
    ("Android WebView", "Chrome Mobile WebView", "Chrome Mobile WebView"),
    ("Brave", "Brave", "Brave"),
    ("DuckDuckGo", "DuckDuckGo", "DuckDuckGo Mobile"),
    ("Google Chrome", "Chrome", "Chrome Mobile"),
    ("HeadlessChrome", "HeadlessChrome", "HeadlessChrome"),
    ("Microsoft Edge", "Edge", "Edge Mobile"),
    ("Oculus Browser", "Oculus Browser", "Oculus Browser"),
    ("Opera", "Opera", "Opera Mobile"),
    ("Samsung Internet", "Samsung Internet", "Samsung Internet"),
    ("Vivaldi", "Vivaldi", "Vivaldi"),
    ("YaBrowser", "Yandex Browser", "Yandex Browser"),
    ("Yandex", "Yandex Browser", "Yandex Browser"),
];

/// `Sec-CH-UA-Platform`, and the name by which the tables' systems are written.
const PLATFORMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("Chrome OS", "Chrome OS"),
    ("Chromium OS", "Chrome OS"),
    ("Linux", "Linux"),
    ("Windows", "Windows"),
    ("iOS", "iOS"),
    ("macOS", "macOS"),
];

/// `Sec-CH-UA-Form-Factors`, and the device that each is.
const FORM_FACTORS: [(&str, &str); 5] = [
    ("Tablet", "tablet"),
    ("Mobile", "phone"),
    ("Watch", "wearable"),
    ("XR", "wearable"),
    ("Automotive", "car"),
];

impl Hints {
    pub(crate) fn of(agent: &Agent<'_>) -> Self {
        let mobile = agent.get("sec-ch-ua-mobile").map(str::trim);
        let is_mobile = mobile == Some("?1");
        let list = agent.get("sec-ch-ua-full-version-list").or_else(|| agent.get("sec-ch-ua"));
        let list = list.unwrap_or_default();
        let is_headless = list.contains("HeadlessChrome")
            || agent.get("sec-ch-ua").unwrap_or_default().contains("HeadlessChrome");
        let known = brands(list).find_map(|(brand, version)| {
            let (_, desktop, phone) = BRANDS.iter().find(|(name, ..)| *name == brand)?;
            Some((if is_mobile { *phone } else { *desktop }, version))
        });
        let platform = agent.get("sec-ch-ua-platform").map(|text| text.trim().trim_matches('"'));
        let os =
            platform.and_then(|name| PLATFORMS.iter().find(|(known, _)| *known == name).map(|(_, os)| *os));
        let factors = agent.get("sec-ch-ua-form-factors").unwrap_or_default();
        let factor = FORM_FACTORS.iter().find(|(name, _)| brands(factors).any(|(found, _)| found == *name));
        let device = factor.map(|(_, device)| *device).or(match (mobile, os) {
            (Some("?1"), _) => Some("phone"),
            (Some("?0"), Some("Android")) => Some("tablet"),
            (Some("?0"), Some(_)) => Some("desktop"),
            _ => None,
        });
        let (browser, version) = known.unzip();
        Self {
            browser,
            version: version.filter(|version| !version.is_empty()).map(str::to_owned),
            os,
            device,
            is_headless,
        }
    }
}

/// The names of a list of strings, each with its parameter `v`: `"Chromium";v="142", "Not_A Brand";v="99"`.
fn brands(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let name = quoted(&mut rest)?;
        let end = rest.find(',').unwrap_or(rest.len());
        let mut parameters = &rest[..end];
        let version = parameters.contains(";v=").then(|| quoted(&mut parameters)).flatten();
        rest = &rest[end..];
        Some((name, version.unwrap_or_default()))
    })
}

/// The next text in quotes. Names with quotes in them are made up.
fn quoted<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let (_, after) = rest.split_once('"')?;
    let (text, after) = after.split_once('"')?;
    *rest = after;
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hints(headers: &[(&str, &str)]) -> Hints {
        Hints::of(&Agent::read(|name| {
            headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        }))
    }

    #[test]
    fn brands_that_are_made_up_are_passed_over() {
        let chrome = hints(&[
            ("sec-ch-ua", r#""Not/A)Brand";v="99", "Chromium";v="142", "Google Chrome";v="142""#),
            ("sec-ch-ua-mobile", "?0"),
            ("sec-ch-ua-platform", r#""macOS""#),
        ]);
        let expected = Hints {
            browser: Some("Chrome"),
            version: Some("142".to_owned()),
            os: Some("macOS"),
            device: Some("desktop"),
            is_headless: false,
        };
        assert_eq!(chrome, expected);
        let unknown = hints(&[("sec-ch-ua", r#""Chromium";v="142", "Not_A Brand";v="99""#)]);
        assert_eq!((unknown.browser, unknown.version), (None, None));
    }

    #[test]
    fn the_full_version_goes_before_the_major_one() {
        let edge = hints(&[
            ("sec-ch-ua", r#""Chromium";v="142", "Microsoft Edge";v="142""#),
            (
                "sec-ch-ua-full-version-list",
                r#""Chromium";v="142.0.7444.60", "Microsoft Edge";v="142.0.3595.53""#,
            ),
            ("sec-ch-ua-mobile", "?1"),
        ]);
        assert_eq!((edge.browser, edge.version.as_deref()), (Some("Edge Mobile"), Some("142.0.3595.53")));
        assert_eq!(edge.device, Some("phone"));
    }

    #[test]
    fn an_android_that_is_not_mobile_is_a_tablet_and_form_factors_say_more() {
        let android = [("sec-ch-ua-mobile", "?0"), ("sec-ch-ua-platform", r#""Android""#)];
        assert_eq!(hints(&android).device, Some("tablet"));
        let headset = [android[0], android[1], ("sec-ch-ua-form-factors", r#""XR""#)];
        assert_eq!(hints(&headset).device, Some("wearable"));
        assert_eq!(hints(&[]), Hints::default());
    }

    proptest! {
        #[test]
        fn any_text_is_taken(list in "[ -~]{0,60}", mobile in "[?01]{0,3}", platform in "\\PC{0,10}") {
            hints(&[("sec-ch-ua", &list), ("sec-ch-ua-mobile", &mobile), ("sec-ch-ua-platform", &platform)]);
        }
    }
}

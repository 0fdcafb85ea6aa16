//! What kind of device a user agent is of. The tables know makers and models; what people group by is simpler, and the
//! words for it are few: each is in the user agents of its kind and of no other.

/// Words that a kind's user agents have, in the order in which kinds are asked: a television says `Android` too.
const KINDS: [(&str, &[&str]); 6] = [
    ("console", &["PlayStation", "PLAYSTATION", "Playstation", "Xbox", "Nintendo", "PSP"]),
    (
        "tv",
        &[
            "AppleTV",
            "Apple TV",
            "tvOS",
            "Android TV",
            "BRAVIA",
            "CrKey",
            "DTV",
            "GoogleTV",
            "Google TV",
            "HbbTV",
            "InettvBrowser",
            "NetCast",
            "Opera TV",
            "Roku",
            "SMART-TV",
            "Smart-TV",
            "SmartTV",
            "SmartHub",
            "TV Safari",
            "VIDAA",
            "Viera",
            "Web0S",
            "webOS.TV",
            "; AFT",
        ],
    ),
    ("wearable", &["Watch", "OculusBrowser", "Quest", "Glass "]),
    (
        "tablet",
        &[
            "iPad", "Tablet", "tablet", "Kindle", "PlayBook", "TouchPad", "; KF", "Nexus 7", "Nexus 9",
            "Nexus 10",
        ],
    ),
    (
        "phone",
        &[
            "iPhone",
            "iPod",
            "Mobile",
            "mobile",
            "Mobi",
            "Windows Phone",
            "BlackBerry",
            "BB10",
            "Opera Mini",
            "MIDP",
            "Symbian",
            "SymbOS",
            "Nokia",
            "J2ME",
            "webOS/",
            "UCWEB",
            "KAIOS",
        ],
    ),
    ("desktop", &["Windows", "Macintosh", "Mac OS X", "Mac_PowerPC", "X11", "CrOS", "Linux", "BSD", "SunOS"]),
];

/// The kind of device, if the user agent says so. `model` is what a hint says where the user agent hides it.
pub(crate) fn kind(user_agent: &str, model: &str) -> Option<&'static str> {
    let has = |word: &str| user_agent.contains(word) || model.contains(word);
    let (kind, _) = KINDS.iter().find(|(_, words)| words.iter().any(|word| has(word)))?;
    match *kind {
        // Phones of Android say `Mobile`, and were asked before; what is left of it is no desktop.
        "desktop" if user_agent.contains("Android") => Some("tablet"),
        kind => Some(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_known_by_its_words() {
        for (user_agent, of) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", Some("desktop")),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.4 Safari/605.1.15", Some("desktop")),
            ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/142.0.0.0", Some("desktop")),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) Mobile/15E148", Some("phone")),
            ("Mozilla/5.0 (Linux; Android 10; K) Chrome/142.0.0.0 Mobile Safari/537.36", Some("phone")),
            ("Mozilla/5.0 (Linux; Android 10; K) Chrome/142.0.0.0 Safari/537.36", Some("tablet")),
            ("Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) Mobile/15E148", Some("tablet")),
            ("Mozilla/5.0 (Android 14; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0", Some("tablet")),
            ("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) Chrome/76.0 TV Safari/537.36", Some("tv")),
            ("Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/94.0 WebAppManager", Some("tv")),
            ("Mozilla/5.0 (PlayStation; PlayStation 5/9.00) Version/16.4 Safari", Some("console")),
            ("Mozilla/5.0 (Windows NT 10.0; Xbox; Xbox One) Edge/44", Some("console")),
            ("curl/8.5.0", None),
            ("", None),
        ] {
            assert_eq!(kind(user_agent, ""), of, "{user_agent}");
        }
        assert_eq!(kind("Mozilla/5.0 (Linux; Android 10; K) Chrome/142", "BRAVIA 4K"), Some("tv"));
    }
}

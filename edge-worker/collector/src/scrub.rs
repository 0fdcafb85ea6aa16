//! What may identify a person or open a door is taken out of addresses: e-mail addresses, the user of a URL, values of
//! parameters whose names say that they are secret, and JSON Web Tokens.
//!
//! **Invariants:** what was scrubbed is not changed by scrubbing it again, and is not longer than [`MARK`] per piece that
//! was taken out.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Stands for what was taken out.
pub(crate) const MARK: &str = "redacted";

/// How often text is decoded to look into it: addresses within addresses are encoded once more each.
const DECODINGS: u32 = 3;

/// A parameter whose name has one of these in it is secret.
const SECRET_STEMS: [&str; 10] =
    ["apikey", "credential", "email", "jwt", "passw", "secret", "session", "sessid", "signature", "token"];

/// A parameter one word of whose name is one of these is secret; a stem would also find `author` and `keyword`.
const SECRET_WORDS: [&str; 10] =
    ["auth", "authorization", "key", "mail", "oauth", "otp", "pass", "pwd", "sid", "sig"];

/// The address without what is secret in it.
pub(crate) fn scrub(url: &str) -> Cow<'_, str> {
    scrubbed(url, DECODINGS).map_or(Cow::Borrowed(url), Cow::Owned)
}

/// The address with marks in it; none if it has no need of them.
fn scrubbed(url: &str, decodings: u32) -> Option<String> {
    if !url.bytes().any(|byte| matches!(byte, b'@' | b'%' | b'=' | b'.')) {
        return None;
    }
    let mut out = String::with_capacity(url.len());
    let rest = without_user(url, &mut out);
    let mut is_changed = url.len() - rest.len() > out.len();
    for piece in rest.split_inclusive(['?', '#', '&', ';']) {
        let text = piece.trim_end_matches(['?', '#', '&', ';']);
        match text.split_once('=') {
            Some((name, value)) => {
                is_changed |= parts(name, decodings, &mut out);
                out.push('=');
                if is_secret_name(name) && !value.is_empty() && value != MARK {
                    out.push_str(MARK);
                    is_changed = true;
                } else {
                    is_changed |= parts(value, decodings, &mut out);
                }
            }
            None => is_changed |= parts(text, decodings, &mut out),
        }
        out.push_str(&piece[text.len()..]);
    }
    is_changed.then_some(out)
}

/// Writes the scheme, and returns what comes after the user: `https://user:word@host/` names one.
fn without_user<'a>(url: &'a str, out: &mut String) -> &'a str {
    let Some(at) = url.find("//").filter(|at| url[..*at].bytes().all(is_of_scheme)) else { return url };
    let (scheme, rest) = url.split_at(at + 2);
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    out.push_str(scheme);
    rest[..authority].rfind('@').map_or(rest, |user| &rest[user + 1..])
}

fn is_of_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b':')
}

/// Writes text between separators, part by part; true if one was taken out.
fn parts(text: &str, decodings: u32, out: &mut String) -> bool {
    let mut is_changed = false;
    for part in text.split_inclusive(['/', ',']) {
        let bare = part.trim_end_matches(['/', ',']);
        if is_secret(bare, decodings) {
            out.push_str(MARK);
            is_changed = true;
        } else {
            out.push_str(bare);
        }
        out.push_str(&part[bare.len()..]);
    }
    is_changed
}

/// Whether text, or what it decodes to, holds something to be taken out.
fn is_secret(text: &str, decodings: u32) -> bool {
    if has_email(text) || is_web_token(text) {
        return true;
    }
    if decodings == 0 || !text.contains('%') {
        return false;
    }
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    *decoded != *text && (is_secret(&decoded, 0) || scrubbed(&decoded, decodings - 1).is_some())
}

/// `a@b.cc` anywhere in it.
fn has_email(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let domain = &text[at + 1..];
        let end = domain.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.')));
        let domain = domain[..end.unwrap_or(domain.len())].trim_matches('.');
        let top = domain.rsplit_once('.').map_or("", |(_, top)| top);
        before.is_some_and(|c| !c.is_whitespace() && !matches!(c, '@' | ':'))
            && top.chars().count() >= 2
            && top.chars().any(char::is_alphabetic)
    })
}

/// `header.payload.signature`, each base64url; a header is a JSON object, so it begins with `{"`.
fn is_web_token(text: &str) -> bool {
    let Some(at) = text.find("eyJ") else { return false };
    let is_base64 = |part: &str| {
        part.len() >= 4 && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let mut parts = text[at..].splitn(3, '.');
    parts.next().is_some_and(is_base64) && parts.next().is_some_and(is_base64) && parts.next().is_some()
}

fn is_secret_name(name: &str) -> bool {
    let decoded = percent_decode_str(name).decode_utf8_lossy();
    // Of `user[access-token]` and of a path before it the last piece is the name.
    let lower = decoded.to_ascii_lowercase();
    let plain: String = lower.chars().filter(|c| !matches!(c, '-' | '_')).collect();
    if SECRET_STEMS.iter().any(|stem| plain.contains(stem)) {
        return true;
    }
    // `apiKey`, `x-key`, `user[pass]`
    let mut words = String::with_capacity(decoded.len() + 4);
    let mut before = ' ';
    for c in decoded.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            words.push(' ');
        }
        words.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' });
        before = c;
    }
    words.split(' ').any(|word| SECRET_WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_identifies_or_opens_is_taken_out() {
        for (url, kept) in [
            ("/reset?token=abc&next=/a", "/reset?token=redacted&next=/a"),
            (
                "/?apiKey=1&x-key=2&user[pass]=3&session_id=4",
                "/?apiKey=redacted&x-key=redacted&user[pass]=redacted&session_id=redacted",
            ),
            ("https://x.example/?to=jane%40mail.example#a", "https://x.example/?to=redacted#a"),
            ("/unsubscribe/jane.doe+x@mail.example/now", "/unsubscribe/redacted/now"),
            ("https://jane:word@x.example/a", "https://x.example/a"),
            ("/cb#access_token=abc&state=1", "/cb#access_token=redacted&state=1"),
            ("/?r=https%3A%2F%2Fx.example%2F%3Ftoken%3Dabc", "/?r=redacted"),
            ("/?r=jane%2540mail.example", "/?r=redacted"),
            ("/?t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "/?t=redacted"),
            ("mailto:jane@mail.example", "redacted"),
            ("/;jsessionid=1A?q=2", "/;jsessionid=redacted?q=2"),
            ("/?EMAIL=jane", "/?EMAIL=redacted"),
        ] {
            assert_eq!(scrub(url), kept, "{url}");
        }
    }

    #[test]
    fn what_is_harmless_stays_byte_for_byte() {
        for url in [
            "/pricing",
            "/?author=x&keyword=shoes&monkey=1&design=2&passage=3",
            "https://x.example/@jane/status/1",
            "https://medium.example/@a.b",
            "/?q=a%20b+c&gclid=Cj0K.abc-_&fbclid=IwAR0",
            "/?token=&key=redacted",
            "/?utm_source=news%20letter&utm_medium=cpc",
            "/a@b",
            "//cdn.example/x.y@2",
            "",
        ] {
            assert_eq!(scrub(url), url);
        }
    }

    proptest! {
        #[test]
        fn an_address_in_it_never_comes_out(
            before in "[ -~]{0,24}",
            name in "[a-z0-9][a-z0-9._-]{0,8}",
            domain in "[a-z][a-z0-9]{0,8}[.][a-z]{2,6}",
            after in "([/?#&;,=][ -~]{0,24})?",
            rounds in 0..3_u32,
        ) {
            let address = format!("{name}@{domain}");
            let mut written = address.clone();
            for _ in 0..rounds {
                written = written.replace('%', "%25").replace('@', "%40");
            }
            let url = format!("{before}{written}{after}");
            let out = scrub(&url).into_owned();
            let mut decoded = out.clone();
            for _ in 0..=rounds {
                prop_assert!(!decoded.contains(&address), "{url} gave {out}");
                decoded = percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
            }
        }

        #[test]
        fn it_takes_any_text_and_a_second_time_changes_nothing(url in "\\PC{0,40}|[a-z@%.=&?#;/:40]{0,60}") {
            let once = scrub(&url).into_owned();
            prop_assert_eq!(scrub(&once), &*once);
        }
    }
}

//! Who is no visitor: programs that fetch pages by themselves, and browsers that load a page before anybody asked for it.

use aho_corasick::AhoCorasick;
use headwater_schema::Agent;
use regex_filtered::{Builder, Regexes};

/// Patterns of crawler-user-agents, one a line.
const PATTERNS: &str = include_str!("../data/crawlers.txt");

/// Patterns that are names of phones too: phones have more visitors than those robots.
const PHONES: [&str; 2] = ["Butterfly", "Sonic"];

/// What robots that no list knows call themselves. `CUBOT` makes phones.
const GENERIC: [&str; 5] = [
    r"(?i)(?:^|[^u])bot(?:[^a-z]|$)",
    r"(?i)crawl(?:er|ing)?(?:[^a-z]|$)",
    r"(?i)spider(?:[^a-z]|$)",
    r"https?://",
    r"(?i)^[a-z-]{0,24}(?:client|fetch|http|java|lib|monitor|perl|python|ruby|scan)[a-z-]{0,24}/",
];

/// The patterns, compiled.
pub(crate) struct Robots {
    /// Nine of ten patterns are plain text: all are looked for at once, in a fiftieth of the memory.
    plain: AhoCorasick,
    others: Regexes,
}

impl Robots {
    pub(crate) fn new() -> Self {
        let mut plain = Vec::new();
        let mut others = Builder::new_atom_len(3);
        for pattern in PATTERNS.lines().filter(|pattern| !PHONES.contains(pattern)).chain(GENERIC) {
            match literal(pattern) {
                Some(text) => plain.push(text),
                None => others = others.push(pattern).expect("a pattern that a test compiled"),
            }
        }
        Self {
            plain: AhoCorasick::new(plain).expect("texts that a test compiled"),
            others: others.build().expect("patterns that a test compiled"),
        }
    }

    /// Whether the user agent is a robot's.
    pub(crate) fn has(&self, user_agent: &str) -> bool {
        self.plain.is_match(user_agent) || self.others.is_match(user_agent)
    }
}

/// The text that a pattern stands for, if it stands for one.
fn literal(pattern: &str) -> Option<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            '.' | '^' | '$' | '|' | '?' | '*' | '+' | '(' | ')' | '[' | ']' | '{' | '}' => return None,
            c => text.push(c),
        }
    }
    (!text.is_empty()).then_some(text)
}

/// Whether the browser says that it loads ahead: `Sec-Purpose: prefetch;prerender`, and the older words for it.
pub(crate) fn loads_ahead(agent: &Agent<'_>) -> bool {
    ["sec-purpose", "purpose", "x-moz"].into_iter().any(|header| {
        let value = agent.get(header).unwrap_or_default();
        let first = value.split([';', ',']).next().unwrap_or_default().trim();
        ["prefetch", "preview", "prerender"].iter().any(|word| first.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_patterns_are_taken_for_text() {
        assert_eq!(literal(r"Googlebot\/").as_deref(), Some("Googlebot/"));
        assert_eq!(literal("Yahoo! Slurp").as_deref(), Some("Yahoo! Slurp"));
        for pattern in [r"bot\b", "^NING", "a.c", "[wW]get", "(Ads|Bot)", r"a\d", ""] {
            assert_eq!(literal(pattern), None, "{pattern}");
        }
    }
}

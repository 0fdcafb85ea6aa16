//! Looks at JSON text without building anything and without recursion: is it fit to be passed on, and which
//! field lies at a byte?

/// Why text that is JSON is still not passed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    /// Nested deeper than allowed.
    Deep,
    /// `\ud800` without its other half: no reader behind us can hold it as text.
    LoneSurrogate,
    /// `\u0000`, which ends strings and breaks columns in systems behind us.
    Nul,
}

impl Flaw {
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Deep => "nested too deep",
            Self::LoneSurrogate => "half of a surrogate pair",
            Self::Nul => "contains U+0000",
        }
    }
}

/// Checks text that a parser has already accepted as JSON. The position is that of the flaw.
pub(crate) fn check(json: &str, max_depth: usize) -> Result<(), (usize, Flaw)> {
    let bytes = json.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = check_string(bytes, at + 1)?,
            b'{' | b'[' => {
                depth += 1;
                if depth > max_depth {
                    return Err((at, Flaw::Deep));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// From the byte after the opening quote to the closing one.
fn check_string(bytes: &[u8], mut at: usize) -> Result<usize, (usize, Flaw)> {
    loop {
        match bytes.get(at) {
            None | Some(b'"') => return Ok(at),
            Some(b'\\') if bytes.get(at + 1) == Some(&b'u') => {
                match unit(bytes, at) {
                    Some(0) => return Err((at, Flaw::Nul)),
                    Some(0xd800..=0xdbff) => {
                        if !matches!(unit(bytes, at + 6), Some(0xdc00..=0xdfff)) {
                            return Err((at, Flaw::LoneSurrogate));
                        }
                        at += 6;
                    }
                    Some(0xdc00..=0xdfff) => return Err((at, Flaw::LoneSurrogate)),
                    _ => {}
                }
                at += 6;
            }
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// The UTF-16 unit of the escape `\uXXXX` at this byte.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// The path of the field in which byte `end` lies (or after which it comes): `batches[0].events[3].ts`. Empty
/// outside of the outermost value. Works on broken JSON and broken UTF-8 too, as far as `end`.
pub(crate) fn path_at(text: &[u8], end: usize) -> String {
    let text = &text[..end.min(text.len())];
    let mut frames: Vec<Frame<'_>> = Vec::new();
    let (mut at, mut depth, mut key_comes) = (0, 0_usize, false);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                key_comes = byte == b'{';
                if depth <= PATH_FRAMES {
                    frames.push(if key_comes { Frame::Object(b"") } else { Frame::Array(0) });
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                frames.truncate(depth);
                key_comes = false;
            }
            b',' if depth == frames.len() => match frames.last_mut() {
                Some(Frame::Array(index)) => *index += 1,
                Some(Frame::Object(_)) => key_comes = true,
                None => {}
            },
            b'"' => {
                let start = at + 1;
                at = string_end(text, start);
                if key_comes && depth == frames.len() {
                    if let Some(Frame::Object(key)) = frames.last_mut() {
                        *key = &text[start..at];
                    }
                    key_comes = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    render(&frames, depth)
}

/// Levels that a path shows; what is deeper becomes `…`.
const PATH_FRAMES: usize = 8;
/// Characters that a path shows of one key.
const PATH_KEY_CHARS: usize = 40;

enum Frame<'a> {
    Array(usize),
    Object(&'a [u8]),
}

fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn render(frames: &[Frame<'_>], depth: usize) -> String {
    let mut path = String::new();
    for frame in frames {
        match frame {
            Frame::Array(index) => path.extend(["[", &index.to_string(), "]"]),
            Frame::Object(b"") => {}
            Frame::Object(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.extend(String::from_utf8_lossy(key).chars().take(PATH_KEY_CHARS));
            }
        }
    }
    if depth > frames.len() {
        path.push('…');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_strings() {
        assert_eq!(check(r#"{"a":[[1]]}"#, 3), Ok(()));
        assert_eq!(check(r#"{"a":[[1]]}"#, 2), Err((6, Flaw::Deep)));
        assert_eq!(check(r#"["[[[[\"[[[["]"#, 1), Ok(()));
        assert_eq!(check(&"[],".repeat(1_000), 1), Ok(()));
    }

    #[test]
    fn nul_and_half_pairs_are_found_in_any_spelling() {
        assert_eq!(check(r#"["\u0000"]"#, 9), Err((2, Flaw::Nul)));
        assert_eq!(check(r#"["\\u0000"]"#, 9), Ok(()), "an escaped backslash");
        assert_eq!(check(r#"["\uD83D\uDE00"]"#, 9), Ok(()));
        for text in [r#"["\ud83d"]"#, r#"["\ud83d\n"]"#, r#"["\ud83d\u0041"]"#, r#"["\ude00"]"#] {
            assert_eq!(check(text, 9), Err((2, Flaw::LoneSurrogate)), "{text}");
        }
    }

    #[test]
    fn a_byte_leads_to_its_field() {
        let text = br#"{"site_id":"s","batches":[{"at":[1,2]},{"events":[{},{"props":{"a,b":"x"}}]}]}"#;
        let at = |needle: &str| {
            path_at(text, text.windows(needle.len()).position(|w| w == needle.as_bytes()).unwrap())
        };
        assert_eq!(at("\"s\""), "site_id");
        assert_eq!(at("2]"), "batches[0].at[1]");
        assert_eq!(at("x\""), "batches[1].events[1].props.a,b");
        assert_eq!(path_at(text, text.len()), "");
    }

    #[test]
    fn a_path_stays_short_however_deep_the_text() {
        let text = "[".repeat(1_000_000);
        assert_eq!(path_at(text.as_bytes(), text.len()), "[0][0][0][0][0][0][0][0]…");
    }
}

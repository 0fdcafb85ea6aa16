//! JSON text, written byte by byte: a schedule of the simulator writes thousands of these.

use std::borrow::Cow;

/// Text of a call or a setting; most is known when a test is written.
pub type Text = Cow<'static, str>;

/// Properties: names, and values that are JSON text already.
pub type Props = Vec<(Text, Text)>;

/// Appends `text` as a JSON string. NUL becomes U+FFFD, as in the real shells: no reader behind us holds it.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0 => out.extend("\u{fffd}".as_bytes()),
            1..0x20 => {
                out.extend(b"\\u00");
                out.extend([hex(byte >> 4), hex(byte & 15)]);
            }
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Appends decimal digits.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        // A digit is below ten.
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend(&digits[at..]);
}

/// Appends `{"name":value,…}`, without the names that come again in `later`.
pub(crate) fn put_object(out: &mut Vec<u8>, first: &[(Text, Text)], later: &[(Text, Text)]) {
    out.push(b'{');
    let first = first.iter().filter(|(name, _)| !later.iter().any(|(again, _)| again == name));
    for (at, (name, value)) in first.chain(later).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put_string(out, name);
        out.push(b':');
        out.extend(value.as_bytes());
    }
    out.push(b'}');
}

const fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_back_by_a_json_parser() {
        for text in ["", "a\"b\\c\n\u{1f}é", "/pricing?a=1"] {
            let mut out = Vec::new();
            put_string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).expect("JSON"), text);
        }
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 9, 10, 1_710_320_000_123, u64::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }

    #[test]
    fn a_property_of_the_call_stands_for_a_registered_one_of_the_same_name() {
        let mut out = Vec::new();
        let registered = [("plan".into(), "\"pro\"".into()), ("n".into(), "1".into())];
        put_object(&mut out, &registered, &[("n".into(), "2".into())]);
        assert_eq!(out, br#"{"plan":"pro","n":2}"#);
    }
}

//! The trace that a request belongs to: W3C Trace Context, as it travels beside records in headers.

use std::sync::Arc;

/// The header of a request and of a Kafka record.
pub const TRACEPARENT: &str = "traceparent";

/// Beside [`TRACEPARENT`].
pub const TRACESTATE: &str = "tracestate";

/// `version-trace_id-parent_id-flags` in hexadecimal.
const LEN: usize = 55;

/// What is passed on of a `tracestate`, as many bytes as everyone must; more is dropped.
const STATE_BYTES: usize = 512;

/// Likewise of its members.
const STATE_MEMBERS: usize = 32;

/// A trace context that has the right form. Cheap to clone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trace(Arc<Context>);

#[derive(Debug, Eq, PartialEq)]
struct Context {
    parent: String,
    state: Option<String>,
}

impl Trace {
    /// Reads the headers of a request. None if there is no `traceparent`, or none of the right form, or two; a
    /// `tracestate` of another form is dropped alone. Nobody's events depend on it.
    pub fn parse<'a>(
        parents: impl IntoIterator<Item = &'a [u8]>,
        states: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Self> {
        let mut parents = parents.into_iter();
        let parent = parent(parents.next()?).filter(|_| parents.next().is_none())?;
        Some(Self(Arc::new(Context { parent, state: state(states) })))
    }

    /// The beginning of a trace that nobody records. Zeros are no ids: they become ones.
    #[must_use]
    pub fn begin(trace: u128, span: u64) -> Self {
        let parent = format!("00-{:032x}-{:016x}-00", trace.max(1), span.max(1));
        Self(Arc::new(Context { parent, state: None }))
    }

    /// For the header [`TRACEPARENT`].
    #[must_use]
    pub fn parent(&self) -> &str {
        &self.0.parent
    }

    /// For the header [`TRACESTATE`], if there is one.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.0.state.as_deref()
    }
}

/// The value in the version that is known here, 00.
fn parent(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
    let (known, more) = (text.get(..LEN)?, text.get(LEN..)?);
    let mut fields = known.split('-');
    let mut hex = |len: usize| {
        let is_hex = |field: &&str| {
            field.len() == len && field.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        fields.next().filter(is_hex)
    };
    let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    if fields.next().is_some() || is_zero(trace) || is_zero(span) || version == "ff" {
        return None;
    }
    match version {
        "00" => more.is_empty().then(|| known.to_owned()),
        // A later version may have more fields, and other flags than whether it is sampled.
        _ if more.is_empty() || more.starts_with('-') => {
            let sampled = u8::from_str_radix(flags, 16).ok()? & 1;
            Some(format!("00-{trace}-{span}-{sampled:02x}"))
        }
        _ => None,
    }
}

fn state<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    let mut members = Vec::new();
    for value in values {
        let text = std::str::from_utf8(value).ok()?;
        members.extend(
            text.split(',')
                .map(|member| member.trim_matches([' ', '\t']))
                .filter(|member| !member.is_empty()),
        );
    }
    let sound = members.len() <= STATE_MEMBERS && members.iter().all(|member| is_member(member));
    let state = members.join(",");
    (sound && !state.is_empty() && state.len() <= STATE_BYTES).then_some(state)
}

fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let in_key = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let in_value = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    !key.is_empty() && key.bytes().all(in_key) && !value.is_empty() && value.bytes().all(in_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parsed(parent: &str, states: &[&str]) -> Option<(String, Option<String>)> {
        let trace = Trace::parse([parent.as_bytes()], states.iter().map(|state| state.as_bytes()))?;
        Some((trace.parent().to_owned(), trace.state().map(str::to_owned)))
    }

    #[test]
    fn what_has_the_form_is_passed_on_as_it_is() {
        let state = "congo=t61rcWkgMzE,rojo@1=00f067aa0ba902b7";
        assert_eq!(parsed(PARENT, &[state]), Some((PARENT.to_owned(), Some(state.to_owned()))));
        assert_eq!(parsed(PARENT, &["a=1, b=2", ",", "c=3"]).unwrap().1.unwrap(), "a=1,b=2,c=3");
        assert_eq!(parsed(Trace::begin(0, 0).parent(), &[]).unwrap().1, None);
    }

    #[test]
    fn a_later_version_is_told_in_ours() {
        let later = PARENT.replacen("00", "cc", 1);
        let flags = later.replace("-01", "-ff-and-more");
        for text in [later, flags] {
            assert_eq!(parsed(&text, &[]).unwrap().0, PARENT, "{text}");
        }
    }

    #[test]
    fn what_has_another_form_is_none() {
        let more = format!("{PARENT}-00");
        let cases = [
            "",
            "00",
            "hello",
            &more,
            &PARENT.to_uppercase(),
            &PARENT.replacen("00", "ff", 1),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            &PARENT.replace("00f067aa0ba902b7", "0000000000000000"),
            &PARENT.replace('-', "_"),
            &PARENT.replace("-01", "-0g"),
            &PARENT.replacen("00", "cc", 1).replace("-01", "-01."),
            &"ä".repeat(40),
        ];
        for text in cases {
            assert_eq!(parsed(text, &[]), None, "{text}");
        }
        let twice = [PARENT.as_bytes(), PARENT.as_bytes()];
        assert_eq!(Trace::parse(twice, []), None, "which of them?");
        assert_eq!(Trace::parse([&b"\xff"[..]], []), None);
    }

    #[test]
    fn a_state_of_another_form_is_dropped_alone() {
        let long = format!("a={}", "x".repeat(STATE_BYTES));
        let many = vec!["a=1"; STATE_MEMBERS + 1].join(",");
        for state in ["a", "A=1", "=1", "a=", "a=b=c", "a=\u{e4}", "a=\u{1}", "", &long, &many] {
            assert_eq!(parsed(PARENT, &[state]), Some((PARENT.to_owned(), None)), "{state}");
        }
    }
}

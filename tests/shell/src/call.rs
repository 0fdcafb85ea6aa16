//! What a page or app calls, and the text that an event becomes.

use headwater_core::{client::Purpose, refusal::Refusal};
use uuid::Uuid;

use crate::text::{Props, Text, put_number, put_object, put_string};

/// Longest event, bytes: the collector takes 64 KiB, and what leaves with a page has 60 KB.
pub const EVENT_MAX: usize = 50_000;

/// How far ahead the time of an [`Ahead`](Flaw::Ahead) event is, ms: an hour more than the collector takes.
const AHEAD_MS: u64 = 25 * 60 * 60 * 1_000;

/// A name longer than the 512 bytes that the collector takes.
const LONG_NAME: usize = 600;

/// Deeper than the 32 levels that the collector takes.
const DEPTH: usize = 40;

/// One call of the API.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// The visitor was known by another id before.
    Alias(Text),
    /// The visitor decided about a purpose.
    Consent(Purpose, headwater_core::client::Decision),
    /// An event.
    Event(Event),
    /// The visitor met a variant of an experiment.
    Exposure(Text, Text),
    /// Send what waits.
    Flush,
    /// The visitor belongs to a group, which has these traits.
    Group(Text, Props),
    /// The visitor is known as this user from here on, who has these traits.
    Identify(Text, Props),
    /// From here on every event has this property; its value is JSON text.
    Register(Text, Text),
    /// The visitor logged out: nothing links what follows to what was before.
    Reset,
    /// Properties of the user: set, set once, incremented.
    Set(Props, Props, Props),
    /// The end of a [`Register`](Call::Register).
    Unregister(Text),
}

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// What kind it is.
    pub kind: Kind,
    /// The name of a custom event or of a screen, the URL of a page view.
    pub name: Text,
    /// What else is known of it.
    pub props: Props,
    /// What it is recorded for.
    pub purpose: Purpose,
    /// Integer minor units and the currency: the event goes to the precious lane.
    pub revenue: Option<(i64, Text)>,
    /// Why the collector will refuse it.
    pub flaw: Option<Flaw>,
}

/// What kind of event it is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Kind {
    /// `track`
    #[default]
    Custom,
    /// `page`
    Page,
    /// `screen`
    Screen,
}

/// Why a collector can never accept an event, although it stands in the journal like any other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// Its `ts` is 25 hours ahead.
    Ahead,
    /// Its properties nest deeper than any reader goes.
    Deep,
    /// Its name has 600 bytes.
    LongName,
}

impl Call {
    /// A custom event without properties.
    pub fn track(name: impl Into<Text>) -> Self {
        Self::Event(Event { name: name.into(), ..Event::default() })
    }

    /// A view of the page at `url`.
    pub fn page(url: impl Into<Text>) -> Self {
        Self::Event(Event { kind: Kind::Page, name: url.into(), ..Event::default() })
    }

    /// A purchase, in the smallest unit of the currency.
    pub fn revenue(name: impl Into<Text>, amount: i64, currency: impl Into<Text>) -> Self {
        let revenue = Some((amount, currency.into()));
        Self::Event(Event { name: name.into(), revenue, ..Event::default() })
    }

    /// Whether it becomes an event.
    pub(crate) const fn is_event(&self) -> bool {
        !matches!(
            self,
            Self::Consent(..) | Self::Flush | Self::Register(..) | Self::Reset | Self::Unregister(_)
        )
    }

    pub(crate) const fn purpose(&self) -> Purpose {
        match self {
            Self::Event(event) => event.purpose,
            _ => Purpose(0),
        }
    }

    pub(crate) const fn is_precious(&self) -> bool {
        matches!(self, Self::Event(Event { revenue: Some(_), .. }))
    }

    /// The name that a plugin goes by.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Event(event) => &event.name,
            _ => "",
        }
    }

    /// Appends the event's text without its opening brace, `ts` first, and returns the `ts` it has.
    pub(crate) fn write(&self, out: &mut Vec<u8>, ts: u64, registered: &[(Text, Text)]) -> u64 {
        let flaw = if let Self::Event(event) = self { event.flaw } else { None };
        let ts = if flaw == Some(Flaw::Ahead) { ts + AHEAD_MS } else { ts };
        out.extend(b"\"ts\":");
        put_number(out, ts);
        out.extend(b",\"type\":\"");
        out.extend(self.kind().as_bytes());
        out.push(b'"');
        let mut member = |name: &str, text: &str| {
            out.extend(b",\"");
            out.extend(name.as_bytes());
            out.extend(b"\":");
            put_string(out, text);
        };
        match self {
            Self::Alias(previous) => member("name", previous),
            Self::Event(event) if flaw == Some(Flaw::LongName) => {
                member("name", &event.name.repeat(LONG_NAME / event.name.len().max(1) + 1));
            }
            Self::Event(Event { kind: Kind::Page, name, .. }) => member("url", name),
            Self::Event(Event { name, .. }) | Self::Exposure(name, _) | Self::Group(name, _) => {
                member("name", name);
            }
            _ => {}
        }
        self.write_props(out, registered, flaw);
        if let Self::Event(Event { revenue: Some((amount, currency)), .. }) = self {
            out.extend(b",\"revenue\":");
            if *amount < 0 {
                out.push(b'-');
            }
            put_number(out, amount.unsigned_abs());
            out.extend(b",\"currency\":");
            put_string(out, currency);
        }
        out.push(b'}');
        ts
    }

    fn write_props(&self, out: &mut Vec<u8>, registered: &[(Text, Text)], flaw: Option<Flaw>) {
        let member = |out: &mut Vec<u8>, first, later| {
            out.extend(b",\"props\":");
            put_object(out, first, later);
        };
        match self {
            Self::Event(_) if flaw == Some(Flaw::Deep) => {
                out.extend(b",\"props\":{\"deep\":");
                out.extend([b'['; DEPTH]);
                out.extend([b']'; DEPTH]);
                out.push(b'}');
            }
            Self::Event(Event { props, .. }) if !(props.is_empty() && registered.is_empty()) => {
                member(out, registered, props);
            }
            Self::Group(_, traits) | Self::Identify(_, traits) if !traits.is_empty() => {
                member(out, &[], traits);
            }
            Self::Exposure(_, variant) => {
                let mut text = Vec::new();
                put_string(&mut text, variant);
                let text = String::from_utf8(text).expect("written from text");
                member(out, registered, &[("variant".into(), text.into())]);
            }
            Self::Set(set, once, add) => {
                let kinds = [("set", set), ("set_once", once), ("increment", add)];
                for (at, (name, props)) in
                    kinds.into_iter().filter(|(_, props)| !props.is_empty()).enumerate()
                {
                    out.extend(if at == 0 { b",\"props\":{" as &[u8] } else { b"," });
                    put_string(out, name);
                    out.push(b':');
                    put_object(out, &[], props);
                }
                out.extend(if kinds.iter().all(|(_, props)| props.is_empty()) { b"" as &[u8] } else { b"}" });
            }
            _ => {}
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Alias(_) => "alias",
            Self::Exposure(..) => "$exposure",
            Self::Group(..) => "group",
            Self::Identify(..) => "identify",
            Self::Set(..) => "$set",
            Self::Event(Event { kind: Kind::Page, .. }) => "pageview",
            Self::Event(Event { kind: Kind::Screen, .. }) => "screen",
            _ => "custom",
        }
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Called {
    /// Its journal write returned: it is event `seq` of this stream.
    Accepted {
        /// The stream.
        stream: Uuid,
        /// Its number there.
        seq: u32,
    },
    /// The process died in it. If its event was being written, this is the name it has should the write have been
    /// kept; nobody was told that it was.
    Died {
        /// Stream and seq.
        name: Option<(Uuid, u32)>,
    },
    /// It makes no event.
    Done,
    /// Consent is unknown: it waits in memory and is not accepted yet.
    Held,
    /// The process is dead, or its page is gone.
    Left,
    /// It was refused, and never had a seq.
    Refused(Refusal),
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(call: &Call, registered: &[(Text, Text)]) -> Value {
        let mut text = vec![b'{'];
        call.write(&mut text, 1_710_320_000_123, registered);
        serde_json::from_slice(&text).expect("JSON")
    }

    #[test]
    fn every_call_becomes_the_wires_event() {
        let props: Props = vec![("plan".into(), "\"pro\"".into())];
        let one: Props = vec![("n".into(), "1".into())];
        let cases = [
            (Call::track("a\"b"), json!({"type": "custom", "name": "a\"b"})),
            (Call::page("/p?q"), json!({"type": "pageview", "url": "/p?q"})),
            (Call::Alias("old".into()), json!({"type": "alias", "name": "old"})),
            (
                Call::Identify("ann".into(), props.clone()),
                json!({"type": "identify", "props": {"plan": "pro"}}),
            ),
            (Call::Group("g".into(), vec![]), json!({"type": "group", "name": "g"})),
            (
                Call::Exposure("e".into(), "b".into()),
                json!({"type": "$exposure", "name": "e", "props": {"variant": "b"}}),
            ),
            (
                Call::Set(props, vec![], one),
                json!({"type": "$set", "props": {"set": {"plan": "pro"}, "increment": {"n": 1}}}),
            ),
            (
                Call::revenue("order", -4200, "EUR"),
                json!({"type": "custom", "name": "order", "revenue": -4200, "currency": "EUR"}),
            ),
        ];
        for (call, mut expected) in cases {
            expected["ts"] = json!(1_710_320_000_123_u64);
            assert_eq!(read(&call, &[]), expected, "{call:?}");
        }
    }

    #[test]
    fn a_registered_property_is_on_every_event_and_nowhere_else() {
        let registered = [("plan".into(), "\"pro\"".into())];
        assert_eq!(read(&Call::track("a"), &registered)["props"], json!({"plan": "pro"}));
        assert_eq!(read(&Call::Identify("ann".into(), vec![]), &registered)["props"], Value::Null);
    }

    #[test]
    fn a_flawed_event_is_still_json() {
        for flaw in [Flaw::Ahead, Flaw::Deep, Flaw::LongName] {
            let call = Call::Event(Event { name: "x".into(), flaw: Some(flaw), ..Event::default() });
            assert!(read(&call, &[])["ts"].is_u64(), "{flaw:?}");
        }
    }
}

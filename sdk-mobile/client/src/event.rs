//! The JSON text of an event.

use std::fmt::Write as _;

use headwater_core::time::UnixMs;
use serde::Serialize;

use crate::{Error, registered::Registered};

/// The longest event as JSON text, in bytes: what the collector takes (64 KiB), less its seq, time and
/// session.
pub const MAX_EVENT_BYTES: usize = (64 << 10) - 160;

/// The longest id in bytes: what the collector takes of `user_id`, `client_id` and the context's texts.
pub(crate) const ID_BYTES: usize = 256;

/// The longest `name` in bytes: what the collector takes.
const NAME_BYTES: usize = 512;

/// The longest `url` in bytes: what the collector takes.
const URL_BYTES: usize = 8 << 10;

/// An event as it was called, before it has a time.
pub(crate) struct Draft {
    /// Members with commas between.
    members: String,
    /// A JSON object.
    props: Option<String>,
    /// Whether registered properties go with it: not where the properties are a user's own.
    takes_registered: bool,
}

impl Draft {
    /// An event that happened.
    pub(crate) fn new<P: Serialize + ?Sized>(kind: &str, props: &P) -> Result<Self, Error> {
        let props = serde_json::to_string(props)?;
        let props = match props.as_bytes().first() {
            Some(b'{') => Some(props),
            Some(b'n') => None,
            _ => return Err(Error::PropsShape),
        };
        let mut members = String::with_capacity(96);
        members.extend(["\"type\":\"", kind, "\""]);
        Ok(Self { members, props, takes_registered: true })
    }

    /// An event that says something of the user: its properties are the user's.
    pub(crate) fn about_user<P: Serialize + ?Sized>(kind: &str, props: &P) -> Result<Self, Error> {
        Ok(Self { takes_registered: false, ..Self::new(kind, props)? })
    }

    /// A change of the user's properties; how they change is a word.
    pub(crate) fn user_properties<P: Serialize + ?Sized>(how: &str, props: &P) -> Result<Self, Error> {
        let draft = Self::about_user("$set", props)?;
        let props = draft.props.ok_or(Error::PropsShape)?;
        Ok(Self { props: Some(format!("{{\"{how}\":{props}}}")), ..draft })
    }

    pub(crate) fn name(self, name: &str) -> Result<Self, Error> {
        self.text("name", check("name", name, NAME_BYTES)?)
    }

    /// Named by an id of the program's.
    pub(crate) fn id(self, what: &'static str, id: &str) -> Result<Self, Error> {
        self.text("name", check(what, id, ID_BYTES)?)
    }

    pub(crate) fn url(self, url: &str) -> Result<Self, Error> {
        self.text("url", check("url", url, URL_BYTES)?)
    }

    /// Money in minor units.
    pub(crate) fn revenue(mut self, minor: i64, currency: &str) -> Result<Self, Error> {
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Error::Currency);
        }
        write!(self.members, ",\"revenue\":{minor},\"currency\":\"{currency}\"").expect("text into memory");
        Ok(self)
    }

    fn text(mut self, member: &str, value: &str) -> Result<Self, Error> {
        self.members.extend([",\"", member, "\":", &serde_json::to_string(value)?]);
        Ok(self)
    }

    /// The event's text without its opening brace.
    pub(crate) fn body(&self, ts: UnixMs, registered: &Registered) -> Result<String, Error> {
        let own = self.props.as_deref();
        let mut body = String::with_capacity(64 + self.members.len() + own.map_or(0, str::len));
        write!(body, "\"ts\":{},", ts.0).expect("text into memory");
        let start = body.len();
        body.push_str(&self.members);
        if self.takes_registered && !registered.is_empty() {
            body.push_str(",\"props\":{");
            let members = body.len();
            registered.write_besides(own, &mut body);
            // Of the event's own, all but the opening brace.
            match own.and_then(|own| own.get(1..)) {
                None => body.push('}'),
                Some(own) => {
                    if body.len() > members && own != "}" {
                        body.push(',');
                    }
                    body.push_str(own);
                }
            }
        } else if let Some(own) = own {
            body.push_str(",\"props\":");
            body.push_str(own);
        }
        body.push('}');
        if body.len() - start > MAX_EVENT_BYTES {
            return Err(Error::TooLarge(body.len() - start));
        }
        Ok(body)
    }
}

/// A text that the collector takes.
pub(crate) fn check<'a>(what: &'static str, text: &'a str, most: usize) -> Result<&'a str, Error> {
    if text.is_empty() || text.len() > most || text.contains('\0') {
        return Err(Error::Text { what, most });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn value(draft: &Draft, registered: &Registered) -> Value {
        let body = draft.body(UnixMs(7), registered).unwrap();
        assert!(body.bytes().all(|byte| byte >= b' '), "no byte is a splice mark");
        serde_json::from_str(&format!("{{{body}")).unwrap()
    }

    #[test]
    fn an_event_is_its_time_its_type_its_name_and_its_props() {
        let draft = Draft::new("custom", &json!({"n": 1})).unwrap().name("a\u{1}\"b").unwrap();
        let expected = json!({"ts": 7, "type": "custom", "name": "a\u{1}\"b", "props": {"n": 1}});
        assert_eq!(value(&draft, &Registered::default()), expected);
    }

    #[test]
    fn registered_properties_are_merged_and_an_events_own_go_first() {
        let registered = Registered::of(&json!({"plan": "pro", "n": 0})).unwrap();
        for (props, merged) in [
            (json!({"n": 1}), json!({"plan": "pro", "n": 1})),
            (json!({"plan": "x", "n": 1}), json!({"plan": "x", "n": 1})),
            (json!({}), json!({"plan": "pro", "n": 0})),
            (json!(null), json!({"plan": "pro", "n": 0})),
        ] {
            assert_eq!(value(&Draft::new("custom", &props).unwrap(), &registered)["props"], merged);
        }
        let of_user = Draft::about_user("identify", &json!({"n": 1})).unwrap();
        assert_eq!(value(&of_user, &registered)["props"], json!({"n": 1}));
    }

    #[test]
    fn a_change_of_the_users_properties_says_how_they_change() {
        let registered = Registered::of(&json!({"plan": "pro"})).unwrap();
        let draft = Draft::user_properties("set_once", &json!({"a": 1})).unwrap();
        let expected = json!({"ts": 7, "type": "$set", "props": {"set_once": {"a": 1}}});
        assert_eq!(value(&draft, &registered), expected);
        assert!(matches!(Draft::user_properties("set", &()), Err(Error::PropsShape)));
    }

    #[test]
    fn props_are_an_object_or_nothing() {
        let draft = Draft::new("screen", &()).unwrap();
        assert_eq!(value(&draft, &Registered::default()), json!({"ts": 7, "type": "screen"}));
        assert!(matches!(Draft::new("screen", &[1]), Err(Error::PropsShape)));
        assert!(matches!(Draft::new("screen", "text"), Err(Error::PropsShape)));
    }

    #[test]
    fn money_is_an_integer_with_its_currency() {
        let draft = |currency| Draft::new("custom", &()).unwrap().revenue(-1_999, currency);
        let value = value(&draft("EUR").unwrap(), &Registered::default());
        assert_eq!((&value["revenue"], &value["currency"]), (&json!(-1_999), &json!("EUR")));
        for wrong in ["", "eur", "EURO", "E1R", "€"] {
            assert!(matches!(draft(wrong), Err(Error::Currency)), "{wrong}");
        }
    }

    #[test]
    fn an_event_the_collector_would_refuse_is_refused_before_it_has_a_seq() {
        let props = json!({"text": "x".repeat(MAX_EVENT_BYTES)});
        let body = Draft::new("custom", &props).unwrap().body(UnixMs(7), &Registered::default());
        assert!(matches!(body, Err(Error::TooLarge(_))));
        for name in [String::new(), "x".repeat(513), "a\0".into()] {
            let named = Draft::new("custom", &()).unwrap().name(&name);
            assert!(matches!(named, Err(Error::Text { what: "name", most: 512 })));
        }
        assert!(Draft::new("custom", &()).unwrap().name(&"x".repeat(512)).is_ok());
    }
}

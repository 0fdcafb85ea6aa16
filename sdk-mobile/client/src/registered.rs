//! Properties that go with every event.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::Error;

/// By name, as JSON.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registered(BTreeMap<String, Box<RawValue>>);

impl Registered {
    /// The properties that `props` serialises to; none of null.
    pub(crate) fn of<P: Serialize + ?Sized>(props: &P) -> Result<Self, Error> {
        let text = serde_json::to_string(props)?;
        if text == "null" { Ok(Self::default()) } else { Self::parse(&text).ok_or(Error::PropsShape) }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    pub(crate) fn to_text(&self) -> String {
        // Text and JSON that was parsed before.
        serde_json::to_string(&self.0).expect("a map with names as keys")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds properties, those of the same name replaced.
    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// Writes the members that an object with the properties `own` does not have itself, with commas between and
    /// without braces.
    pub(crate) fn write_besides(&self, own: Option<&str>, text: &mut String) {
        let own: BTreeMap<Cow<'_, str>, &RawValue> =
            own.and_then(|own| serde_json::from_str(own).ok()).unwrap_or_default();
        let mut first = true;
        for (name, value) in self.0.iter().filter(|(name, _)| !own.contains_key(name.as_str())) {
            if !first {
                text.push(',');
            }
            first = false;
            text.push_str(&crate::header::json(name).to_string());
            text.push(':');
            text.push_str(value.get());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn besides(own: Option<&str>) -> String {
        let registered = Registered::of(&json!({"a\"": 1, "b": {"c": [2]}, "d": null})).unwrap();
        let mut text = String::new();
        registered.write_besides(own, &mut text);
        text
    }

    #[test]
    fn an_events_own_property_goes_before_a_registered_one() {
        assert_eq!(besides(None), r#""a\"":1,"b":{"c":[2]},"d":null"#);
        assert_eq!(besides(Some(r#"{"\u0062":7,"x":{"d":1}}"#)), r#""a\"":1,"d":null"#);
        assert_eq!(besides(Some(r#"{"a\"":1,"b":2,"d":3}"#)), "");
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let registered = Registered::of(&json!({"plan": "pro", "n": 1.0})).unwrap();
        let mut read = Registered::parse(&registered.to_text()).unwrap();
        assert_eq!(read.to_text(), registered.to_text());
        assert!(read.remove("plan") && !read.remove("plan"));
        assert!(Registered::parse("[1]").is_none() && Registered::parse("").is_none());
    }

    #[test]
    fn only_an_object_or_nothing_can_be_registered() {
        assert!(Registered::of(&()).unwrap().is_empty());
        assert!(matches!(Registered::of(&[1]), Err(Error::PropsShape)));
    }
}

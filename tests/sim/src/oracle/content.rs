//! Whether what was counted is what was accepted.

use std::{borrow::Cow, rc::Rc};

use headwater_schema::Event;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The text of an event as the journal took it, without its opening brace and without seq and session.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    text: Rc<[u8]>,
    /// No collector accepts it.
    is_poison: bool,
}

/// The members that a call writes.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    ts: i64,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    props: Option<&'a RawValue>,
    #[serde(default)]
    revenue: Option<i64>,
    #[serde(borrow, default)]
    currency: Option<Cow<'a, str>>,
}

impl Body {
    pub(crate) fn new(text: Rc<[u8]>, is_poison: bool) -> Self {
        Self { text, is_poison }
    }

    pub(crate) fn is_poison(&self) -> bool {
        self.is_poison
    }

    /// The first member that the counted event has otherwise.
    pub(crate) fn differs(&self, event: &Event) -> Option<&'static str> {
        let mut object = Vec::with_capacity(self.text.len() + 1);
        if !self.text.starts_with(b"{") {
            object.push(b'{');
        }
        object.extend_from_slice(&self.text);
        let Ok(members) = serde_json::from_slice::<Members<'_>>(&object) else { return Some("text") };
        let same = [
            ("type", members.kind == event.event_type),
            ("ts", members.ts == event.ts),
            ("name", members.name.as_deref() == event.name.as_deref()),
            ("url", members.url.as_deref() == event.url.as_deref()),
            ("props", members.props.map(RawValue::get) == event.props.as_deref().map(RawValue::get)),
            ("revenue", members.revenue == event.revenue),
            ("currency", members.currency.as_deref() == event.currency.as_deref()),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(member, _)| member)
    }
}

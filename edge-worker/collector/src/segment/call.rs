//! One call of Segment's API, as it is written and as an event of the plain form.

use std::borrow::Cow;

use headwater_schema::RawValue;
use serde::{Deserialize, Serialize};

use super::{borrowed, money};
use crate::{
    date,
    decode::{Context, Text},
    limits,
};

/// A call as it is written. What is beside its identity is read leniently: a property of an odd type must not cost the
/// call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(default)]
    user_id: Option<Id>,
    #[serde(default)]
    anonymous_id: Option<Id>,
    #[serde(default)]
    group_id: Option<Id>,
    #[serde(default)]
    previous_id: Option<Id>,
    #[serde(borrow, default)]
    message_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, default)]
    original_timestamp: Option<Text<'a>>,
    #[serde(borrow, default)]
    sent_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    event: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    properties: Option<&'a RawValue>,
    #[serde(borrow, default)]
    traits: Option<&'a RawValue>,
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
}

/// Some back ends send numbers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(i64),
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        match id {
            Id::Text(text) => text,
            Id::Number(number) => number.to_string(),
        }
    }
}

/// What is understood of `properties`.
#[derive(Default, Deserialize)]
struct Properties {
    url: Option<serde_json::Value>,
    referrer: Option<serde_json::Value>,
    revenue: Option<serde_json::Value>,
    currency: Option<serde_json::Value>,
}

/// What is understood of `context`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Segments {
    page: Page,
    campaign: Campaign,
    library: Named,
    app: Named,
    device: Device,
    screen: Screen,
    locale: Option<String>,
    timezone: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Page {
    url: Option<String>,
    referrer: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Campaign {
    source: Option<String>,
    medium: Option<String>,
    name: Option<String>,
    term: Option<String>,
    content: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
    version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Device {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Screen {
    width: Option<f64>,
    height: Option<f64>,
}

/// The event of a call, and who sent it.
pub(super) struct Translated<'a> {
    pub(super) client: Option<String>,
    pub(super) user: Option<String>,
    pub(super) sent_at: Option<i64>,
    /// What keeps it from being an event, as `admit` says it.
    pub(super) flaw: Option<String>,
    pub(super) event: Cow<'a, RawValue>,
    context: Segments,
    sdk: Option<String>,
    screen: Option<String>,
}

/// An event of the plain form.
#[derive(Serialize)]
struct Plain<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    ts: i64,
    event_id: Option<String>,
    name: Option<&'a str>,
    url: Option<&'a str>,
    referrer: Option<&'a str>,
    props: Option<&'a RawValue>,
    revenue: Option<i64>,
    currency: Option<String>,
}

impl<'a> Call<'a> {
    /// `raw` is its text, `kind` its type if the path says it.
    pub(super) fn translate(
        call: Self,
        raw: &'a RawValue,
        kind: Option<&'static str>,
        received_at: i64,
    ) -> Translated<'a> {
        let Some(kind) = kind.or(call.kind.as_deref()) else {
            return Translated::flawed(raw, "type: missing".to_owned());
        };
        let (props, name) = match kind {
            "track" => (call.properties, call.event.as_deref().map(str::to_owned)),
            "page" | "screen" => (call.properties, call.name.as_deref().map(str::to_owned)),
            "identify" => (call.traits, None),
            "group" => (call.traits, call.group_id.map(String::from)),
            "alias" => (None, call.previous_id.map(String::from)),
            other => {
                return Translated::flawed(raw, format!("type: {other:?} is none of Segment's calls"));
            }
        };
        let is_needed = matches!(kind, "track" | "group" | "alias");
        if is_needed && name.as_ref().is_none_or(String::is_empty) {
            let field = match kind {
                "track" => "event",
                "group" => "groupId",
                _ => "previousId",
            };
            return Translated::flawed(raw, format!("{field}: missing"));
        }
        let named = |id: Option<Id>| id.map(String::from).filter(|id| !id.is_empty());
        let (user, anonymous) = (named(call.user_id), named(call.anonymous_id));
        let Some(client) = anonymous.or_else(|| user.clone()) else {
            return Translated::flawed(raw, "userId: missing, and so is `anonymousId`".to_owned());
        };
        for (field, id) in [("anonymousId", Some(&client)), ("userId", user.as_ref())] {
            if id.is_some_and(|id| id.len() > limits::ID_BYTES || id.contains('\0')) {
                return Translated::flawed(
                    raw,
                    format!("{field}: not text of at most {} bytes", limits::ID_BYTES),
                );
            }
        }
        let sent_at = call.sent_at.as_deref().and_then(date::rfc3339);
        let ts = match call.original_timestamp.or(call.timestamp) {
            None => sent_at.unwrap_or(received_at),
            Some(time) => match date::rfc3339(&time) {
                Some(ts) => ts,
                None => return Translated::flawed(raw, "timestamp: not a time of ISO 8601".to_owned()),
            },
        };
        // An object; what is none, `admit` names.
        let known: Properties =
            props.and_then(|props| serde_json::from_str(props.get()).ok()).unwrap_or_default();
        let context: Segments =
            call.context.and_then(|context| serde_json::from_str(context.get()).ok()).unwrap_or_default();
        let of_page = matches!(kind, "page" | "track" | "screen");
        let text = |value: &Option<serde_json::Value>| Some(value.as_ref()?.as_str()?.to_owned());
        let url = text(&known.url).filter(|_| of_page).or_else(|| context.page.url.clone());
        let url = url.map(|url| context.campaign.on(url));
        let referrer = text(&known.referrer).filter(|_| of_page).or_else(|| context.page.referrer.clone());
        let amount = known.revenue.as_ref().and_then(|value| match value {
            // Some write it in quotes.
            serde_json::Value::String(text) => text.trim().parse().ok(),
            value => value.as_f64(),
        });
        let money = amount
            .filter(|_| kind == "track")
            .and_then(|amount| money::minor(amount, text(&known.currency).as_deref()));
        let (revenue, currency) = money.unzip();
        let event = Plain {
            kind: match kind {
                "track" => "custom",
                "page" => "pageview",
                other => other,
            },
            ts,
            event_id: call.message_id.filter(|id| !id.is_empty()).map(|id| format!("segment:{}", &*id)),
            name: name.as_deref().filter(|name| !name.is_empty()),
            url: url.as_deref(),
            referrer: referrer.as_deref().filter(|referrer| !referrer.is_empty()),
            props: props.filter(|props| props.get() != "null"),
            revenue,
            currency,
        };
        let event = serde_json::value::to_raw_value(&event).expect("text and numbers into memory");
        let (library, screen) = (&context.library, &context.screen);
        let sdk = library.name.as_ref().map(|name| match &library.version {
            Some(version) => format!("{name}/{version}"),
            None => name.clone(),
        });
        let screen = screen.width.zip(screen.height).map(|(width, height)| format!("{width}x{height}"));
        let (client, user, event) = (Some(client), user, Cow::Owned(event));
        Translated { client, user, sent_at, flaw: None, event, context, sdk, screen }
    }
}

impl Campaign {
    /// The address with the campaign in it, where it has none itself: that is where campaigns are read from.
    fn on(&self, mut url: String) -> String {
        let (before, fragment) = url.split_once('#').map_or((&*url, None), |(url, rest)| (url, Some(rest)));
        let mut query = form_urlencoded::Serializer::new(String::new());
        let parts = [
            ("utm_source", &self.source),
            ("utm_medium", &self.medium),
            ("utm_campaign", &self.name),
            ("utm_term", &self.term),
            ("utm_content", &self.content),
        ];
        for (key, value) in parts {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        let query = query.finish();
        if !query.is_empty() && !before.contains("utm_") {
            let joint = if before.contains('?') { '&' } else { '?' };
            let fragment = fragment.map_or(String::new(), |fragment| format!("#{fragment}"));
            url = format!("{before}{joint}{query}{fragment}");
        }
        url
    }
}

fn kept(text: Option<&str>) -> Option<Text<'_>> {
    text.filter(|text| text.len() <= limits::ID_BYTES && !text.contains('\0')).map(borrowed)
}

impl<'a> Translated<'a> {
    /// A call that is no event, for this reason.
    pub(super) fn flawed(raw: &'a RawValue, flaw: String) -> Self {
        Self {
            client: None,
            user: None,
            sent_at: None,
            flaw: Some(flaw),
            event: Cow::Borrowed(raw),
            context: Segments::default(),
            sdk: None,
            screen: None,
        }
    }

    /// Each text that is not too long; none of them is worth the call.
    pub(super) fn context(&self) -> Context<'_> {
        let Segments { app, device, locale, timezone, .. } = &self.context;
        let platform = match self.context.library.name.as_deref() {
            Some("analytics.js") => Some("web"),
            _ => device.kind.as_deref(),
        };
        Context {
            sdk: kept(self.sdk.as_deref()),
            platform: kept(platform),
            app_version: kept(app.version.as_deref()),
            device_id: kept(device.id.as_deref()),
            locale: kept(locale.as_deref()),
            tz: kept(timezone.as_deref()),
            screen: kept(self.screen.as_deref()),
            no_storage: None,
        }
    }
}

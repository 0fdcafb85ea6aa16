//! What goes with every copy of a stream.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::identity::Identity;

/// Who and where; written once per stream, before its first event.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) identity: Identity,
    pub(crate) app_version: Option<String>,
}

impl Header {
    /// The header's JSON members, without braces.
    pub(crate) fn of_stream(&self, stream: Uuid) -> String {
        let context = json!({
            "sdk": concat!("rust/", env!("CARGO_PKG_VERSION")),
            "platform": "server",
            "app_version": self.app_version,
            "device_id": self.identity.device_id,
            "locale": null,
            "tz": null,
            "screen": null,
        });
        format!(
            "{},\"client_id\":{},\"user_id\":{},\"context\":{context}",
            nameless(stream),
            json(&self.identity.client_id),
            json(&self.identity.user_id),
        )
    }
}

/// What is left of a header when consent was denied: the server knows the stream by its UUID alone.
pub(crate) fn nameless(stream: Uuid) -> String {
    format!("\"stream\":\"{stream}\"")
}

/// JSON text of a string or null.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> Value {
    json!(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_wires_members() {
        let identity =
            Identity { revision: 3, client_id: "a\"b".into(), device_id: Some("d".into()), user_id: None };
        let header = Header { identity, app_version: Some("1.2".into()) };
        let stream = Uuid::from_u128(7);
        let value: Value = serde_json::from_str(&format!("{{{}}}", header.of_stream(stream))).unwrap();
        assert_eq!(value["stream"], "00000000-0000-0000-0000-000000000007");
        assert_eq!(value["client_id"], "a\"b");
        assert_eq!(value["user_id"], Value::Null);
        assert_eq!(value["context"]["platform"], "server");
        assert_eq!(value["context"]["app_version"], "1.2");
        assert_eq!(value["context"]["device_id"], "d");
    }
}

//! The paths of a collector, and what each answers beside events.

use std::{borrow::Cow, fmt};

use crate::{Refusal, RefusalKind, Reply};

/// `POST` takes events; `OPTIONS` is the preflight.
pub const COLLECT: &str = "/collect";
/// `GET` takes events of the plain form in its query.
pub const PIXEL: &str = "/pixel.gif";
/// `GET` says that the program is there.
pub const HEALTH: &str = "/healthz";

/// What `method` of [`HEALTH`] is answered.
#[must_use]
pub fn health(method: &str) -> Reply {
    if method != "GET" && method != "HEAD" {
        return method_not_allowed(&method, "GET, HEAD");
    }
    let mut reply = Reply::empty(200);
    reply.headers.push(("content-type", Cow::Borrowed("application/json")));
    reply.headers.push(("cache-control", Cow::Borrowed("no-store")));
    reply.body = Cow::Borrowed(b"{\"status\":\"ok\"}");
    reply
}

/// 405, with the methods that the path has.
#[must_use]
pub fn method_not_allowed(method: &impl fmt::Display, allow: &'static str) -> Reply {
    let message = format!("method: {method} is not one of {allow}");
    let mut reply = Refusal::new(RefusalKind::MethodNotAllowed, message).reply();
    reply.headers.push(("allow", Cow::Borrowed(allow)));
    reply
}

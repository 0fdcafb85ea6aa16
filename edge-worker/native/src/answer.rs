//! A reply as axum sends it.

use std::borrow::Cow;

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use headwater_collector::Reply;

use crate::host::unix_ms;

/// The reply, with the time at which it leaves.
pub(crate) fn response(mut reply: Reply) -> Response {
    reply.set_time(unix_ms());
    let body = match reply.body {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("a status of ours");
    for (name, value) in reply.headers {
        // Every value is ours, or came in as a header.
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value.into_owned())) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

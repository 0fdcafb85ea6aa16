//! Bodies of requests and answers, and the clock.

use futures_util::StreamExt as _;
use headwater_collector::Reply;
use worker::{ByteStream, Date, Error, Headers, Method, Request, RequestInit, Response, js_sys::Uint8Array};

/// Unix ms. In a worker it stands still between I/O.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX)
}

/// What the stream holds, but no more than one byte above `most`.
pub(crate) async fn read(mut stream: ByteStream, most: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        bytes.extend_from_slice(&chunk[..chunk.len().min(most + 1 - bytes.len())]);
        if bytes.len() > most {
            break;
        }
    }
    Ok(bytes)
}

/// A request of ours.
pub(crate) fn post(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Request, Error> {
    let (mut init, all) = (RequestInit::new(), Headers::new());
    for (name, value) in headers {
        all.set(name, value)?;
    }
    init.with_method(Method::Post).with_headers(all).with_body(Some(Uint8Array::from(body).into()));
    Request::new_with_init(url, &init)
}

/// The reply as the platform sends it.
pub(crate) fn response(reply: Reply) -> Result<Response, Error> {
    let headers = Headers::new();
    for (name, value) in &reply.headers {
        headers.set(name, value)?;
    }
    let response = Response::builder().with_status(reply.status).with_headers(headers);
    Ok(if reply.body.is_empty() { response.empty() } else { response.fixed(reply.body.into_owned()) })
}

/// Nothing but a status.
pub(crate) fn status(status: u16) -> Response {
    Response::builder().with_status(status).empty()
}

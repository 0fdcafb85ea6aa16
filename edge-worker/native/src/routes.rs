//! The paths that are ours.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, HeaderValue, Method, header},
    response::Response,
    routing::any,
};
use headwater_collector::{
    Refusal, RefusalKind, cors,
    limits::BODY_BYTES,
    paths::{self, method_not_allowed},
    pixel,
};
use headwater_schema::{TRACEPARENT, TRACESTATE, Trace};
use headwater_service::body::{self, BodyError};

use crate::{Collector, Forward, answer::response, host::Sender, limits};

/// `/collect`, `/pixel.gif` and `/healthz`; any other path is the embedding program's. Serve it with
/// `into_make_service_with_connect_info::<SocketAddr>()`, or events have no address.
pub fn router<F: Forward>(collector: Collector<F>) -> Router {
    Router::new()
        .route(paths::COLLECT, any(collect::<F>))
        .route(paths::PIXEL, any(pixel::<F>))
        .route(paths::HEALTH, any(healthz))
        .with_state(collector)
}

async fn collect<F: Forward>(State(collector): State<Collector<F>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let sender = sender(&parts.headers, &parts.extensions);
    let origin = sender.origin.clone();
    if parts.method == Method::OPTIONS {
        return response(cors::preflight(collector.sites(), origin.as_deref()));
    }
    let mut reply = if parts.method == Method::POST {
        let mut lease = collector.lease();
        match body::read(&parts.headers, body, BODY_BYTES, &mut lease).await {
            Ok(body) => collector.answer(body, sender, lease).await,
            Err(error) => without_body(&error).reply(),
        }
    } else {
        method_not_allowed(&parts.method, "OPTIONS, POST")
    };
    cors::allow(&mut reply, collector.sites(), origin.as_deref());
    response(reply)
}

fn without_body(error: &BodyError) -> Refusal {
    let message = error.to_string();
    match error {
        BodyError::BrokenOff(_) => Refusal::new(RefusalKind::Malformed, message),
        BodyError::Busy(_) => Refusal::unavailable(message, limits::RETRY_AFTER_S),
        BodyError::TimedOut => Refusal::new(RefusalKind::TimedOut, message),
        BodyError::TooLarge(_) => Refusal::new(RefusalKind::TooLarge, message),
    }
}

async fn pixel<F: Forward>(State(collector): State<Collector<F>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut lease = collector.lease();
    let reply = match parts.method {
        Method::GET => match pixel::body(parts.uri.query().unwrap_or_default()) {
            Ok(body) => match lease.grow(body.len()) {
                Ok(()) => {
                    let sender = sender(&parts.headers, &parts.extensions);
                    collector.answer(body.into(), sender, lease).await
                }
                Err(busy) => without_body(&busy.into()).reply(),
            },
            Err(refusal) => refusal.reply(),
        },
        // Whoever only asks whether the image is there has seen no page.
        Method::HEAD => Refusal::new(RefusalKind::MethodNotAllowed, "HEAD").reply(),
        method => return response(method_not_allowed(&method, "GET, HEAD")),
    };
    response(pixel::image(&reply))
}

async fn healthz(method: Method) -> Response {
    response(paths::health(method.as_str()))
}

fn sender(headers: &HeaderMap, extensions: &Extensions) -> Sender {
    // What is no text is kept as a wrong value: absent would be another thing.
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default().to_owned());
    Sender {
        authorization: text(header::AUTHORIZATION),
        origin: text(header::ORIGIN),
        trace: trace(headers),
        ip: extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip()),
    }
}

/// The trace that the request belongs to, if its headers say so in the right form.
fn trace(headers: &HeaderMap) -> Option<Trace> {
    let all = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    Trace::parse(all(TRACEPARENT), all(TRACESTATE))
}

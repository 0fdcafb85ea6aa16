//! The paths that are ours.

use std::{borrow::Cow, net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{ConnectInfo, Path, Request, State, rejection::PathRejection},
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::any,
};
use headwater_collector::{
    ReadAccess, Refusal, RefusalKind, Reply, bearer, cors,
    limits::BODY_BYTES,
    paths::{self, method_not_allowed},
    pixel, segment,
};
use headwater_schema::{Agent, TRACEPARENT, TRACESTATE, Trace};
use headwater_service::body::{self, BodyError};

use crate::{
    Collector, Forward, Paths, Sdk,
    answer::response,
    host::{Arrival, Sender},
    limits,
};

/// What a collector is reached by.
#[derive(Debug, Default)]
pub struct Endpoints {
    /// Under which paths.
    pub paths: Paths,
    /// The browser SDK, if it is served here.
    pub sdk: Option<Sdk>,
}

/// `/collect`, `/pixel.gif`, Segment's `/v1/track`, …, `/healthz` and the inspector; any other path is the embedding program's. Serve it with
/// [`headwater_service::server::serve`] or `into_make_service_with_connect_info::<SocketAddr>()`, or events have no address.
pub fn router<F: Forward>(collector: Collector<F>) -> Router {
    router_at(collector, &Endpoints::default())
}

/// As [`router`], under other paths and with the SDK.
pub fn router_at<F: Forward>(collector: Collector<F>, endpoints: &Endpoints) -> Router {
    let Endpoints { paths: Paths { prefix, collect: collect_path, pixel: pixel_path }, sdk } = endpoints;
    let sdk = sdk.as_ref().map_or_else(Router::new, |sdk| sdk.router(&prefix.to_string()));
    Router::new()
        .route(&format!("{prefix}{collect_path}"), any(collect::<F>))
        .route(&format!("{prefix}{pixel_path}"), any(pixel::<F>))
        .route("/v1/{call}", any(segment::<F>))
        .route(paths::HEALTH, any(healthz))
        .route("/api/v1/sites/{site}/inspector", any(inspector::<F>))
        .with_state(collector)
        .merge(sdk)
}

async fn collect<F: Forward>(State(collector): State<Collector<F>>, request: Request) -> Response {
    take(collector, request, None).await
}

/// Segment's HTTP API.
async fn segment<F: Forward>(
    State(collector): State<Collector<F>>,
    Path(call): Path<String>,
    request: Request,
) -> Response {
    match segment::Kind::of(&call) {
        Some(kind) => take(collector, request, Some(kind)).await,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn take<F: Forward>(
    collector: Collector<F>,
    request: Request,
    kind: Option<segment::Kind>,
) -> Response {
    let arrival = Arrival { path: if kind.is_some() { "segment" } else { "collect" }, at: Instant::now() };
    let (parts, body) = request.into_parts();
    let sender = Sender { segment: kind, ..sender(&collector, &parts.headers, &parts.extensions) };
    let origin = sender.origin.clone();
    if parts.method == Method::OPTIONS {
        return response(cors::preflight(&collector.sites(), origin.as_deref()));
    }
    let mut reply = if parts.method == Method::POST {
        let mut lease = collector.lease();
        let body = match collector.may_send(&sender) {
            Ok(()) => {
                let body = body::read(&parts.headers, body, BODY_BYTES, &mut lease).await;
                body.map_err(|error| without_body(&error))
            }
            Err(refusal) => {
                body::discard(&parts.headers, body).await;
                Err(refusal)
            }
        };
        match body {
            Ok(body) => collector.answer(body, judged(sender, &parts.headers), lease, arrival).await,
            Err(refusal) => collector.refuse(&refusal, arrival),
        }
    } else {
        method_not_allowed(&parts.method, "OPTIONS, POST")
    };
    if kind.is_some() {
        reply = segment::answer(reply);
    }
    cors::allow(&mut reply, &collector.sites(), origin.as_deref());
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
    let arrival = Arrival { path: "pixel", at: Instant::now() };
    let (parts, _) = request.into_parts();
    let reply = match parts.method {
        Method::GET => {
            let sender = Sender { is_pixel: true, ..sender(&collector, &parts.headers, &parts.extensions) };
            let mut lease = collector.lease();
            let body = collector.may_send(&sender).and_then(|()| {
                let body = pixel::body(parts.uri.query().unwrap_or_default())?;
                lease.grow(body.len()).map_err(|busy| without_body(&busy.into()))?;
                Ok(body)
            });
            match body {
                Ok(body) => {
                    collector.answer(body.into(), judged(sender, &parts.headers), lease, arrival).await
                }
                Err(refusal) => collector.refuse(&refusal, arrival),
            }
        }
        // Whoever only asks whether the image is there has seen no page.
        Method::HEAD => Refusal::new(RefusalKind::MethodNotAllowed, "HEAD").reply(),
        method => return response(method_not_allowed(&method, "GET, HEAD")),
    };
    response(pixel::image(&reply))
}

/// The last requests of a site, for the bearer of one of its read tokens.
async fn inspector<F: Forward>(
    State(collector): State<Collector<F>>,
    site: Result<Path<String>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return response(method_not_allowed(&method, "GET, HEAD"));
    }
    let Ok(Path(site)) = site else {
        return response(Refusal::new(RefusalKind::Malformed, "site: not percent-encoded UTF-8").reply());
    };
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let (status, body) = match collector.sites().read_access(&site, token) {
        ReadAccess::Granted => (200, Cow::Owned(collector.inspect(&site))),
        ReadAccess::UnknownSite => (404, Cow::Borrowed(NO_SITE)),
        ReadAccess::Unauthorised => {
            let what = "Authorization: not `Bearer` and a read token of this site";
            return response(Refusal::new(RefusalKind::Unauthorised, what).reply());
        }
    };
    response(Reply { status, headers: json(), body })
}

const NO_SITE: &[u8] = br#"{"error":"unknown_site","message":"site: there is no such site"}"#;

fn json() -> Vec<(&'static str, Cow<'static, str>)> {
    vec![("content-type", Cow::Borrowed("application/json")), ("cache-control", Cow::Borrowed("no-store"))]
}

async fn healthz(method: Method) -> Response {
    response(paths::health(method.as_str()))
}

fn sender<F: Forward>(collector: &Collector<F>, headers: &HeaderMap, extensions: &Extensions) -> Sender {
    // What is no text is kept as a wrong value: absent would be another thing.
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default().to_owned());
    Sender {
        authorization: text(header::AUTHORIZATION),
        origin: text(header::ORIGIN),
        trace: trace(headers),
        software: Arc::default(),
        ip: extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(peer)| collector.client(peer.ip(), headers)),
        is_pixel: false,
        segment: None,
    }
}

/// Knows what program the sender is; asked only of who may send, because a new one costs more than a refusal.
fn judged(sender: Sender, headers: &HeaderMap) -> Sender {
    let software = headwater_enrich::judge(&Agent::read(|name| headers.get(name)?.to_str().ok()));
    Sender { software, ..sender }
}

/// The trace that the request belongs to, if its headers say so in the right form.
fn trace(headers: &HeaderMap) -> Option<Trace> {
    let all = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    Trace::parse(all(TRACEPARENT), all(TRACESTATE))
}

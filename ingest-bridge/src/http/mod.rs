//! The servers: batches on one port, metrics and health on another.

mod answer;
mod auth;
mod batches;
mod packing;
mod refusal;
mod replay;
mod tls;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{any, get},
};

pub use self::{
    auth::{Senders, signature},
    tls::{TlsListener, acceptor},
};
use headwater_service::budget::Budget;

use self::replay::Replays;
use crate::{config::Http, host::Handle};

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

struct Inner {
    limits: Http,
    senders: Senders,
    budget: Budget,
    replays: Replays,
    handle: Handle,
}

/// `POST /v1/batches`.
pub fn batches(limits: &Http, senders: Senders, handle: Handle) -> Router {
    let (budget, replays) = (Budget::new(limits.in_flight_bytes), Replays::new(limits.signature_window_s));
    let shared = Shared(Arc::new(Inner { limits: limits.clone(), senders, budget, replays, handle }));
    Router::new().route("/v1/batches", any(batches::post)).fallback(batches::not_found).with_state(shared)
}

/// `/metrics`, `/healthz`, `/readyz`.
pub fn operations(handle: Handle) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || health(None)))
        .route("/readyz", get(async |State(handle): State<Handle>| health(handle.metrics().unready())))
        .with_state(handle)
}

async fn metrics(State(handle): State<Handle>) -> Response {
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, form)], handle.metrics().text()).into_response()
}

fn health(problem: Option<&'static str>) -> Response {
    let (status, body) = match problem {
        None => (StatusCode::OK, r#"{"status":"ok"}"#.to_owned()),
        Some(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!(r#"{{"error":"not_ready","message":"{why}"}}"#))
        }
    };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

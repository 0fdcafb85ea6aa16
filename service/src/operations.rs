//! What is shown to those who run a server, on a port of its own: metrics, and whether it lives and is ready.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

/// A server that is looked after.
pub trait Operated: Send + Sync + 'static {
    /// Its metrics in OpenMetrics' text format.
    fn metrics(&self) -> String;

    /// Why it should get no requests now, if so; without secrets.
    fn unready(&self) -> impl Future<Output = Option<String>> + Send;
}

/// `/metrics`, `/healthz`, `/readyz`.
pub fn router<O: Operated>(operated: Arc<O>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::<O>))
        .route("/healthz", get(async || health(None)))
        .route("/readyz", get(async |State(operated): State<Arc<O>>| health(operated.unready().await)))
        .with_state(operated)
}

async fn metrics<O: Operated>(State(operated): State<Arc<O>>) -> Response {
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, form)], operated.metrics()).into_response()
}

/// 200, or 503 with what is wrong.
#[must_use]
pub fn health(problem: Option<String>) -> Response {
    let (status, body) = match problem {
        None => (StatusCode::OK, serde_json::json!({ "status": "ok" })),
        Some(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({ "error": "not_ready", "message": why }))
        }
    };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

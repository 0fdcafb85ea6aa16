//! The server of batches.

mod answer;
mod auth;
mod batches;
mod packing;
mod refusal;
mod replay;

use std::sync::Arc;

use axum::{Router, routing::any};

pub use self::auth::{Senders, signature};
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

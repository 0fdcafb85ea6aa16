//! The query API: `GET /api/v1/analytics/{site}/realtime | report | delivery`.
//!
//! Judged in this order: token (401), site (404), parameters (400 what cannot be read, 422 what cannot be
//! meant). Every error is JSON with `error` and `message`, and the message begins with the field.

mod answers;
mod error;
mod params;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderValue, Method, Uri, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use headwater_collector::{ReadAccess, bearer};
use headwater_native::LiveSites;
use tokio::{sync::Semaphore, task, time::timeout};

use crate::{
    clock,
    query::{self, Queries},
};
use error::{ApiError, Kind};

/// So many questions are answered at a time: each may use every core, and the collector needs some too.
const AT_A_TIME: usize = 4;

/// So long a question waits for its turn before it is answered 503.
const PATIENCE: Duration = Duration::from_secs(10);

/// `/delivery` lists so many streams, newest first.
const STREAMS: usize = 1_000;

/// What the handlers share.
pub struct Api {
    sites: LiveSites,
    queries: Queries,
    turns: Semaphore,
}

impl Api {
    /// Answers the readers of `sites` from `queries`.
    #[must_use]
    pub fn new(sites: LiveSites, queries: Queries) -> Arc<Self> {
        Arc::new(Self { sites, queries, turns: Semaphore::new(AT_A_TIME) })
    }

    /// Whether the request may read the site.
    fn authorise(&self, site: &str, request: &Request) -> Result<(), ApiError> {
        let header = request.headers().get(header::AUTHORIZATION);
        let token = header.and_then(|value| value.to_str().ok()).and_then(bearer);
        match self.sites.now().read_access(site, token) {
            ReadAccess::Granted => Ok(()),
            ReadAccess::Unauthorised => Err(ApiError::new(
                Kind::Unauthorised,
                "Authorization: not `Bearer` and a read token of this site",
            )),
            ReadAccess::UnknownSite => Err(ApiError::new(Kind::UnknownSite, "site: there is no such site")),
        }
    }

    /// Runs a question on a thread that may block.
    async fn ask<T: Send + 'static>(
        self: Arc<Self>,
        question: impl FnOnce(&Queries) -> Result<T, query::Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let api = Arc::clone(&self);
        let Ok(Ok(_turn)) = timeout(PATIENCE, self.turns.acquire()).await else {
            return Err(ApiError::new(Kind::Unavailable, "too many questions at a time"));
        };
        match task::spawn_blocking(move || question(&api.queries)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error.into()),
            Err(error) => Err(ApiError::fault(&error)),
        }
    }
}

/// Everything below `/api`.
pub fn router(api: Arc<Api>) -> Router {
    let site = "/api/v1/analytics/{site}";
    Router::new()
        .route(&format!("{site}/realtime"), get(realtime).fallback(method_not_allowed))
        .route(&format!("{site}/report"), get(report).fallback(method_not_allowed))
        .route(&format!("{site}/delivery"), get(delivery).fallback(method_not_allowed))
        .route("/api", get(not_found).fallback(not_found))
        .route("/api/{*path}", get(not_found).fallback(not_found))
        .layer(from_fn(never_stored))
        .with_state(api)
}

type SitePath = Result<Path<String>, axum::extract::rejection::PathRejection>;

async fn realtime(
    State(api): State<Arc<Api>>,
    site: SitePath,
    request: Request,
) -> Result<Response, ApiError> {
    let site = site_of(site)?;
    api.authorise(&site, &request)?;
    params::none(&params::read(request.uri())?)?;
    let answer = api.ask(move |queries| queries.realtime(&site, clock::unix_ms())).await?;
    Ok(Json(answer).into_response())
}

async fn report(State(api): State<Arc<Api>>, site: SitePath, request: Request) -> Result<Response, ApiError> {
    let site = site_of(site)?;
    api.authorise(&site, &request)?;
    let (question, rows) = params::report(&params::read(request.uri())?)?;
    let asked = question.clone();
    let data = api.ask(move |queries| queries.report(&site, &asked, rows)).await?;
    Ok(Json(answers::Report { question: &question, data: &data }).into_response())
}

async fn delivery(
    State(api): State<Arc<Api>>,
    site: SitePath,
    request: Request,
) -> Result<Response, ApiError> {
    let site = site_of(site)?;
    api.authorise(&site, &request)?;
    params::none(&params::read(request.uri())?)?;
    let answer = api.ask(move |queries| Ok(queries.delivery(&site, clock::unix_ms(), STREAMS))).await?;
    Ok(Json(answers::Delivery::from(answer)).into_response())
}

fn site_of(site: SitePath) -> Result<String, ApiError> {
    site.map(|Path(site)| site).map_err(|_| ApiError::new(Kind::Malformed, "site: not percent-encoded UTF-8"))
}

async fn not_found(uri: Uri) -> ApiError {
    ApiError::new(Kind::NotFound, format!("path: there is no {:?}", uri.path()))
}

async fn method_not_allowed(method: Method) -> Response {
    let mut response =
        ApiError::new(Kind::MethodNotAllowed, format!("method: {method} is not one of GET, HEAD"))
            .into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// Numbers are of this moment and of this reader.
async fn never_stored(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

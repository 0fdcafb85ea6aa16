//! What is answered when there is no answer.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::query;

/// Seconds after which a busy server may be asked again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// An error answer.
#[derive(Debug)]
pub(super) struct ApiError {
    kind: Kind,
    message: String,
}

/// What is wrong in general; decides the status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Internal,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Unauthorised,
    Unavailable,
    UnknownSite,
    Unprocessable,
}

impl Kind {
    fn status(self) -> StatusCode {
        match self {
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound | Self::UnknownSite => StatusCode::NOT_FOUND,
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Malformed => "malformed",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::Unauthorised => "unauthorised",
            Self::Unavailable => "unavailable",
            Self::UnknownSite => "unknown_site",
            Self::Unprocessable => "unprocessable",
        }
    }
}

impl ApiError {
    /// `message` begins with the field that is wrong.
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A fault of ours: logged, and not told.
    pub(super) fn fault(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a question was not answered");
        Self::new(Kind::Internal, "a fault of the server, which has logged it")
    }
}

impl From<query::Error> for ApiError {
    fn from(error: query::Error) -> Self {
        match error {
            query::Error::TooManyRows(most) => {
                let message =
                    format!("group_by: more than {most} rows; ask for fewer days or groups, or set limit");
                Self::new(Kind::Unprocessable, message)
            }
            error => Self::fault(&error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.kind.name(), "message": self.message });
        let mut response = (self.kind.status(), Json(body)).into_response();
        let header = match self.kind {
            Kind::Unauthorised => (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Kind::Unavailable => (header::RETRY_AFTER, RETRY_AFTER),
            _ => return response,
        };
        response.headers_mut().insert(header.0, header.1);
        response
    }
}

//! A request that is refused as a whole: nothing of it is settled.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use headwater_service::{body::BodyError, budget::Busy};
use serde::Serialize;

/// Why.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    error: &'static str,
    message: String,
    retry_after_s: Option<u32>,
}

/// How many records of the request are settled.
pub(super) const HW_ACK: HeaderName = HeaderName::from_static("hw-ack");

impl Refusal {
    pub(super) fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, message: message.into(), retry_after_s: None }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    pub(super) fn unauthorised(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    pub(super) fn unavailable(message: impl Into<String>, retry_after_s: u32) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message);
        Self { retry_after_s: Some(retry_after_s), ..refusal }
    }

    pub(super) fn response(self) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
            message: &'a str,
        }
        let body = serde_json::to_vec(&Body { error: self.error, message: &self.message }).expect("text");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(HW_ACK, HeaderValue::from_static("0"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Seconds after which there may be room for a body.
const ROOM_S: u32 = 1;

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let message = error.to_string();
        match error {
            BodyError::BrokenOff(_) => Self::malformed(message),
            BodyError::Busy(_) => Self::unavailable(message, ROOM_S),
            BodyError::TimedOut => Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", message),
            BodyError::TooLarge(_) => Self::too_large(message),
        }
    }
}

impl From<Busy> for Refusal {
    fn from(busy: Busy) -> Self {
        BodyError::from(busy).into()
    }
}

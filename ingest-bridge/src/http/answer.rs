//! What a sender is told of each line.

use std::fmt::Write as _;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use headwater_bridge_flow::{Answer, Outcome};

use super::refusal::HW_ACK;
use crate::metrics::word;

/// Which incarnation of the topic an answer speaks for.
const HW_INCARNATION: HeaderName = HeaderName::from_static("hw-incarnation");

/// The answer: 200 if every line has its final outcome, 422 if none of them can ever be accepted, 503 if one has to be
/// sent again. `hw-ack` is the number of lines with a 2xx, and else 0: the request is settled as a whole.
pub(super) fn response(answer: &Answer) -> Response {
    let is_accepted = |outcome: &Outcome| *outcome == Outcome::Accepted;
    let (status, error) = if !answer.is_settled() {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Some(("unavailable", "some lines have to be sent again, so send all")),
        )
    } else if answer.outcomes.iter().any(is_accepted) {
        (StatusCode::OK, None)
    } else {
        (StatusCode::UNPROCESSABLE_ENTITY, Some(("unprocessable", "no line can be accepted")))
    };
    let mut response = Response::new(Body::from(body(&answer.outcomes, error)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let settled = if status.is_success() { answer.outcomes.len() } else { 0 };
    headers.insert(HW_ACK, HeaderValue::from(settled));
    if let Some(seconds) = answer.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(id) = answer.incarnation.and_then(|id| HeaderValue::from_str(&format!("{id:032x}")).ok()) {
        headers.insert(HW_INCARNATION, id);
    }
    response
}

/// `{"results":[{"outcome":"accepted"},{"outcome":"rejected","reason":"…"},{"outcome":"retry","reason":"broker"}]}`,
/// written by hand: there is one for every record.
fn body(outcomes: &[Outcome], error: Option<(&str, &str)>) -> Vec<u8> {
    let mut text = String::with_capacity(64 + outcomes.len() * 24);
    text.push('{');
    if let Some((error, message)) = error {
        // Writing into a String does not fail, here and below.
        let _ = write!(text, r#""error":"{error}","message":"{message}","#);
    }
    text.push_str(r#""results":["#);
    for (index, outcome) in outcomes.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match outcome {
            Outcome::Accepted => text.push_str(r#"{"outcome":"accepted"}"#),
            Outcome::Rejected(reason) => {
                let reason = serde_json::to_string(reason).expect("text");
                let _ = write!(text, r#"{{"outcome":"rejected","reason":{reason}}}"#);
            }
            Outcome::Retry(cause) => {
                let _ = write!(text, r#"{{"outcome":"retry","reason":"{}"}}"#, word(*cause));
            }
        }
    }
    text.push_str("]}");
    text.into_bytes()
}

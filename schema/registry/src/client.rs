//! Speaks to a registry: Confluent's API, as Confluent, Apicurio, Karapace and Redpanda have it.

use std::{fmt, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use ureq::{Agent, Body, http::Response};

/// For one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// An answer is a schema at most.
const ANSWER_BYTES: u64 = 1 << 20;

const FORM: &str = "application/vnd.schemaregistry.v1+json";

/// How this program is known to the registry. Never printed.
#[derive(Clone)]
pub struct Auth(String);

impl Auth {
    /// `user:password`, or `Bearer token`.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let is_text = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        match text.split_once([':', ' ']) {
            Some(("Bearer", token)) if is_text && !token.is_empty() => Ok(Self(text.to_owned())),
            _ if is_text && text.contains(':') => Ok(Self(format!("Basic {}", BASE64_STANDARD.encode(text)))),
            _ => Err("user:password or Bearer <token>"),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth")
    }
}

/// A registry.
pub struct Client {
    agent: Agent,
    url: String,
    auth: Option<Auth>,
}

/// What a registry says, other than yes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The schema breaks readers or writers of the subject's other versions.
    #[error(
        "the schema registry says that the schema is not compatible with what {subject:?} has: {message}"
    )]
    Incompatible {
        /// Of the schema.
        subject: String,
        /// The registry's words.
        message: String,
    },
    /// It has no such thing.
    #[error("the schema registry does not know it: {0}")]
    NotFound(String),
    /// It does not do what it was asked.
    #[error("the schema registry answers {status}: {message}")]
    Refused {
        /// Of HTTP.
        status: u16,
        /// The registry's words.
        message: String,
    },
    /// Nobody knows.
    #[error("the schema registry is not reached: {0}")]
    Unreachable(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Schema<'a> {
    schema: &'a str,
    schema_type: &'a str,
}

#[derive(Deserialize)]
struct Id {
    id: u32,
}

#[derive(Deserialize)]
struct Text {
    schema: String,
}

impl Client {
    /// A registry at `http(s)://…`; with a path, where it has its API below one.
    ///
    /// # Errors
    /// It is no address.
    pub fn new(url: &str, auth: Option<Auth>) -> Result<Self, &'static str> {
        let url = url.trim_end_matches('/');
        if url.strip_prefix("http://").or(url.strip_prefix("https://")).is_none_or(str::is_empty) {
            return Err("not http://… or https://…");
        }
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER));
        Ok(Self { agent: config.build().into(), url: url.to_owned(), auth })
    }

    /// The id of an Avro schema in a subject, where it is registered if it is not there.
    ///
    /// # Errors
    /// [`Error::Incompatible`] where the subject's rule forbids it.
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32, Error> {
        self.post(&format!("subjects/{subject}/versions"), subject, schema)
    }

    /// The id of an Avro schema that is in a subject.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it is not.
    pub fn look_up(&self, subject: &str, schema: &str) -> Result<u32, Error> {
        self.post(&format!("subjects/{subject}"), subject, schema)
    }

    /// The schema of an id.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none.
    pub fn schema(&self, id: u32) -> Result<String, Error> {
        let mut request = self.agent.get(format!("{}/schemas/ids/{id}", self.url)).header("accept", FORM);
        if let Some(Auth(auth)) = &self.auth {
            request = request.header("authorization", auth);
        }
        let text: Text = answer("", request.call())?;
        Ok(text.schema)
    }

    fn post(&self, path: &str, subject: &str, schema: &str) -> Result<u32, Error> {
        let mut request = self.agent.post(format!("{}/{path}", self.url));
        request = request.header("accept", FORM).header("content-type", FORM);
        if let Some(Auth(auth)) = &self.auth {
            request = request.header("authorization", auth);
        }
        let body = json!(Schema { schema, schema_type: "AVRO" }).to_string();
        let id: Id = answer(subject, request.send(body))?;
        Ok(id.id)
    }
}

fn answer<T: for<'de> Deserialize<'de>>(
    subject: &str,
    answer: Result<Response<Body>, ureq::Error>,
) -> Result<T, Error> {
    #[derive(Default, Deserialize)]
    struct Problem {
        message: String,
    }
    let unreachable = |error: ureq::Error| Error::Unreachable(error.to_string());
    let mut answer = answer.map_err(unreachable)?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_string().map_err(unreachable)?;
    if status == 200 {
        return serde_json::from_str(&text)
            .map_err(|error| Error::Refused { status, message: error.to_string() });
    }
    let said: Problem = serde_json::from_str(&text).unwrap_or_default();
    let message = said.message;
    Err(match status {
        404 => Error::NotFound(message),
        409 => Error::Incompatible { subject: subject.to_owned(), message },
        500.. => Error::Unreachable(format!("it answers {status}: {message}")),
        status => Error::Refused { status, message },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_name_are_checked_and_no_secret_is_shown() {
        for url in ["", "registry:8081", "ftp://x", "http://", "https:///"] {
            assert!(Client::new(url, None).is_err(), "{url}");
        }
        assert!(Client::new("http://registry:8081/apis/ccompat/v7/", None).is_ok());
        for auth in ["", "key", "Bearer ", "user:pass\n", "user:p\u{e4}ss"] {
            assert!(Auth::parse(auth).is_err(), "{auth:?}");
        }
        assert_eq!(Auth::parse("user:pass").unwrap().0, "Basic dXNlcjpwYXNz");
        assert_eq!(Auth::parse("Bearer abc").unwrap().0, "Bearer abc");
        assert_eq!(format!("{:?}", Auth::parse("user:pass")), "Ok(Auth)");
    }

    #[test]
    fn a_registry_that_is_not_there_is_told_as_such() {
        let client = Client::new("http://127.0.0.1:1", None).unwrap();
        assert!(matches!(client.look_up("s", "{}"), Err(Error::Unreachable(_))));
    }
}

//! Requests, on threads of their own.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use headwater_core::client::Outcome;
use ureq::{Agent, http::HeaderMap};

/// A request that takes longer has no answer; the server answers in milliseconds, and a copy is harmless.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest answer that is read. Ours are below; what is longer is not ours.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// Threads that post. Dropping it ends them after what they are at.
pub(crate) struct Senders {
    jobs: Sender<Job>,
}

struct Job {
    request: u32,
    body: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct Endpoint {
    agent: Agent,
    url: String,
    authorization: Option<String>,
}

impl Senders {
    /// Starts `count` threads; `answered` is called on them.
    pub(crate) fn start(
        count: u32,
        endpoint: &Endpoint,
        answered: impl Fn(u32, Outcome) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..count {
            let (queue, endpoint, answered) = (Arc::clone(&queue), endpoint.clone(), answered.clone());
            thread::Builder::new().name(format!("hw-send-{number}")).spawn(move || {
                while let Some(Job { request, body }) = next(&queue) {
                    answered(request, endpoint.post(&body));
                }
            })?;
        }
        Ok(Self { jobs })
    }

    pub(crate) fn send(&self, request: u32, body: Vec<u8>) {
        // It fails only if every thread panicked; then nothing is answered, and nothing forgotten.
        let _ = self.jobs.send(Job { request, body });
    }
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl Endpoint {
    pub(crate) fn new(base: &str, secret_key: Option<&str>, connections: u32) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect is not Headwater's answer, and a followed one could lose the body.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections_per_host(connections as usize)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("headwater-rust/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self {
            agent,
            url: format!("{}/collect", base.trim_end_matches('/')),
            authorization: secret_key.map(|key| format!("Bearer {key}")),
        }
    }

    fn post(&self, body: &[u8]) -> Outcome {
        self.try_post(body).unwrap_or_else(|error| {
            tracing::debug!(%error, "no answer");
            Outcome::NoAnswer
        })
    }

    fn try_post(&self, body: &[u8]) -> Result<Outcome, ureq::Error> {
        let mut request = self.agent.post(&self.url).content_type("text/plain");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut answer = request.send(body)?;
        // An answer counts when it is complete; this also frees the connection for the next request.
        answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        let headers = answer.headers();
        let status = answer.status().as_u16();
        let (ack, retry_after) = (number(headers, "hw-ack"), number(headers, "retry-after"));
        if !answer.status().is_success() {
            tracing::debug!(status, ack, retry_after, "refused");
        }
        Ok(Outcome::Answer {
            status,
            ack,
            retry_after: retry_after.map(|s| s.saturating_mul(1_000)),
            time: None,
        })
    }
}

/// A header that is a plain number; anything else (a date, a list) says nothing.
fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

//! Requests, on threads of their own.

use std::{
    io,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use headwater_core::{client::Outcome, time::UnixMs};
use ureq::{Agent, http::HeaderMap};

use crate::settings::Told;

/// A request that takes longer has no answer; the server answers in milliseconds, and a copy is harmless.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest answer that is read. Ours are below; what is longer is not ours.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// Threads that post. Dropping it ends them after what they are at.
pub(crate) struct Senders {
    jobs: Sender<Job>,
    /// How many jobs there were.
    count: u64,
    /// Jobs below it must not be sent any more.
    first_valid: Arc<AtomicU64>,
}

struct Job {
    number: u64,
    request: u32,
    body: Vec<u8>,
}

/// How a request ended.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) told: Told,
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
        answered: impl Fn(u32, Answer) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let first_valid = Arc::new(AtomicU64::new(0));
        for number in 0..count {
            let (queue, endpoint, answered) = (Arc::clone(&queue), endpoint.clone(), answered.clone());
            let first_valid = Arc::clone(&first_valid);
            thread::Builder::new().name(format!("hw-send-{number}")).spawn(move || {
                while let Some(Job { number, request, body }) = next(&queue) {
                    let is_valid = number >= first_valid.load(Ordering::SeqCst);
                    answered(request, if is_valid { endpoint.post(&body) } else { Answer::none() });
                }
            })?;
        }
        Ok(Self { jobs, count: 0, first_valid })
    }

    pub(crate) fn send(&mut self, request: u32, body: Vec<u8>) {
        let number = self.count;
        self.count += 1;
        // It fails only if every thread panicked; then nothing is answered, and nothing forgotten.
        let _ = self.jobs.send(Job { number, request, body });
    }

    /// What no thread has begun to send is not sent: it ends without an answer.
    pub(crate) fn call_back(&self) {
        self.first_valid.store(self.count, Ordering::SeqCst);
    }
}

impl Answer {
    fn none() -> Self {
        Self { outcome: Outcome::NoAnswer, told: Told::default() }
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
            url: format!("{}{PATH}", base.trim_end_matches('/').trim_end_matches(PATH)),
            authorization: secret_key.map(|key| format!("Bearer {key}")),
        }
    }

    fn post(&self, body: &[u8]) -> Answer {
        self.try_post(body).unwrap_or_else(|error| {
            tracing::debug!(%error, "no answer");
            Answer::none()
        })
    }

    fn try_post(&self, body: &[u8]) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.post(&self.url).content_type("text/plain");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut answer = request.send(body)?;
        // An answer counts when it is complete; this also frees the connection for the next request.
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        let headers = answer.headers();
        let status = answer.status().as_u16();
        let ack = number(headers, "hw-ack");
        let retry_after: Option<u32> = number(headers, "retry-after");
        if !answer.status().is_success() {
            tracing::debug!(status, ack, retry_after, "refused");
        }
        let is_ours = ack.is_some() && answer.status().is_success();
        let outcome = Outcome::Answer {
            status,
            ack,
            retry_after: retry_after.map(|seconds| seconds.saturating_mul(1_000)),
            time: number(headers, "hw-time").map(UnixMs),
        };
        Ok(Answer { outcome, told: if is_ours { Told::parse(&body) } else { Told::default() } })
    }
}

/// Where events go, beside the base.
const PATH: &str = "/collect";

/// A header that is a plain number; anything else (a date, a list) says nothing.
fn number<N: FromStr>(headers: &HeaderMap, name: &str) -> Option<N> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::TcpListener,
    };

    use headwater_core::client::Settings;

    use super::*;

    /// Reads one request, answers with `text`, and returns the request's first line and body.
    fn serve_one(listener: &TcpListener, text: &str) -> (String, Vec<u8>) {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        while lines.read_line(&mut line).unwrap() > 2 {
            if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        (first, body)
    }

    /// What becomes of one answer.
    fn answer_to_one(text: &'static str, path: &str) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        let server = thread::spawn(move || serve_one(&listener, text));
        let answer = Endpoint::new(&url, None, 1).post(b"{}");
        assert_eq!(server.join().unwrap(), ("POST /collect HTTP/1.1\r\n".to_owned(), b"{}".to_vec()));
        answer
    }

    #[test]
    fn an_answer_is_its_status_its_ack_its_times_and_what_it_tells() {
        let Answer { outcome, told } = answer_to_one(
            "HTTP/1.1 200 OK\r\nhw-ack: 7\r\nhw-time: 1710320010123\r\nretry-after: 2\r\ncontent-length: 26\r\n\r\n\
             {\"settings\":{\"sample\":17}}",
            "",
        );
        let expected = Outcome::Answer {
            status: 200,
            ack: Some(7),
            retry_after: Some(2_000),
            time: Some(UnixMs(1_710_320_010_123)),
        };
        assert_eq!(outcome, expected);
        assert_eq!(told.settings, Some(Settings { sample: 17, ..Settings::default() }));
    }

    #[test]
    fn what_is_called_back_before_it_was_begun_is_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::new(&format!("http://{}", listener.local_addr().unwrap()), None, 1);
        let (answers, answered) = mpsc::channel();
        let (turns, turn) = mpsc::channel::<()>();
        let turn = Arc::new(Mutex::new(turn));
        let mut senders = Senders::start(1, &endpoint, move |request, _| {
            answers.send(request).unwrap();
            // Held until the test goes on.
            let _ = turn.lock().unwrap().recv();
        })
        .unwrap();
        let serve = || serve_one(&listener, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").1;
        senders.send(1, b"first".to_vec());
        assert_eq!((serve(), answered.recv().unwrap()), (b"first".to_vec(), 1));
        senders.send(2, b"second".to_vec());
        senders.call_back();
        senders.send(3, b"third".to_vec());
        drop(turns);
        assert_eq!(serve(), b"third");
        assert_eq!([answered.recv().unwrap(), answered.recv().unwrap()], [2, 3]);
    }

    #[test]
    fn what_does_not_speak_for_headwater_tells_nothing() {
        let Answer { outcome, told } =
            answer_to_one("HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"erase\":true}", "/collect/");
        let expected = Outcome::Answer { status: 200, ack: None, retry_after: None, time: None };
        assert_eq!((outcome, told), (expected, Told::default()));
    }
}

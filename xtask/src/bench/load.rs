//! A load generator: keep-alive connections, each a thread that sends requests made beforehand, one after the other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

/// As many as a few busy pages; more only measures this generator's threads on a small machine.
pub(super) const CONNECTIONS: usize = 16;
/// A refused request is sent again after this time: the load goes on when the server has room.
const AGAIN: Duration = Duration::from_millis(20);

/// One request: its bytes, and how many events it brings.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    pub(super) events: u64,
    /// Whether an answer must have `hw-ack`.
    pub(super) is_ours: bool,
}

impl Request {
    /// `POST path` to one of ours, or to another product's server.
    pub(super) fn post(path: &str, headers: &str, body: &str, events: u64, is_ours: bool) -> Self {
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: bench\r\n{headers}content-length: {length}\r\n\r\n");
        Self { bytes: [head.as_bytes(), body.as_bytes()].concat(), events, is_ours }
    }
}

/// What a run showed.
pub(super) struct Outcome {
    pub(super) seconds: f64,
    pub(super) requests: u64,
    pub(super) events: u64,
    /// Of the answers, in milliseconds.
    pub(super) latencies: Vec<f64>,
    /// Requests that were answered 503 or 429 and sent again.
    pub(super) refused: u64,
}

/// `GET path`, as often as asked, for each connection.
pub(super) fn gets(path: &str, each: usize) -> Vec<Vec<Request>> {
    let head = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
    vec![vec![Request { bytes: head.into_bytes(), events: 0, is_ours: false }; each]; CONNECTIONS]
}

/// Batches of `events` events for `site`: each connection is one page with a stream of its own.
pub(super) fn batches(site: &str, events: u64, each: u64, now: i64) -> Vec<Vec<Request>> {
    (0..CONNECTIONS)
        .map(|_| (0..each).scan(page(), |page, n| Some(batch(site, page, n * events, events, now))).collect())
        .collect()
}

/// Stream, client and session of one page.
struct Page {
    stream: Uuid,
    client: Uuid,
    session: Uuid,
}

fn page() -> Page {
    Page { stream: Uuid::new_v4(), client: Uuid::new_v4(), session: Uuid::new_v4() }
}

fn batch(site: &str, Page { stream, client, session }: &Page, from: u64, events: u64, now: i64) -> Request {
    let list: Vec<String> = (from..from + events)
        .map(|seq| {
            format!(
                r#"{{"seq":{seq},"session_id":"{session}","type":"pageview","ts":{now},"url":"/product/{}","referrer":"https://example.org/","name":null,"props":{{"plan":"pro","step":{}}}}}"#,
                seq % 97,
                seq % 7
            )
        })
        .collect();
    let body = format!(
        r#"{{"v":1,"site_id":"{site}","sent_at":{now},"batches":[{{"stream":"{stream}","client_id":"{client}","user_id":null,"context":{{"sdk":"bench/1","platform":"web","app_version":null,"device_id":null,"locale":"en-GB","tz":"Europe/London","screen":"1512x982"}},"at":[{},{}],"end":false,"events":[{}]}}]}}"#,
        from + events,
        from + events,
        list.join(",")
    );
    let headers = "content-type: text/plain\r\norigin: http://127.0.0.1\r\n";
    Request::post("/collect", headers, &body, events, true)
}

/// Sends everything; `acknowledged` counts events as they are settled, for whoever watches.
pub(super) fn run(base: &str, plan: &[Vec<Request>], acknowledged: &AtomicU64) -> Result<Outcome> {
    paced(base, plan, Duration::ZERO, acknowledged)
}

/// As [`run`], with this time from one request of a connection to the next; the connections take turns, as senders do that
/// know nothing of each other. An answer's time counts from when its request was due: whoever comes late for a slow answer
/// waits for it, too.
pub(super) fn paced(
    base: &str,
    plan: &[Vec<Request>],
    interval: Duration,
    acknowledged: &AtomicU64,
) -> Result<Outcome> {
    let address = base.trim_start_matches("http://");
    let start = Barrier::new(plan.len() + 1);
    thread::scope(|scope| {
        let workers: Vec<_> = plan
            .iter()
            .zip(0_u32..)
            .map(|(requests, turn)| {
                let start = &start;
                let after = interval * turn / u32::try_from(plan.len()).unwrap_or(u32::MAX);
                scope.spawn(move || {
                    let stream = TcpStream::connect(address).context("connect");
                    start.wait();
                    one_connection(stream?, requests, after, interval, acknowledged)
                })
            })
            .collect();
        start.wait();
        let begun = Instant::now();
        let mut outcome = Outcome { seconds: 0.0, requests: 0, events: 0, latencies: Vec::new(), refused: 0 };
        for worker in workers {
            let (latencies, refused) =
                worker.join().map_err(|_| anyhow::anyhow!("a connection panicked"))??;
            outcome.requests += latencies.len() as u64;
            outcome.latencies.extend(latencies);
            outcome.refused += refused;
        }
        outcome.seconds = begun.elapsed().as_secs_f64();
        outcome.events = plan.iter().flatten().map(|request| request.events).sum();
        Ok(outcome)
    })
}

fn one_connection(
    mut stream: TcpStream,
    requests: &[Request],
    after: Duration,
    interval: Duration,
    acknowledged: &AtomicU64,
) -> Result<(Vec<f64>, u64)> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut latencies = Vec::with_capacity(requests.len());
    let mut refused = 0;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut due = Instant::now() + after;
    for request in requests {
        if interval.is_zero() {
            due = Instant::now();
        } else {
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let mut begun = due;
        due += interval;
        loop {
            stream.write_all(&request.bytes)?;
            let (status, settled) = answer(&mut stream, &mut buffer)?;
            match status {
                200..=299 if !request.is_ours || settled == Some(request.events) => {
                    latencies.push(begun.elapsed().as_secs_f64() * 1000.0);
                    acknowledged.fetch_add(request.events, Ordering::Relaxed);
                    break;
                }
                429 | 503 => {
                    refused += 1;
                    thread::sleep(AGAIN);
                    if interval.is_zero() {
                        begun = Instant::now();
                    }
                }
                _ => bail!("answered {status}, hw-ack {settled:?}"),
            }
        }
    }
    Ok((latencies, refused))
}

/// Reads one answer to its end: its status and `hw-ack`.
fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(u16, Option<u64>)> {
    buffer.clear();
    let mut part = [0; 16 * 1024];
    loop {
        let read = stream.read(&mut part)?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        buffer.extend_from_slice(&part[..read]);
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(buffer)? else { continue };
        let status = response.code.unwrap_or_default();
        let number = |name: &str| {
            let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(header.value).ok()?.trim().parse::<u64>().ok()
        };
        let (length, settled) = (number("content-length").unwrap_or(0), number("hw-ack"));
        let mut missing = usize::try_from(length)?.saturating_sub(buffer.len() - head);
        while missing > 0 {
            let read = stream.read(&mut part)?;
            if read == 0 {
                bail!("the server closed the connection");
            }
            missing = missing.saturating_sub(read);
        }
        return Ok((status, settled));
    }
}

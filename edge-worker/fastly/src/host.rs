//! The platform: one request, its stores, the bridge as a backend.

use std::{
    cell::RefCell,
    io::Read as _,
    rc::Rc,
    time::{SystemTime, UNIX_EPOCH},
};

use fastly::{
    Backend, ConfigStore, Request, Response, SecretStore,
    geo::geo_lookup,
    http::{HeaderValue, request::SendError},
};
use headwater_collector::{
    Place, Reply, Sites, Unavailable,
    bridge::{self, ANSWER_BYTES, Answer, Forwarded},
};
use headwater_edge::{Host, answer, unavailable};
use headwater_schema::{TRACEPARENT, TRACESTATE, Trace};

/// The backend's name.
const BRIDGE: &str = "bridge";
/// The config store's.
const SITES: &str = "sites";
/// The key in it.
const SITES_KEY: &str = "sites.json";
/// The secret store's.
const SECRETS: &str = "headwater";
/// The key in it that the bridge knows this collector by.
const BRIDGE_KEY: &str = "BRIDGE_KEY";

/// Answers the request that this instance was started for.
pub(crate) fn serve() {
    let request = Request::from_client();
    let asked = asked(&request);
    let compute = Compute { request: RefCell::new(request) };
    // Its calls of the platform wait by themselves, so it is ready when it is asked.
    let reply = pollster::block_on(answer(&compute, &asked));
    reply.map_or_else(|| Response::from_status(404), response).send_to_client();
}

struct Compute {
    request: RefCell<Request>,
}

fn asked(request: &Request) -> headwater_edge::Request {
    // What is no text is kept as a wrong value: absent would be another thing.
    let text = |name| request.get_header(name).map(|value| value.to_str().unwrap_or_default().to_owned());
    let all = |name| request.get_header_all(name).map(HeaderValue::as_bytes).collect::<Vec<_>>();
    let ip = request.get_client_ip_addr();
    let geo = ip.and_then(geo_lookup);
    let known = |text: &str| Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
    headwater_edge::Request {
        method: request.get_method_str().to_owned(),
        path: request.get_path().to_owned(),
        query: request.get_query_str().unwrap_or_default().to_owned(),
        authorization: text("authorization"),
        origin: text("origin"),
        trace: Trace::parse(all(TRACEPARENT), all(TRACESTATE)),
        ip,
        agent: headwater_edge::agent(text),
        place: Place {
            country: geo.as_ref().and_then(|geo| known(geo.country_code())),
            region: geo.as_ref().and_then(|geo| geo.region().and_then(known)),
            city: geo.as_ref().and_then(|geo| known(geo.city())),
            timezone: None,
        },
    }
}

fn response(reply: Reply) -> Response {
    let mut response = Response::from_status(reply.status);
    for (name, value) in &reply.headers {
        response.set_header(*name, &**value);
    }
    if !reply.body.is_empty() {
        response.set_body(reply.body.into_owned());
    }
    response
}

impl Host for Compute {
    async fn sites(&self) -> Result<impl AsRef<Sites>, Unavailable> {
        let read = || {
            let store = ConfigStore::try_open(SITES).map_err(|error| error.to_string())?;
            let text = store.try_get(SITES_KEY).map_err(|error| error.to_string())?;
            let text = text.ok_or_else(|| format!("no key {SITES_KEY}"))?;
            Sites::from_json(&text).map_err(|error| error.to_string())
        };
        read().map(Rc::new).map_err(|error| {
            log(&format!("the config store {SITES}: {error}"));
            unavailable("the sites cannot be read")
        })
    }

    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    async fn body(&self, most: usize) -> Result<Vec<u8>, String> {
        let body = self.request.borrow_mut().take_body();
        let mut bytes = Vec::new();
        body.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    async fn post(
        &self,
        lines: Vec<u8>,
        count: usize,
        trace: Option<&Trace>,
    ) -> Result<Forwarded, Unavailable> {
        let unreachable = |error: &dyn std::fmt::Display| {
            log(&format!("the bridge is not reached: {error}"));
            bridge::unreachable()
        };
        let mut answer = send(lines, trace).map_err(|error| unreachable(&error))?;
        let mut body = Vec::new();
        let read = answer.take_body().take(ANSWER_BYTES as u64).read_to_end(&mut body);
        read.map_err(|error| unreachable(&error))?;
        let answered = Answer {
            status: answer.get_status().as_u16(),
            ack: answer.get_header_str(bridge::HW_ACK),
            incarnation: answer.get_header_str(bridge::HW_INCARNATION),
            retry_after: answer.get_header_str(bridge::RETRY_AFTER),
            body: &body,
        }
        .read(count);
        answered.inspect_err(|why| log(&format!("the bridge did not take a request: {why}")))
    }
}

fn send(lines: Vec<u8>, trace: Option<&Trace>) -> Result<Response, SendError> {
    // Where it goes is the backend's; how, too.
    let host = Backend::from_name(BRIDGE).map(|backend| backend.get_host()).unwrap_or_default();
    let mut request = Request::post(format!("https://{host}{}", bridge::PATH))
        .with_header("content-type", bridge::CONTENT_TYPE)
        .with_pass(true)
        .with_body(lines);
    if let Some(key) = key() {
        request.set_header("authorization", format!("Bearer {}", key.trim()));
    }
    if let Some(trace) = trace {
        request.set_header(TRACEPARENT, trace.parent());
        if let Some(state) = trace.state() {
            request.set_header(TRACESTATE, state);
        }
    }
    request.send(BRIDGE)
}

fn key() -> Option<String> {
    let secret = SecretStore::open(SECRETS).ok()?.get(BRIDGE_KEY)?;
    String::from_utf8(secret.plaintext().to_vec()).ok()
}

/// Into the service's log tail.
#[expect(clippy::print_stderr, reason = "where Compute takes what a program has to say")]
fn log(line: &str) {
    eprintln!("{line}");
}

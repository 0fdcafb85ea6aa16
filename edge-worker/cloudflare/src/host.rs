//! The worker: a request as the platform has it, and which shard has what.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
};

use futures_util::future::join_all;
use headwater_collector::{Mark, Place, Sites, StreamKey, Unavailable, bridge::Forwarded};
use headwater_edge::{Host, Known, answer};
use headwater_schema::{TRACEPARENT, TRACESTATE, Trace};
use serde::Serialize;
use serde_json::Value;
use worker::{Context, Env, Error, Headers, Request, Response, console_error, event};

use crate::{
    bridge, io,
    shard::{self, Asked, KEEP, KNOWN, MARK, Marked},
    sites,
};

/// Shards of streams. With another number streams move: their ranges are forgotten, which costs traffic, and an outbox
/// empties itself all the same.
const SHARDS: u32 = 16;

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response, Error> {
    let asked = asked(&request);
    let host = Worker { env: &env, context: &context, request: RefCell::new(request) };
    match answer(&host, &asked).await {
        Some(reply) => io::response(reply),
        None => Ok(io::status(404)),
    }
}

struct Worker<'a> {
    env: &'a Env,
    context: &'a Context,
    request: RefCell<Request>,
}

fn asked(request: &Request) -> headwater_edge::Request {
    let headers = request.headers();
    let text = |name| headers.get(name).ok().flatten();
    // Without its parser, which would double the worker: the platform's addresses have their form.
    let url = request.inner().url();
    let url = url.split_once('#').map_or(&*url, |(url, _)| url);
    let cf = request.cf();
    headwater_edge::Request {
        method: request.method().to_string(),
        path: request.path(),
        query: url.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default(),
        authorization: text("authorization"),
        origin: text("origin"),
        trace: trace(headers),
        // Set by Cloudflare itself, whatever the sender wrote.
        ip: text("cf-connecting-ip").and_then(|ip| ip.parse().ok()),
        agent: headwater_edge::agent(text),
        place: Place {
            country: cf.and_then(worker::Cf::country),
            region: cf.and_then(worker::Cf::region_code),
            city: cf.and_then(worker::Cf::city),
            timezone: cf.map(worker::Cf::timezone_name).filter(|zone| !zone.is_empty()),
        },
    }
}

fn trace(headers: &Headers) -> Option<Trace> {
    let text = |name| headers.get(name).ok().flatten();
    let (parent, state) = (text(TRACEPARENT)?, text(TRACESTATE));
    // Two of them come as one, joined, which has not the form of one.
    Trace::parse([parent.as_bytes()], state.as_deref().map(str::as_bytes))
}

impl Host for Worker<'_> {
    async fn sites(&self) -> Result<impl AsRef<Sites>, Unavailable> {
        sites::sites(self.env).await
    }

    fn now_ms(&self) -> i64 {
        io::now_ms()
    }

    async fn body(&self, most: usize) -> Result<Vec<u8>, String> {
        // An empty body has no stream.
        let stream = self.request.borrow_mut().stream();
        let Ok(stream) = stream else { return Ok(Vec::new()) };
        io::read(stream, most).await.map_err(|error| error.to_string())
    }

    async fn post(
        &self,
        lines: Vec<u8>,
        count: usize,
        trace: Option<&Trace>,
    ) -> Result<Forwarded, Unavailable> {
        bridge::post(self.env, &lines, count, trace).await
    }

    async fn known(&self, streams: HashSet<StreamKey>) -> Known {
        let mut shards: BTreeMap<u32, HashMap<String, StreamKey>> = BTreeMap::new();
        for stream in streams {
            shards.entry(shard_of(&stream)).or_default().insert(shard::name(&stream), stream);
        }
        let incarnation = bridge::incarnation().map(shard::hex);
        let looked_up = shards.into_iter().map(|(shard, streams)| {
            let asked =
                Asked { incarnation: incarnation.clone(), streams: streams.keys().cloned().collect() };
            async move {
                let found: HashMap<String, shard::Ranges> =
                    self.ask(shard, KNOWN, &asked).await.unwrap_or_else(|error| {
                        console_error!("shard {shard} does not answer: {error}");
                        HashMap::new()
                    });
                let mut streams = streams;
                let known = found.into_iter().filter_map(|(name, ranges)| {
                    Some((streams.remove(&name)?, ranges.into_iter().collect()))
                });
                known.collect::<Vec<_>>()
            }
        });
        join_all(looked_up).await.into_iter().flatten().collect()
    }

    fn mark(&self, incarnation: u128, marks: &[Mark]) {
        let mut shards: BTreeMap<u32, Vec<shard::Marks>> = BTreeMap::new();
        for Mark { stream, seqs } in marks {
            let ranges = shard::pairs(seqs);
            shards.entry(shard_of(stream)).or_default().push((shard::name(stream), ranges));
        }
        for (shard, marks) in shards {
            let marked = Marked { incarnation: shard::hex(incarnation), marks };
            let env = self.env.clone();
            self.context.wait_until(async move {
                let told = ask(&env, shard, MARK, &marked).await;
                if let Err(error) = told {
                    console_error!("shard {shard} was not told: {error}");
                }
            });
        }
    }

    async fn keep(&self, lines: Vec<u8>, why: Unavailable) -> Result<(), Unavailable> {
        // Any shard will do.
        let shard = u32::try_from(io::now_ms() % i64::from(SHARDS)).unwrap_or_default();
        match send(self.env, shard, KEEP, &lines).await {
            Ok(_) => Ok(()),
            Err(error) => {
                console_error!("shard {shard} does not keep a request: {error}");
                Err(why)
            }
        }
    }
}

impl Worker<'_> {
    async fn ask<A: serde::de::DeserializeOwned>(
        &self,
        shard: u32,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, Error> {
        serde_json::from_value(ask(self.env, shard, path, body).await?).map_err(Error::from)
    }
}

/// A shard's answer to JSON, in JSON.
async fn ask(env: &Env, shard: u32, path: &str, body: &impl Serialize) -> Result<Value, Error> {
    let answer = send(env, shard, path, &serde_json::to_vec(body)?).await?;
    Ok(if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer)? })
}

async fn send(env: &Env, shard: u32, path: &str, body: &[u8]) -> Result<Vec<u8>, Error> {
    let stub = env.durable_object("SHARDS")?.get_by_name(&format!("shard-{shard}"))?;
    // The name of the host is of no meaning there.
    let mut answer = stub.fetch_with_request(io::post(&format!("https://shard{path}"), &[], body)?).await?;
    let body = answer.bytes().await?;
    match answer.status_code() {
        200..300 => Ok(body),
        status => Err(Error::from(format!("status {status}"))),
    }
}

/// A stream's UUID is random, most of all at its end.
fn shard_of(stream: &StreamKey) -> u32 {
    let [.., a, b, c, d] = stream.stream;
    u32::from_be_bytes([a, b, c, d]) % SHARDS
}

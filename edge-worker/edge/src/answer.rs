//! One request.

use std::collections::HashSet;

use headwater_collector::{
    Credentials, Forwarding, Program, Refusal, RefusalKind, Reply, Sites, Surroundings, Unavailable,
    bridge::{self, Forwarded},
    cors, decode, inflate, limits, paths, pixel,
};
use headwater_schema::Agent;

use crate::{Host, Known, Request};

/// Answers a request; `None` for a path that is not ours. The reply has its time.
pub async fn answer<H: Host>(host: &H, request: &Request) -> Option<Reply> {
    let mut reply = match request.path.as_str() {
        paths::COLLECT => collect(host, request).await,
        paths::PIXEL => picture(host, request).await,
        paths::HEALTH => paths::health(&request.method),
        _ => return None,
    };
    reply.set_time(host.now_ms());
    Some(reply)
}

/// What does not work, for a sender who should try again.
#[must_use]
pub fn unavailable(message: &str) -> Unavailable {
    Unavailable { message: message.to_owned(), retry_after_s: bridge::RETRY_AFTER_S }
}

async fn collect<H: Host>(host: &H, request: &Request) -> Reply {
    let sites = match host.sites().await {
        Ok(sites) => sites,
        Err(why) => return Refusal::unavailable(why.message, why.retry_after_s).reply(),
    };
    let (sites, origin) = (sites.as_ref(), request.origin.as_deref());
    let mut reply = match request.method.as_str() {
        "OPTIONS" => return cors::preflight(sites, origin),
        "POST" => match host.body(limits::BODY_BYTES).await {
            Ok(body) => carry(host, request, sites, &body).await.unwrap_or_else(|refusal| refusal.reply()),
            Err(why) => Refusal::new(RefusalKind::Malformed, format!("body: {why}")).reply(),
        },
        method => paths::method_not_allowed(&method, "OPTIONS, POST"),
    };
    cors::allow(&mut reply, sites, origin);
    reply
}

async fn picture<H: Host>(host: &H, request: &Request) -> Reply {
    let answered = match request.method.as_str() {
        "GET" => drawn(host, request).await,
        // Whoever only asks whether the image is there has seen no page.
        "HEAD" => Err(Refusal::new(RefusalKind::MethodNotAllowed, "HEAD")),
        method => return paths::method_not_allowed(&method, "GET, HEAD"),
    };
    pixel::image(&answered.unwrap_or_else(|refusal| refusal.reply()))
}

async fn drawn<H: Host>(host: &H, request: &Request) -> Result<Reply, Refusal> {
    let body = pixel::body(&request.query)?;
    let sites = host.sites().await.map_err(|why| Refusal::unavailable(why.message, why.retry_after_s))?;
    carry(host, request, sites.as_ref(), &body).await
}

async fn carry<H: Host>(host: &H, request: &Request, sites: &Sites, body: &[u8]) -> Result<Reply, Refusal> {
    let credentials =
        Credentials { authorization: request.authorization.as_deref(), origin: request.origin.as_deref() };
    let text = inflate(body)?;
    let decoded = decode(&text)?;
    let is_plain = decoded.is_plain();
    let admitted = decoded.authorise(sites, &credentials)?.admit(host.now_ms())?;
    let streams: HashSet<_> = admitted.names().map(|(stream, _)| stream).collect();
    let known = if streams.is_empty() { Known::new() } else { host.known(streams).await };
    // There is no room for tables: the bridge judges what the headers say. Nor is there a salt that all places share.
    let surroundings = Surroundings {
        ip: request.ip,
        ip_salt: None,
        place: request.place.clone(),
        program: Program::Told(Agent::carried(&request.agent)),
        origin: request.origin.as_deref(),
    };
    let mut forwarding = admitted
        .look_up(|stream, seq| known.get(stream).is_some_and(|seen| seen.contains(seq)))
        .enrich(surroundings)
        .forward();
    let records = forwarding.take_records();
    let forwarded = forward(host, request, is_plain, &mut forwarding, records).await;
    let incarnation = forwarded.as_ref().ok().and_then(|forwarded| forwarded.incarnation);
    let answered = forwarding.answered(forwarded.map(drop));
    if let Some(incarnation) = incarnation.filter(|_| !answered.marks().is_empty()) {
        host.mark(incarnation, answered.marks());
    }
    Ok(answered.reply())
}

/// Carries the records to the bridge, or, of a sender who may not come again, into the outbox.
async fn forward<H: Host>(
    host: &H,
    request: &Request,
    is_plain: bool,
    forwarding: &mut Forwarding,
    records: Vec<Vec<u8>>,
) -> Result<Forwarded, Unavailable> {
    if records.is_empty() {
        return Ok(Forwarded::default());
    }
    let (lines, trace) = (bridge::lines(&records), request.trace.as_ref());
    let kept = is_plain.then(|| lines.clone());
    let answer = match host.post(lines, records.len(), trace).await {
        Ok(answer) if answer.rejected.is_empty() => return Ok(answer),
        Ok(answer) => answer,
        Err(why) => {
            let Some(lines) = kept else { return Err(why) };
            return host.keep(lines, why).await.map(|()| Forwarded::default());
        }
    };
    // That is durable in the ledger before the sender hears of it.
    let names = forwarding.rejected(&answer.rejected)?;
    answer.named(&host.post(bridge::lines(&names), names.len(), trace).await?)
}

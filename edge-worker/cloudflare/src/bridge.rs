//! The bridge over `fetch`.

use std::{cell::Cell, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use headwater_collector::{
    Unavailable,
    bridge::{self, ANSWER_BYTES, Answer, Forwarded, Gate},
};
use headwater_edge::unavailable;
use headwater_schema::{TRACEPARENT, TRACESTATE, Trace};
use worker::{AbortController, Delay, Env, Error, Fetch, Response, console_error};

use crate::io;

/// The time for the bridge to answer; after it nobody knows, so the sender is told to try again.
const LIMIT: Duration = Duration::from_secs(30);

thread_local! {
    static GATE: Cell<Gate> = Cell::default();
    static INCARNATION: Cell<Option<u128>> = const { Cell::new(None) };
}

/// For which incarnation of its storage the bridge spoke last, as far as this isolate heard.
pub(crate) fn incarnation() -> Option<u128> {
    INCARNATION.get()
}

/// Posts lines and reads what the bridge says of each.
pub(crate) async fn post(
    env: &Env,
    lines: &[u8],
    count: usize,
    trace: Option<&Trace>,
) -> Result<Forwarded, Unavailable> {
    let now = || u64::try_from(io::now_ms()).unwrap_or_default();
    GATE.get().check(now())?;
    let answered = match exchange(env, lines, trace).await {
        Ok(answer) => {
            let header = |name| answer.response.headers().get(name).ok().flatten();
            let (ack, incarnation) = (header(bridge::HW_ACK), header(bridge::HW_INCARNATION));
            let retry_after = header(bridge::RETRY_AFTER);
            let answer = Answer {
                status: answer.response.status_code(),
                ack: ack.as_deref(),
                incarnation: incarnation.as_deref(),
                retry_after: retry_after.as_deref(),
                body: &answer.body,
            };
            answer.read(count)
        }
        Err(error) => {
            console_error!("the bridge is not reached: {error}");
            return Err(bridge::unreachable());
        }
    };
    let mut gate = GATE.get();
    gate.hear(now(), &answered);
    GATE.set(gate);
    match &answered {
        Ok(Forwarded { incarnation: Some(incarnation), .. }) => INCARNATION.set(Some(*incarnation)),
        Ok(_) => {}
        Err(why) => console_error!("the bridge did not take a request: {why}"),
    }
    answered
}

struct Exchanged {
    response: Response,
    body: Vec<u8>,
}

async fn exchange(env: &Env, lines: &[u8], trace: Option<&Trace>) -> Result<Exchanged, Error> {
    let url = env.var("BRIDGE_URL")?.to_string();
    let url = format!("{}{}", url.trim_end_matches('/'), bridge::PATH);
    let key = env.secret("BRIDGE_KEY").ok().map(|key| format!("Bearer {}", key.to_string().trim()));
    let mut headers = vec![("content-type", bridge::CONTENT_TYPE)];
    headers.extend(key.as_deref().map(|key| ("authorization", key)));
    headers.extend(trace.map(|trace| (TRACEPARENT, trace.parent())));
    headers.extend(trace.and_then(Trace::state).map(|state| (TRACESTATE, state)));
    let request = Fetch::Request(io::post(&url, &headers, lines)?);
    let controller = AbortController::default();
    let signal = controller.signal();
    let answer = pin!(async {
        let mut response = request.send_with_signal(&signal).await?;
        let body = io::read(response.stream()?, ANSWER_BYTES).await?;
        Ok(Exchanged { response, body })
    });
    let answered = match select(answer, Delay::from(LIMIT)).await {
        Either::Left((answer, _)) => return answer,
        Either::Right(_) => Err(Error::from(unavailable("no answer in time").message)),
    };
    controller.abort();
    answered
}

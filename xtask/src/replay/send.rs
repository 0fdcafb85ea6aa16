//! Sending: a batch is done when the answer is Headwater's and settles all of it; anything else is tried again.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use headwater_rig::stop;

use super::SITE;
use super::batches::{self, Batch, Settled};
use super::dataset::Stream;
use crate::http::{Answer, Http};
use crate::server::Server;

/// A server that asks for more patience than this is not one we started.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// One request is given up after this time.
const PATIENCE: Duration = Duration::from_mins(1);

/// What sending took.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) retries: u64,
}

pub(super) fn all(server: &mut Server, streams: &[Stream], batches: &[Batch]) -> Result<Sent> {
    let http = server.collector();
    let mut settled = vec![Settled::default(); streams.len()];
    let mut sent = Sent::default();
    let quarter = batches.len().div_ceil(4).max(1);
    for (number, batch) in batches.iter().enumerate() {
        sent.retries += one(&http, &streams[batch.stream], batch, &settled[batch.stream])?;
        settled[batch.stream].add(batch);
        if (number + 1) % quarter == 0 || number + 1 == batches.len() {
            println!("    {:>3} %", (number + 1) * 100 / batches.len());
            server.check()?;
        }
    }
    Ok(sent)
}

/// Sends one batch until it is settled; returns how often it was tried again.
fn one(http: &Http, stream: &Stream, batch: &Batch, settled: &Settled) -> Result<u64> {
    let expected = (batch.to - batch.from) as u64;
    let begun = Instant::now();
    for tries in 0.. {
        let text = batches::request(SITE, stream, batch, settled, now());
        let answer = http.post("/collect", &text);
        let wait = match answer {
            Ok(Answer { status: 200..=299, acknowledged: Some(number), body, .. }) if number == expected => {
                if body.contains("\"rejected\"") {
                    bail!("events were rejected: {body}");
                }
                return Ok(tries);
            }
            Ok(Answer { status: 429 | 503, retry_after, .. }) => {
                Duration::from_secs(retry_after.unwrap_or(1)).min(LONGEST_WAIT)
            }
            Ok(Answer { status, acknowledged, body, .. }) => {
                bail!("/collect answered {status} (hw-ack {acknowledged:?}): {body}")
            }
            Err(error) if begun.elapsed() > PATIENCE => return Err(error),
            Err(_) => Duration::from_millis(200),
        };
        if begun.elapsed() > PATIENCE || stop::asked() {
            bail!("given up after {} tries", tries + 1);
        }
        thread::sleep(wait);
    }
    unreachable!("the loop only returns")
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

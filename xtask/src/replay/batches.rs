//! Cutting streams into requests, as our SDKs do: one batch of one stream each.

use serde::Serialize;

use super::Order;
use super::dataset::Stream;

/// The SDK's batch size.
const EVENTS: usize = 50;

/// `rows[from..to]` of stream number `stream`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Batch {
    pub(super) stream: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// All batches in the order of sending.
pub(super) fn plan(streams: &[Stream], order: Order) -> Vec<Batch> {
    let mut batches = Vec::new();
    for (stream, rows) in streams.iter().map(|stream| stream.rows.len()).enumerate() {
        for from in (0..rows).step_by(EVENTS) {
            let batch = Batch { stream, from, to: rows.min(from + EVENTS) };
            if order.twice {
                batches.push(batch.clone());
            }
            batches.push(batch);
        }
    }
    if let Some(seed) = order.shuffled {
        fastrand::Rng::with_seed(seed).shuffle(&mut batches);
    }
    batches
}

/// Which part of one stream is acknowledged, for `at` and `end`.
#[derive(Clone, Default)]
pub(super) struct Settled(Vec<(usize, usize)>);

impl Settled {
    pub(super) fn add(&mut self, batch: &Batch) {
        let range = (batch.from, batch.to);
        if let Err(place) = self.0.binary_search(&range) {
            self.0.insert(place, range);
        }
    }

    /// The first seq that is not acknowledged.
    fn done(&self) -> usize {
        self.0.iter().fold(0, |done, (from, to)| if *from <= done { done.max(*to) } else { done })
    }
}

#[derive(Serialize)]
struct Request<'a> {
    v: u8,
    site_id: &'a str,
    sent_at: i64,
    import: bool,
    batches: [Body<'a>; 1],
}

#[derive(Serialize)]
struct Body<'a> {
    stream: String,
    client_id: &'a str,
    user_id: Option<&'a str>,
    context: Context,
    at: [usize; 2],
    end: bool,
    events: Vec<Event<'a>>,
}

#[derive(Serialize)]
struct Context {
    sdk: &'static str,
    platform: &'static str,
}

#[derive(Serialize)]
struct Event<'a> {
    seq: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    ts: i64,
    session_id: &'a str,
    url: String,
    name: &'a str,
}

/// The text of the request. `settled` is what of this stream was acknowledged before.
pub(super) fn request(site: &str, stream: &Stream, batch: &Batch, settled: &Settled, sent_at: i64) -> String {
    let mut with_this = settled.clone();
    with_this.add(batch);
    let (done, head) = (with_this.done(), stream.rows.len());
    let events = stream.rows[batch.from..batch.to].iter().zip(batch.from..).map(|(row, seq)| Event {
        seq,
        kind: "pageview",
        ts: row.ts,
        session_id: &row.session,
        url: format!("/{}", row.name),
        name: &row.name,
    });
    let body = Body {
        stream: stream.id.to_string(),
        client_id: &stream.user,
        user_id: None,
        context: Context { sdk: concat!("replay/", env!("CARGO_PKG_VERSION")), platform: "web" },
        // Claims only what holds once this request is acknowledged, in whatever order the requests go.
        at: [done, head],
        end: done == head,
        events: events.collect(),
    };
    serde_json::to_string(&Request { v: 1, site_id: site, sent_at, import: true, batches: [body] })
        .expect("strings and numbers serialise")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::dataset::Row;

    fn stream(rows: usize) -> Stream {
        let row = |_| Row { name: "home".into(), session: "s".into(), ts: 0 };
        Stream { id: uuid::Uuid::nil(), user: "u".into(), rows: (0..rows).map(row).collect() }
    }

    #[test]
    fn the_end_is_claimed_by_whichever_batch_completes_the_stream() {
        let stream = stream(120);
        let mut settled = Settled::default();
        let mut claims = Vec::new();
        for (from, to) in [(100, 120), (0, 50), (50, 100), (0, 50)] {
            let batch = Batch { stream: 0, from, to };
            let text = request("ecom", &stream, &batch, &settled, 0);
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let body = &value["batches"][0];
            claims.push((body["at"][0].as_u64(), body["at"][1].as_u64(), body["end"].as_bool()));
            settled.add(&batch);
        }
        let whole = (Some(120), Some(120), Some(true));
        assert_eq!(
            claims,
            [(Some(0), Some(120), Some(false)), (Some(50), Some(120), Some(false)), whole, whole]
        );
    }

    #[test]
    fn a_seed_gives_the_same_order_and_loses_no_batch() {
        let streams = [stream(120), stream(1), stream(50)];
        let order = |seed| Order { twice: true, shuffled: Some(seed), again: false };
        let mut one = plan(&streams, order(7));
        assert_eq!(one, plan(&streams, order(7)));
        let mut plain = plan(&streams, Order { twice: true, ..Order::default() });
        assert_eq!(plain.len(), 10);
        for batches in [&mut one, &mut plain] {
            batches.sort_by_key(|batch| (batch.stream, batch.from));
        }
        assert_eq!(one, plain);
    }
}

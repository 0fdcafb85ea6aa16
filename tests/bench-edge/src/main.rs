//! What the collector costs per event, on one thread and without a socket: the pipeline of verbs alone, and the native server's
//! router around it. `cargo xtask bench edge` builds this in release and shows what it prints: a JSON list
//! `[name, value, unit]` per line.
//!
//! | module | decides |
//! |---|---|
//! | `requests` | what a typical request is |
//! | `verbs` | the pipeline from a body to a reply |
//! | `host` | the same through axum's router, with limits, metrics and inspector |

mod host;
mod requests;
mod verbs;

use headwater_bench_core::{
    meter::{self, Meter, Table},
    row,
};
use requests::Requests;

/// Each path is measured this often, in turn with the others; the median counts.
const ROUNDS: usize = 21;

/// Events of the larger request: what a busy page sends at once.
const BATCH: usize = 50;

/// Goals of the pipeline, in ns per event.
const GOAL_BATCH_NS: u64 = 3_000;
const GOAL_ONE_NS: u64 = 8_000;

const PARSE: &str = "foot: a bare parse of a request's JSON, per event of 50";
const PARSE_ONE: &str = "foot: a bare parse of a request of one event";

fn main() {
    let table = meter::measure(ROUNDS, &mut Everything::new());
    row("rounds, of which the medians are", ROUNDS, "");
    for (path, foot) in [
        (PARSE, None),
        (PARSE_ONE, None),
        (verbs::BATCH, Some(PARSE)),
        (verbs::ONE, Some(PARSE_ONE)),
        (host::BATCH, Some(PARSE)),
        (host::ONE, Some(PARSE_ONE)),
    ] {
        show(&table, path, foot);
    }
    row("collector's verbs, 50 events a request, goal", GOAL_BATCH_NS, "ns");
    row("collector's verbs, one event a request, goal", GOAL_ONE_NS, "ns");
}

fn show(table: &Table, path: &str, foot: Option<&str>) {
    row(path, table.ns(path), "ns");
    if let Some(foot) = foot {
        row(&format!("{path}, against a bare parse"), table.ratio(path, foot), "×");
        row(&format!("{path}, allocations"), table.allocations(path), "");
    }
}

/// All that is measured, with what each needs from round to round.
struct Everything {
    requests: Requests,
    verbs: verbs::Verbs,
    host: host::Host,
}

impl Everything {
    fn new() -> Self {
        Self { requests: Requests::new(), verbs: verbs::Verbs::new(), host: host::Host::new() }
    }
}

impl meter::Subject for Everything {
    fn round<M: Meter>(&mut self, meter: &mut M) {
        for (size, foot, verbs, host) in
            [(BATCH, PARSE, verbs::BATCH, host::BATCH), (1, PARSE_ONE, verbs::ONE, host::ONE)]
        {
            let bodies = self.requests.bodies(size);
            let events = bodies.len() * size;
            meter.span(foot, events, || bodies.iter().for_each(|body| requests::parse(body)));
            meter.span(verbs, events, || bodies.iter().for_each(|body| self.verbs.carry(body)));
            self.host.round(meter, host, events, bodies);
        }
    }
}

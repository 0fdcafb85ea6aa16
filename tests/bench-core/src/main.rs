//! What `headwater-core` costs, on one thread: time and allocations per call of its hot paths, bytes on the wire per
//! event, bytes of `Seen`. `cargo xtask bench core` builds this in release and shows what it prints: a JSON list
//! `[name, value, unit]` per line.
//!
//! | module | decides |
//! |---|---|
//! | `page` | what the busy page does, and the quiet one |
//! | `adoption` | what a dead page left |
//! | `seen` | how events arrive at a server stage |
//! | `feet` | what the times are compared with |
//! | `wire` | what a request weighs |
//! | `memory` | what `Seen` weighs |

mod adoption;
mod feet;
mod memory;
mod page;
mod seen;
mod wire;

use headwater_bench_core::{
    meter::{self, Meter, Table},
    row,
};

/// Each path is measured this often, in turn with the others; the median counts.
const ROUNDS: usize = 21;

/// DESIGN's goal for a call that a page makes.
const GOAL_NS: u64 = 500;
const GOAL_ALLOCATIONS: u64 = 1;

fn main() {
    let table = meter::measure(ROUNDS, &mut Everything::new());
    show_times(&table);
    wire::print();
    memory::print();
}

/// All that is measured, with what each needs from round to round.
struct Everything {
    adopter: adoption::Adopter,
    arrivals: seen::Arrivals,
    busy: page::Page,
    quiet: page::Page,
}

impl Everything {
    fn new() -> Self {
        Self {
            adopter: adoption::Adopter::new(),
            arrivals: seen::Arrivals::new(),
            busy: page::Page::new(),
            quiet: page::Page::new(),
        }
    }
}

impl meter::Subject for Everything {
    fn round<M: Meter>(&mut self, meter: &mut M) {
        feet::round(meter);
        self.busy.busy_round(meter);
        self.quiet.quiet_round(meter);
        self.adopter.round(meter);
        self.arrivals.round(meter);
        seen::codec_round(meter);
        seen::event_id_round(meter);
    }
}

fn show_times(table: &Table) {
    row("rounds, of which the medians are", ROUNDS, "");
    for foot in [feet::PUSH, feet::COPY] {
        row(foot, table.ns(foot), "ns");
    }
    for (path, foot) in [
        (page::TRACKED, feet::PUSH),
        (page::REQUEST, feet::COPY),
        (page::ANSWERED, feet::PUSH),
        (page::ALONE, feet::PUSH),
        (adoption::ADOPTED, feet::PUSH),
        (seen::IN_ORDER, feet::PUSH),
        (seen::REORDERED, feet::PUSH),
        (seen::ENCODE_ONE, feet::PUSH),
        (seen::DECODE_ONE, feet::PUSH),
        (seen::ENCODE_MANY, feet::PUSH),
        (seen::DECODE_MANY, feet::PUSH),
        (seen::EVENT_ID, feet::PUSH),
    ] {
        row(path, table.ns(path), "ns");
        let what = if foot == feet::COPY { "a copy of its bytes" } else { "a push and pop" };
        row(&format!("{path}, against {what}"), table.ratio(path, foot), "×");
        row(&format!("{path}, allocations"), table.allocations(path), "");
        if path == page::TRACKED {
            row(&format!("{path}, goal"), GOAL_NS, "ns");
            row(&format!("{path}, allocations, goal"), GOAL_ALLOCATIONS, "");
        }
    }
}

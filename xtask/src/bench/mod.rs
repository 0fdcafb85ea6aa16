//! Measurements on this machine, now: of the spine, from `track()` to a number, of the core alone, and of the browser SDK
//! beside others. Rates stand beside a bare request of the same server in the same run, and times of calls beside a bare push or copy, because a shared
//! machine is never the same twice.

mod bridge;
mod browser;
mod bundle;
mod core;
mod edge;
mod enrich;
mod load;
mod machine;
mod restart;
mod service;
mod wasm;
mod web;

use std::path::Path;

use anyhow::Result;
use headwater_rig::stop;
use serde_json::{Map, Value};

use crate::server::{self, Profile};
use crate::steps::Steps;
use crate::{outdated, programs, setup};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(value_enum)]
    suite: Suite,
    /// spine: events in the store before the server is killed and started again; bridge: records of a round
    #[arg(long, default_value_t = 500_000)]
    events: u64,
    /// bridge: put the same load on this server, http://HOST:PORT, which has Strimzi's HTTP API and a topic `events`
    #[arg(long, value_name = "URL")]
    peer: Option<String>,
    /// spine: leave out what needs Chromium
    #[arg(long)]
    no_browser: bool,
    /// web: measure this npm package too, as `name` or `name@version`; can be repeated
    #[arg(long, value_name = "PACKAGE")]
    with: Vec<String>,
    /// web: how long events come at a pace, for each of what is measured
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Suite {
    /// Calls of the core, bytes on the wire, the wasm by function, the panics left in it
    Core,
    /// A request of one event by what is known of its sender: nothing, its user agent, a user agent never seen
    Enrich,
    /// The bridge beside librdkafka alone on a real broker, and from the broker to the store; --peer: the same load on a
    /// server with Strimzi's HTTP API
    Bridge,
    /// The collector: per event, its verbs and the native server's router in process; its workers in workerd and Viceroy
    /// beside one in plain JavaScript
    Edge,
    /// From a page to a number on one machine
    Spine,
    /// The browser SDK in Chromium beside an empty page, a bare localStorage write, one with its share of a bare
    /// request, and other SDKs (--with): bytes, time to ready, longest task, calls, bursts, CPU of an event at a pace
    /// and in other tabs, bytes on the wire, memory, and what outlives a page that could reach nobody
    Web,
}

/// What was measured, in order.
#[derive(Default)]
pub(crate) struct Results {
    numbers: Vec<(String, Value, String)>,
    lists: Vec<(&'static str, Vec<String>)>,
    last_line: Option<String>,
}

impl Results {
    /// One number with its unit ("" for none).
    pub(crate) fn add(&mut self, name: &str, value: impl Into<Value>, unit: &str) {
        self.numbers.push((name.to_owned(), value.into(), unit.to_owned()));
    }

    /// What is no number: shown, and not part of the JSON line.
    fn list(&mut self, title: &'static str, lines: Vec<String>) {
        self.lists.push((title, lines));
    }

    /// Alone at the end, after the JSON line.
    fn last_line(&mut self, line: String) {
        self.last_line = Some(line);
    }

    fn print(&self, machine: &machine::Machine, note: &str) -> Result<()> {
        println!("\n{machine}{note}");
        for (title, lines) in &self.lists {
            println!("\n{title}:");
            for line in lines {
                println!("  {line}");
            }
        }
        let width = self.numbers.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or_default();
        println!("\n{:<width$} {:>12}", "measured", "value");
        for (name, value, unit) in &self.numbers {
            println!("{name:<width$} {:>12} {unit}", shown(value));
        }
        println!("\n{}", serde_json::to_string(&self.object())?);
        if let Some(line) = &self.last_line {
            println!("\n{line}");
        }
        Ok(())
    }

    /// Numbers by name and unit.
    fn object(&self) -> Value {
        self.numbers
            .iter()
            .map(|(name, value, unit)| (format!("{name} [{unit}]").replace(" []", ""), value.clone()))
            .collect::<Map<String, Value>>()
            .into()
    }
}

/// At most three digits after the point, fewer where they say nothing.
fn shown(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if number.fract() == 0.0 || number.abs() >= 1000.0 => format!("{number:.0}"),
        Some(number) if number.abs() >= 10.0 => format!("{number:.1}"),
        Some(number) => format!("{number:.3}"),
        None => value.as_str().unwrap_or_default().to_owned(),
    }
}

/// `values` are sorted here; the value below which `share` (0 to 1) of them lie.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into a list of measurements"
    )]
    let place = (values.len() as f64 * share) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    stop::listen()?;
    let (mut steps, mut results) = (Steps::new(), Results::default());
    let (measured, note) = match arguments.suite {
        Suite::Bridge => {
            let measured = behind_kafka(root, arguments, &mut steps, &mut results);
            (measured, "; load generator, broker and bridge share the cores")
        }
        Suite::Core => (core_alone(root, &mut steps, &mut results), ""),
        Suite::Edge => {
            let measured = edge::measure(root, &mut steps, &mut results);
            (measured, "; load generator, runtime and bridge share the cores")
        }
        Suite::Enrich => (verdicts(root, &mut steps, &mut results), ""),
        Suite::Spine => {
            let measured = spine(root, arguments, &mut steps, &mut results);
            (measured, "; load generator and server share the cores")
        }
        Suite::Web => return web::run(root, &arguments.with, arguments.seconds, steps),
    };
    // What was measured before something failed is not lost.
    steps.print();
    results.print(&machine::Machine::here(), note)?;
    measured
}

fn behind_kafka(root: &Path, arguments: &Arguments, steps: &mut Steps, results: &mut Results) -> Result<()> {
    let kafka = steps.must("set up", || setup::for_server(root).and_then(|()| setup::for_kafka()))?;
    let parts = steps.must("build with librdkafka --release", || bridge::build(root, kafka))?;
    steps.must("librdkafka, bridge, store", || {
        bridge::measure(&parts, arguments.events, arguments.peer.as_deref(), results)
    })
}

fn core_alone(root: &Path, steps: &mut Steps, results: &mut Results) -> Result<()> {
    steps.must("set up", || setup::for_web(root))?;
    let name = "headwater-bench-core";
    let program =
        steps.must("build headwater-bench-core --release", || programs::release(root, name, name))?;
    steps.must("calls, bytes on the wire, bytes of Seen", || core::measure(&program, results))?;
    steps.must("the wasm by function", || wasm::measure(root, results))
}

fn verdicts(root: &Path, steps: &mut Steps, results: &mut Results) -> Result<()> {
    steps.must("set up", || setup::for_enrich(root))?;
    steps.must("requests by what is known of their senders", || enrich::measure(root, results))
}

fn spine(root: &Path, arguments: &Arguments, steps: &mut Steps, results: &mut Results) -> Result<()> {
    steps.must("set up", || setup::for_server(root).and_then(|()| setup::for_web(root)))?;
    steps.must("build @headwater/web", || outdated::build_web(root))?;
    let program = steps.must("build headwater --release", || server::build(root, Profile::Release))?;
    steps.must("bundle sizes", || bundle::measure(root, results))?;
    if !arguments.no_browser {
        let chromium = steps.must("set up Chromium", || setup::for_chromium(root))?;
        steps.must("track() and freshness in Chromium", || {
            browser::measure(root, &chromium, &program, results)
        })?;
    }
    steps.must("requests, commits", || service::measure(&program, results))?;
    steps.must("freshness of a request", || service::freshness(&program, results))?;
    steps.must("kill -9 and ready again", || restart::measure(&program, arguments.events, results))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_of_few_values_is_one_of_them() {
        let mut values = [3.0, 1.0, 2.0, 4.0];
        assert!((quantile(&mut values, 0.5) - 3.0).abs() < f64::EPSILON);
        assert!((quantile(&mut values, 0.99) - 4.0).abs() < f64::EPSILON);
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}

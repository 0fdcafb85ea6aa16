//! Measurements of the spine: from `track()` to a number, on this machine, now. Rates stand beside a bare request of the
//! same server in the same run, because a shared machine is never the same twice.

mod browser;
mod bundle;
mod load;
mod machine;
mod restart;
mod service;

use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::server::{self, Profile};
use crate::steps::Steps;
use crate::{outdated, setup, stop};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to measure
    #[arg(value_enum)]
    suite: Suite,
    /// Events in the store before the server is killed and started again
    #[arg(long, default_value_t = 500_000)]
    events: u64,
    /// Leave out what needs Chromium
    #[arg(long)]
    no_browser: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Suite {
    /// From a page to a number on one machine
    Spine,
}

/// What was measured, in order.
#[derive(Default)]
pub(crate) struct Results(Vec<(String, Value, &'static str)>);

impl Results {
    /// One number with its unit ("" for none).
    pub(crate) fn add(&mut self, name: &str, value: impl Into<Value>, unit: &'static str) {
        self.0.push((name.to_owned(), value.into(), unit));
    }

    fn print(&self, machine: &machine::Machine) -> Result<()> {
        println!("\n{machine}\n");
        println!("{:<60} {:>12}", "measured", "value");
        for (name, value, unit) in &self.0 {
            println!("{name:<60} {:>12} {unit}", shown(value));
        }
        let object: Map<String, Value> = self
            .0
            .iter()
            .map(|(name, value, unit)| (format!("{name} [{unit}]").replace(" []", ""), value.clone()))
            .collect();
        println!("\n{}", serde_json::to_string(&object)?);
        Ok(())
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
    let Suite::Spine = arguments.suite;
    stop::listen()?;
    let mut steps = Steps::new();
    let mut results = Results::default();
    steps.must("set up", || setup::for_server(root).and_then(|()| setup::for_web(root)))?;
    steps.must("build @headwater/web", || outdated::build_web(root))?;
    let program = steps.must("build headwater --release", || server::build(root, Profile::Release))?;
    steps.must("bundle sizes", || bundle::measure(root, &mut results))?;
    if !arguments.no_browser {
        let chromium = steps.must("set up Chromium", || setup::for_browser(root))?;
        steps.must("track() and freshness in Chromium", || {
            browser::measure(root, &chromium, &program, &mut results)
        })?;
    }
    steps.must("requests, commits", || service::measure(&program, &mut results))?;
    steps.must("freshness of a request", || service::freshness(&program, &mut results))?;
    steps.must("kill -9 and ready again", || restart::measure(&program, arguments.events, &mut results))?;
    steps.print();
    results.print(&machine::Machine::here())
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

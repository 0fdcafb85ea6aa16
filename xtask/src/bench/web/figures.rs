//! Samples become figures: medians, less what the empty page costs in the same round, against what a bare write costs.

use anyhow::{Context, Result};

use super::samples::{Load, Samples, Subject};
use super::table::Figure;
use crate::bench::quantile;

pub(super) const EMPTY: &str = "empty page";
pub(super) const BARE: &str = "bare write";
/// A bare write, and a bare request for each ten: the least that is kept and sent at this pace.
pub(super) const FLOOR: &str = "bare write and request";

/// What others are compared with.
pub(super) struct Base<'a> {
    empty: &'a Subject,
    bare: &'a Subject,
    floor: &'a Subject,
}

impl<'a> Base<'a> {
    pub(super) fn new(samples: &'a Samples) -> Result<Self> {
        let get = |name: &str| samples.subjects.get(name).with_context(|| format!("no samples of {name}"));
        Ok(Self { empty: get("empty")?, bare: get(BARE)?, floor: get(FLOOR)? })
    }

    pub(super) fn of_empty(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        load(self.empty, &mut figures);
        add(&mut figures, "paced, main thread, the loop alone", "µs", per_event(self.empty));
        if let Some(memory) = &self.empty.memory {
            figures.push(("heap after 10,000 events", "B", memory.heap));
        }
        figures
    }

    pub(super) fn of_bare(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        self.paced(self.bare, &mut figures);
        self.other_tab(self.bare, &mut figures);
        figures
    }

    pub(super) fn of_floor(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        self.paced(self.floor, &mut figures);
        self.other_tab(self.floor, &mut figures);
        figures
    }

    /// `sizes`: raw, gzip and brotli of the script, and of all that a page loads.
    pub(super) fn of_sdk(&self, subject: &Subject, sizes: [[u64; 3]; 2]) -> Vec<Figure> {
        let mut figures = bytes(sizes);
        load(subject, &mut figures);
        calls(subject, &mut figures);
        self.paced(subject, &mut figures);
        counters(subject, &mut figures);
        self.other_tab(subject, &mut figures);
        wire(subject, &mut figures);
        self.memory(subject, &mut figures);
        if let Some(offline) = &subject.offline {
            figures.push((
                "of an unreachable page's events, the next sends",
                "",
                offline.arrived / offline.tracked,
            ));
        }
        if let Some(first) = &subject.first_access {
            let (full, empty) = (p50(first.full.iter().copied()), p50(first.empty.iter().copied()));
            figures.push(("first access to localStorage, full log, p50", "µs", full));
            figures.push(("first access to localStorage, nothing stored, p50", "µs", empty));
            figures.push(("first access, full log, characters stored", "", first.characters));
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        figures.push(("other machines asked for", "", subject.outside.len() as f64));
        figures
    }

    fn paced(&self, subject: &Subject, figures: &mut Vec<Figure>) {
        let own = over(subject, self.empty);
        add(figures, "paced, main thread over the loop alone", "µs", own);
        add(figures, "paced, against a bare write", "×", ratio(own, over(self.bare, self.empty)));
        let floor = ratio(own, over(self.floor, self.empty));
        add(figures, "paced, against a bare write and a tenth of a bare request", "×", floor);
    }

    /// In another tab; an empty page's own doings there are taken off.
    fn other_tab(&self, subject: &Subject, figures: &mut Vec<Figure>) {
        let cpu = |one: &Subject| one.other.as_ref().and_then(|other| Some(other.cpu? / other.events));
        let over = |one: &Subject| Some(cpu(one)? - cpu(self.empty)?);
        add(figures, "other tab, main thread per event", "µs", over(subject));
        add(figures, "other tab, against a bare write", "×", ratio(over(subject), over(self.bare)));
    }

    fn memory(&self, subject: &Subject, figures: &mut Vec<Figure>) {
        let Some(memory) = &subject.memory else { return };
        figures.push(("heap after 10,000 events", "B", memory.heap));
        add(
            figures,
            "heap over the empty page's",
            "B",
            self.empty.memory.as_ref().map(|empty| memory.heap - empty.heap),
        );
        figures.push(("wasm memory after 10,000 events", "B", memory.wasm));
        figures.push(("of the 10,000 arrived", "", memory.arrived));
    }
}

fn bytes([script, all]: [[u64; 3]; 2]) -> Vec<Figure> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let count = |bytes: u64| bytes as f64;
    vec![
        ("script, raw", "B", count(script[0])),
        ("script, gzip", "B", count(script[1])),
        ("script, brotli", "B", count(script[2])),
        ("all that is loaded, raw", "B", count(all[0])),
        ("all that is loaded, gzip", "B", count(all[1])),
        ("all that is loaded, brotli", "B", count(all[2])),
    ]
}

fn load(subject: &Subject, figures: &mut Vec<Figure>) {
    let median = |value: fn(&Load) -> Option<f64>| {
        let values: Vec<f64> = subject.load.iter().filter_map(value).collect();
        (!values.is_empty()).then(|| p50(values.into_iter()))
    };
    add(figures, "start, the script runs", "ms", median(|load| Some(load.script)));
    add(figures, "start, init returns after", "ms", median(|load| Some(load.init)));
    add(figures, "start, core ready after", "ms", median(|load| load.ready));
    add(figures, "start, first request after", "ms", median(|load| load.first_request));
    add(figures, "start, longest task, CPU", "ms", median(|load| Some(load.longest_cpu)));
    add(figures, "start, longest task, by the clock", "ms", median(|load| Some(load.longest_wall)));
    add(figures, "start, tasks over 10 ms of CPU", "", median(|load| Some(load.over_10_ms)));
}

fn calls(subject: &Subject, figures: &mut Vec<Figure>) {
    let Some(calls) = &subject.calls else { return };
    let at = |samples: &[f64], share| quantile(&mut samples.to_vec(), share);
    let bare = at(&calls.bare, 0.5);
    figures.push(("call, p50", "µs", at(&calls.call, 0.5)));
    figures.push(("call, p99", "µs", at(&calls.call, 0.99)));
    figures.push(("call and its microtask, p50", "µs", at(&calls.written, 0.5)));
    figures.push(("call and its microtask, p99", "µs", at(&calls.written, 0.99)));
    figures.push(("a bare write in a task beside it, p50", "µs", bare));
    figures.push(("a bare write in a task beside it, p99", "µs", at(&calls.bare, 0.99)));
    figures.push(("call and its microtask, against a bare write", "×", at(&calls.written, 0.5) / bare));
    if !calls.bursts.is_empty() {
        let burst = p50(calls.bursts.iter().map(|burst| burst.calls));
        let bare = p50(calls.bursts.iter().map(|burst| burst.bare));
        figures.push(("burst of 1,000, each with its microtask", "µs", burst));
        figures.push(("burst of 1,000 bare writes, each", "µs", bare));
        figures.push(("burst, against bare writes", "×", burst / bare));
    }
}

/// What an event asks of the browser.
fn counters(subject: &Subject, figures: &mut Vec<Figure>) {
    let Some(split) = &subject.split else { return };
    for (name, prefix) in [
        ("localStorage reads per event", "localStorage read"),
        ("localStorage writes per event", "localStorage write"),
        ("localStorage removals per event", "localStorage remove"),
        ("cookie reads per event", "cookie read"),
        ("cookie writes per event", "cookie write"),
        ("timers set per event", "timer set"),
    ] {
        let calls: f64 =
            split.counts.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(_, count)| count.0).sum();
        // The loop's own.
        let own = if prefix == "timer set" { split.events } else { 0.0 };
        figures.push((name, "", (calls - own) / split.events));
    }
}

fn wire(subject: &Subject, figures: &mut Vec<Figure>) {
    if subject.paced.is_empty() {
        return;
    }
    let sum = |value: fn(&super::samples::Paced) -> f64| subject.paced.iter().map(value).sum::<f64>();
    let events = sum(|round| round.events);
    figures.push(("paced, bytes of bodies per event", "B", sum(|round| round.bytes) / events));
    figures.push(("paced, before they are compressed", "B", sum(|round| round.plain) / events));
    figures.push(("paced, requests per event", "", sum(|round| round.requests) / events));
    figures.push(("paced, preflights per event", "", sum(|round| round.preflights) / events));
    figures.push(("paced, events that arrived", "", sum(|round| round.arrived) / events));
}

/// CPU per event over the empty loop's of the same round, the median of the rounds, µs.
fn over(subject: &Subject, empty: &Subject) -> Option<f64> {
    let rounds = subject.paced.iter().zip(&empty.paced);
    let each: Vec<f64> = rounds.map(|(own, empty)| own.cpu / own.events - empty.cpu / empty.events).collect();
    (!each.is_empty()).then(|| p50(each.into_iter()))
}

fn per_event(subject: &Subject) -> Option<f64> {
    let each: Vec<f64> = subject.paced.iter().map(|round| round.cpu / round.events).collect();
    (!each.is_empty()).then(|| p50(each.into_iter()))
}

fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    // A cost that drowned in noise is nothing to compare with.
    other.filter(|other| *other > 0.0).and_then(|other| Some(one? / other))
}

fn p50(values: impl Iterator<Item = f64>) -> f64 {
    quantile(&mut values.collect::<Vec<_>>(), 0.5)
}

fn add(figures: &mut Vec<Figure>, name: &'static str, unit: &'static str, value: Option<f64>) {
    figures.extend(value.map(|value| (name, unit, value)));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn samples(ours: &[f64]) -> Samples {
        let rounds = |cpu: &[f64]| -> Vec<_> {
            cpu.iter()
                .map(|cpu| {
                    json!({"events": 10, "cpu": cpu, "arrived": 10, "requests": 2, "preflights": 0, "bytes": 500, "plain": 900})
                })
                .collect()
        };
        let text = json!({"chromium": "Chrome", "subjects": {
            "empty": {"paced": rounds(&[1000.0, 9000.0, 1000.0])},
            "bare write": {"paced": rounds(&[2000.0, 10_000.0, 2000.0])},
            "bare write and request": {"paced": rounds(&[2250.0, 10_250.0, 2250.0])},
            "headwater": {"paced": rounds(ours)},
        }});
        serde_json::from_value(text).expect("samples")
    }

    fn value(figures: &[Figure], name: &str) -> f64 {
        figures.iter().find(|figure| figure.0 == name).expect(name).2
    }

    #[test]
    fn cpu_is_compared_within_a_round() {
        // The machine was slow in the second round, for all of them.
        let samples = samples(&[3500.0, 11_500.0, 3500.0]);
        let base = Base::new(&samples).expect("a base");
        let figures = base.of_sdk(&samples.subjects["headwater"], [[0; 3]; 2]);
        assert!((value(&figures, "paced, main thread over the loop alone") - 250.0).abs() < 1e-9);
        assert!((value(&figures, "paced, against a bare write") - 2.5).abs() < 1e-9);
        let floor = "paced, against a bare write and a tenth of a bare request";
        assert!((value(&figures, floor) - 2.0).abs() < 1e-9);
        assert!((value(&figures, "paced, bytes of bodies per event") - 50.0).abs() < 1e-9);
    }

    #[test]
    fn what_was_not_measured_is_no_figure() {
        let samples = samples(&[]);
        let base = Base::new(&samples).expect("a base");
        let figures = base.of_sdk(&samples.subjects["headwater"], [[0; 3]; 2]);
        assert!(!figures.iter().any(|(name, ..)| name.starts_with("paced") || name.starts_with("call")));
    }

    #[test]
    fn nothing_is_compared_with_a_cost_that_is_none() {
        assert_eq!(ratio(Some(2.0), Some(0.0)), None);
        assert_eq!(ratio(Some(2.0), Some(-1.0)), None);
        assert_eq!(ratio(Some(3.0), Some(2.0)), Some(1.5));
    }
}

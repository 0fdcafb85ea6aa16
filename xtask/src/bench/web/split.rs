//! Where the time of an event at a pace goes, as lists: tasks of the main thread by what they are about (CPU, from a
//! trace, which costs a little itself), and what the browser's functions took (by the clock).

use super::samples::{Samples, Split};
use crate::bench::shown;

pub(super) fn print(samples: &Samples) {
    for (name, subject) in &samples.subjects {
        let Some(split) = &subject.split else { continue };
        println!("\n{name}, an event per 100 ms, per event:");
        for line in lines(split) {
            println!("  {line}");
        }
    }
}

fn lines(split: &Split) -> Vec<String> {
    let each = |value: f64| shown(&(value / split.events).into());
    let mut lines: Vec<String> =
        split.kinds.iter().map(|(kind, cpu)| format!("{:>8} µs  {kind}", each(*cpu))).collect();
    let mut counts: Vec<_> = split.counts.iter().collect();
    counts.sort_by(|one, two| two.1.1.total_cmp(&one.1.1));
    lines.extend(
        counts
            .into_iter()
            .map(|(what, (calls, ms))| format!("{:>8} µs in {:>6} × {what}", each(ms * 1e3), each(*calls))),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_shared_by_the_events_and_the_dearest_comes_first() {
        let split = Split {
            events: 10.0,
            kinds: [("answers".to_owned(), 250.0)].into(),
            counts: [("a".to_owned(), (5.0, 1.0)), ("b".to_owned(), (20.0, 3.0))].into(),
        };
        assert_eq!(
            lines(&split),
            ["      25 µs  answers", "     300 µs in      2 × b", "     100 µs in  0.500 × a"]
        );
    }
}

//! How time and allocations are taken. Both meters run the same code in turn: counting would slow what is timed.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::float;

/// Takes what a piece of work costs.
pub trait Meter {
    /// Runs `work`, which is `operations` operations of the path `name`.
    fn span<T>(&mut self, name: &'static str, operations: usize, work: impl FnOnce() -> T) -> T;
}

/// Something with paths to measure.
pub trait Subject {
    /// Runs every path once, long enough to be timed.
    fn round<M: Meter>(&mut self, meter: &mut M);
}

/// Cost and operations of one path in one round.
#[derive(Clone, Copy, Default)]
struct Sum {
    cost: f64,
    operations: f64,
}

impl Sum {
    fn add(&mut self, cost: f64, operations: usize) {
        self.cost += cost;
        self.operations += float(operations);
    }

    fn each(self) -> f64 {
        self.cost / self.operations
    }
}

type Sums = BTreeMap<&'static str, Sum>;

/// Nanoseconds. Reading the clock takes some 50 of them per span, so a span is many operations where one is short.
#[derive(Default)]
struct Clock(Sums);

impl Meter for Clock {
    fn span<T>(&mut self, name: &'static str, operations: usize, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        let took = begun.elapsed();
        self.0.entry(name).or_default().add(took.as_secs_f64() * 1e9, operations);
        result
    }
}

/// Allocations; a vector that grows makes one each time.
#[derive(Default)]
struct Allocations(Sums);

impl Meter for Allocations {
    fn span<T>(&mut self, name: &'static str, operations: usize, work: impl FnOnce() -> T) -> T {
        let mut result = None;
        let counted = allocation_counter::measure(|| result = Some(work()));
        let count = usize::try_from(counted.count_total).unwrap_or(usize::MAX);
        self.0.entry(name).or_default().add(float(count), operations);
        result.expect("`measure` runs what it is given")
    }
}

/// What was measured of every path.
pub struct Table {
    /// Per operation, a number per round.
    ns: BTreeMap<&'static str, Vec<f64>>,
    allocations: Sums,
}

/// Runs `rounds` timed rounds after one that fills caches and counts allocations.
pub fn measure(rounds: usize, subject: &mut impl Subject) -> Table {
    let mut allocations = Allocations::default();
    subject.round(&mut allocations);
    let mut ns: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        let mut clock = Clock::default();
        subject.round(&mut clock);
        for (name, sum) in clock.0 {
            ns.entry(name).or_default().push(sum.each());
        }
    }
    Table { ns, allocations: allocations.0 }
}

impl Table {
    /// Nanoseconds of one operation of `path`: the median of the rounds.
    #[must_use]
    pub fn ns(&self, path: &str) -> f64 {
        median(self.rounds(path).to_vec())
    }

    /// `path` against `foot`: the median of the rounds' ratios, so that a disturbed round disturbs both.
    #[must_use]
    pub fn ratio(&self, path: &str, foot: &str) -> f64 {
        median(self.rounds(path).iter().zip(self.rounds(foot)).map(|(path, foot)| path / foot).collect())
    }

    /// Allocations of one operation of `path`, on average.
    #[must_use]
    pub fn allocations(&self, path: &str) -> f64 {
        self.allocations.get(path).copied().unwrap_or_default().each()
    }

    fn rounds(&self, path: &str) -> &[f64] {
        self.ns.get(path).expect("every path that is shown is run in every round")
    }
}

/// The middle one; of two middle ones the larger. NaN of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{Allocations, Meter, Subject, measure, median};

    struct Boxes;

    impl Subject for Boxes {
        fn round<M: Meter>(&mut self, meter: &mut M) {
            meter.span("none", 10, || (0..10).for_each(|n| _ = std::hint::black_box(n)));
            meter.span("two", 5, || {
                for n in 0..5 {
                    std::hint::black_box((Box::new(n), Box::new(n)));
                }
            });
        }
    }

    #[test]
    fn allocations_are_counted_per_operation_and_time_in_every_round() {
        let table = measure(3, &mut Boxes);
        assert!(table.allocations("none") == 0.0 && (table.allocations("two") - 2.0).abs() < f64::EPSILON);
        assert!(table.ns("two") > 0.0);
        assert!((table.ratio("two", "two") - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_lies_between_two_spans_is_not_counted() {
        let mut meter = Allocations::default();
        meter.span("path", 1, || ());
        let between = std::hint::black_box(vec![0u8; 100]);
        meter.span("path", 1, || ());
        assert!(meter.0["path"].cost == 0.0 && between.len() == 100);
    }

    #[test]
    fn a_median_is_one_of_the_values() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}

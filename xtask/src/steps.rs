//! Named steps: what runs, how long it took, and the table at the end.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How many checks of a step passed and failed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Count {
    /// One check, passed.
    pub(crate) const ONE: Self = Self { passed: 1, failed: 0 };

    /// A command that succeeded without counting is one check.
    pub(crate) fn at_least_one_passed(self) -> Self {
        Self { passed: if self.failed == 0 { self.passed.max(1) } else { self.passed }, ..self }
    }

    /// A command that failed has at least one failure.
    pub(crate) fn at_least_one_failed(self) -> Self {
        Self { failed: self.failed.max(1), ..self }
    }
}

/// One step that ran, or was left out.
struct Done {
    name: String,
    took: Duration,
    count: Count,
}

/// The steps of one run, in order.
pub(crate) struct Steps {
    begun: Instant,
    done: Vec<Done>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), done: Vec::new() }
    }

    /// Runs one step that everything after it needs: its error ends the run.
    pub(crate) fn must<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("▸ {name}");
        let begun = Instant::now();
        let result = step();
        let count = if result.is_ok() { Count::ONE } else { Count::default().at_least_one_failed() };
        self.record(name, begun, count);
        result
    }

    /// Runs one step that counts its checks; its error is shown and counted, and the run goes on.
    pub(crate) fn check(&mut self, name: &str, step: impl FnOnce() -> Result<Count>) -> bool {
        println!("▸ {name}");
        let begun = Instant::now();
        let count = step().unwrap_or_else(|error| {
            println!("  FAILED {name}: {error:#}");
            Count::default().at_least_one_failed()
        });
        self.record(name, begun, count);
        count.failed == 0
    }

    fn record(&mut self, name: &str, begun: Instant, count: Count) {
        self.done.push(Done { name: name.to_owned(), took: begun.elapsed(), count });
    }

    /// The sum over all steps.
    pub(crate) fn count(&self) -> Count {
        self.done.iter().fold(Count::default(), |sum, done| Count {
            passed: sum.passed + done.count.passed,
            failed: sum.failed + done.count.failed,
        })
    }

    /// Prints which step took how long.
    pub(crate) fn print(&self) {
        println!("\n{:<44} {:>9} {:>8} {:>8}", "step", "seconds", "passed", "failed");
        for Done { name, took, count } in &self.done {
            println!("{name:<44} {:>9.1} {:>8} {:>8}", took.as_secs_f64(), count.passed, count.failed);
        }
        let Count { passed, failed } = self.count();
        println!("{:<44} {:>9.1} {passed:>8} {failed:>8}", "all", self.begun.elapsed().as_secs_f64());
    }
}

//! How benchmarks of single calls take time and allocations, what a typical event is, and how they say what they found.
//!
//! A program that is measured by `cargo xtask bench` prints a JSON list `[name, value, unit]` per line.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

pub mod event;
pub mod meter;

/// One line of the answer.
pub fn row(name: &str, value: impl Into<serde_json::Value>, unit: &str) {
    println!("{}", serde_json::json!([name, value.into(), unit]));
}

/// Numbers of these programs are far below 2⁵².
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
#[must_use]
pub fn float(number: usize) -> f64 {
    number as f64
}

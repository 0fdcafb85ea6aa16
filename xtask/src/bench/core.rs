//! What a program of rows prints, such as `tests/bench-core` of the core, built in release.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Results;
use crate::process;

pub(super) fn measure(program: &Path, results: &mut Results) -> Result<()> {
    add_rows(&process::capture(&mut Command::new(program))?, results)
}

/// A list `[name, value, unit]` per line.
pub(super) fn add_rows(text: &str, results: &mut Results) -> Result<()> {
    for line in text.lines() {
        let (name, value, unit): (String, Value, String) =
            serde_json::from_str(line).with_context(|| format!("not a row: {line}"))?;
        results.add(&name, value, &unit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Results, add_rows};

    #[test]
    fn rows_become_results_and_anything_else_is_a_fault() {
        let mut results = Results::default();
        add_rows("[\"a call\",77.5,\"ns\"]\n[\"goal\",500,\"ns\"]\n", &mut results).expect("rows");
        assert_eq!(results.object(), serde_json::json!({"a call [ns]": 77.5, "goal [ns]": 500}));
        assert!(add_rows("thread 'main' panicked", &mut results).is_err());
    }
}

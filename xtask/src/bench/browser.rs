//! `track()` in a real Chromium, measured by a script of the browser tests.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Results;

/// Names in the script's answer, what they are, their unit.
const MEASURES: [(&str, &str, &str); 5] = [
    ("track_us", "track(), the call", "µs"),
    ("journal_us", "track() with its journal write", "µs"),
    ("bare_write_us", "a bare localStorage write right after it", "µs"),
    ("paced_write_us", "a bare localStorage write in a task of its own", "µs"),
    ("freshness_ms", "page() in Chromium to /realtime", "ms"),
];

pub(super) fn measure(root: &Path, chromium: &Path, program: &Path, results: &mut Results) -> Result<()> {
    let output = Command::new("node")
        .arg(root.join("tests/e2e/bench/track.mjs"))
        .env("HEADWATER_BIN", program)
        .env("HEADWATER_CHROMIUM", chromium)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("node")?;
    if !output.status.success() {
        bail!("tests/e2e/bench/track.mjs: {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    let answer: Value = serde_json::from_str(last).with_context(|| format!("not JSON: {last}"))?;
    for (name, what, unit) in MEASURES {
        for quantile in ["p50", "p99"] {
            results.add(&format!("{what}, {quantile}"), answer[name][quantile].clone(), unit);
        }
    }
    Ok(())
}

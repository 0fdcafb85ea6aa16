//! Which lines of the core no test reaches.

mod lcov;

use std::path::Path;

use anyhow::{Context, Result};

use crate::{process, setup};
use lcov::File;

/// What is measured.
const SOURCES: &str = "sdk-core/src";
/// Whose tests run: the core's own, and the properties that hold for any bytes. Examples in documentation are not
/// counted, as only a nightly compiler can.
const PACKAGES: [&str; 2] = ["headwater-core", "headwater-properties"];

pub(crate) fn run(root: &Path) -> Result<()> {
    let tools = setup::for_coverage()?;
    let folder = tempfile::tempdir()?;
    let report = folder.path().join("lcov.info");
    let mut command = tools.command(root);
    command.args(["--lcov", "--no-cfg-coverage", "--output-path"]).arg(&report);
    command.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    process::run(&mut command)?;
    let text = std::fs::read_to_string(&report).context("cargo llvm-cov left no report")?;
    let mut files = lcov::read(&text, &root.join(SOURCES));
    for file in &mut files {
        file.leave_out(&std::fs::read_to_string(root.join(SOURCES).join(&file.name))?);
    }
    files.retain(|file| !file.lines.is_empty());
    print(&files);
    Ok(())
}

fn print(files: &[File]) {
    println!("\n{:<40} {:>7} {:>8} {:>9}", format!("file in {SOURCES}"), "lines", "tested", "per cent");
    let row = |name: &str, lines: usize, tested: usize| {
        println!("{name:<40} {lines:>7} {tested:>8} {:>9}", per_cent(tested, lines));
    };
    for file in files {
        row(&file.name, file.lines.len(), file.tested());
    }
    row("all", files.iter().map(|file| file.lines.len()).sum(), files.iter().map(File::tested).sum());
    println!("\nlines that no test reaches:");
    let untested: Vec<_> = files.iter().filter(|file| file.tested() < file.lines.len()).collect();
    for file in &untested {
        println!("  {SOURCES}/{}: {}", file.name, file.untested());
    }
    if untested.is_empty() {
        println!("  none");
    }
}

/// With one digit after the point, rounded down: only all is 100.
fn per_cent(part: usize, whole: usize) -> String {
    let tenths = (part * 1_000).checked_div(whole).unwrap_or(1_000);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::per_cent;

    #[test]
    fn only_all_lines_are_a_hundred_per_cent() {
        assert_eq!(per_cent(9_999, 10_000), "99.9");
        assert_eq!(per_cent(3, 3), "100.0");
        assert_eq!(per_cent(0, 7), "0.0");
    }
}

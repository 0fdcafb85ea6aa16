//! The part of a failed step's log that tells why.

use std::path::Path;

/// Lines shown at most.
const MOST: usize = 120;

/// [`of`] the log in this file.
pub(super) fn of_file(log: &Path) -> String {
    of(&headwater_rig::text(log))
}

/// What the test runners of Rust and Node say of their failures, else compiler errors from the first on, else the end.
pub(super) fn of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let mut failures = blocks(&lines, |line| line == "failures:", |line| line.starts_with("test result:"));
    failures.extend(blocks(&lines, |line| line.starts_with("not ok "), |line| line == "  ..."));
    if !failures.is_empty() {
        return shortened(&failures);
    }
    let error = lines.iter().position(|line| line.starts_with("error[") || line.starts_with("error:"));
    match error {
        Some(first) => shortened(&lines[first..]),
        None => lines[lines.len().saturating_sub(MOST)..].join("\n"),
    }
}

/// All lines from a line that `begins` to one that `ends`, each block with both.
fn blocks<'a>(lines: &[&'a str], begins: fn(&str) -> bool, ends: fn(&str) -> bool) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in lines {
        inside |= begins(line);
        if inside {
            found.push(*line);
        }
        inside &= !ends(line);
    }
    found
}

fn shortened(lines: &[&str]) -> String {
    let left_out = lines.len().saturating_sub(MOST);
    let mut text = lines[..lines.len() - left_out].join("\n");
    if left_out > 0 {
        text.push_str("\n… and more lines: ");
        text.push_str(&left_out.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_the_middle_of_a_log_are_found() {
        let log = "running 2 tests\ntest a ... ok\n\nfailures:\n---- b stdout ----\nwhy\ntest result: FAILED. 1\n\
                   Doc-tests x\ntest result: ok. 0";
        assert_eq!(of(log), "failures:\n---- b stdout ----\nwhy\ntest result: FAILED. 1");
    }

    #[test]
    fn a_compiler_error_is_shown_from_its_first_line() {
        assert_eq!(
            of("Compiling a\nerror[E0308]: mismatched\n --> a.rs"),
            "error[E0308]: mismatched\n --> a.rs"
        );
        let long = "line\n".repeat(500);
        assert_eq!(of(&long).lines().count(), MOST);
    }
}

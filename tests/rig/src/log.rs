//! What programs write.

use std::path::Path;

/// The last `lines` lines of a text file, "" if it cannot be read.
#[must_use]
pub fn tail(file: &Path, lines: usize) -> String {
    let text = text(file);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A text file whatever its encoding, "" if it cannot be read.
#[must_use]
pub fn text(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned()
}

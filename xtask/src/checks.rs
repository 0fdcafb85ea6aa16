//! What a compiler does not see: commands and links in the documents, paths of one machine, files that grew too long.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::process;
use crate::steps::Count;

/// A longer file decides more than one thing.
const LONGEST: usize = 400;
/// Files of these kinds are written by hand, except below these folders.
const HAND_WRITTEN: [&str; 8] = ["css", "html", "js", "mjs", "py", "rs", "sh", "ts"];
const VENDORED: &str = "/vendor/";

/// Checks every file that git knows or would add.
pub(crate) fn run(root: &Path) -> Result<Count> {
    let listed = process::capture(
        Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root),
    )?;
    let mut faults = Vec::new();
    let mut looked_at = 0;
    for name in listed.lines() {
        let file = root.join(name);
        // What is deleted but not committed is still listed; what is no text has no lines.
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        looked_at += 1;
        let kind = file.extension().and_then(|end| end.to_str()).unwrap_or_default();
        let mut found = machine_paths(root, name, &text);
        if kind == "md" {
            found.extend(commands(&text));
            found.extend(links(&file, &text));
        }
        let lines = text.lines().count();
        if HAND_WRITTEN.contains(&kind) && !name.contains(VENDORED) && lines > LONGEST {
            found.push(format!("{lines} lines, more than {LONGEST}"));
        }
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    if !faults.is_empty() {
        bail!("\n    {}", faults.join("\n    "));
    }
    Ok(Count { passed: looked_at, failed: 0 })
}

/// Paths that exist only here, and registries that only this machine is configured for.
fn machine_paths(root: &Path, name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let home = std::env::var("HOME").unwrap_or_default();
    for place in [root.to_string_lossy().into_owned(), home] {
        if place.len() > 1 && text.contains(&format!("{place}/")) {
            found.push(format!("names a path of this machine: {place}/"));
        }
    }
    if name.ends_with("package-lock.json") && text.contains("\"resolved\": \"http") {
        found.push("names a registry (npm config set omit-lockfile-registry-resolved true)".to_owned());
    }
    found
}

/// Every `cargo xtask …` in a document must be one that exists.
fn commands(text: &str) -> Vec<String> {
    const PREFIX: &str = "cargo xtask ";
    let mut found = Vec::new();
    for line in text.lines() {
        for (at, _) in line.match_indices(PREFIX) {
            let words: Vec<&str> = line[at + PREFIX.len()..]
                .split([' ', '`'])
                .map(|word| word.trim_matches(['[', ']', '(', ')', ',', ';', ':', '.']))
                .take_while(|word| is_word(word))
                .collect();
            if !words.is_empty() && !exists(&words) {
                found.push(format!("there is no `{PREFIX}{}`", words.join(" ")));
            }
        }
    }
    found
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Prose may follow a command on its line: the longest prefix that is a command counts, but a wrong switch is wrong.
fn exists(words: &[&str]) -> bool {
    let switches = words.iter().rposition(|word| word.starts_with("--")).map_or(1, |last| last + 1);
    (switches..=words.len()).any(|end| {
        let command = ["cargo xtask"].iter().chain(&words[..end]).copied();
        match crate::Arguments::command().try_get_matches_from(command) {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::DisplayHelp,
        }
    })
}

/// Relative links must lead to a file.
fn links(file: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("](") {
        let target = text[at + 2..].split([')', ' ', '#']).next().unwrap_or_default();
        let local = !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:");
        if local && !file.parent().is_some_and(|folder| folder.join(target).exists()) {
            found.push(format!("the link to {target} leads nowhere"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_does_not_exist_is_found() {
        let text = "Run `cargo xtask demo --replay [--twice]` or cargo xtask test, then `cargo xtask tset`.\n\
                    `cargo xtask demo --reply` and `cargo xtask bench spine` prints. `cargo xtask --help` too.";
        let wrong = ["there is no `cargo xtask tset`", "there is no `cargo xtask demo --reply`"];
        assert_eq!(commands(text), wrong);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let file = folder.path().join("a.md");
        std::fs::write(&file, "").expect("a file");
        assert!(links(&file, "[here](a.md#part) and [there](https://example.org/x)").is_empty());
        assert_eq!(links(&file, "[gone](b.md)").len(), 1);
    }
}

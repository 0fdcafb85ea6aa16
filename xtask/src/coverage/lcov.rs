//! The lcov format, as far as it tells of lines.

use std::collections::BTreeMap;
use std::path::Path;

/// The lines of a source file that are code.
#[derive(Debug, Default, PartialEq)]
pub(super) struct File {
    /// Below the folder that was asked for.
    pub(super) name: String,
    /// Line, counted from 1, and how often it was run.
    pub(super) lines: BTreeMap<usize, u64>,
}

impl File {
    /// Takes out what is not to be tested: the tests at the end of the file, and the slips planted for the simulator,
    /// which no build but its own contains.
    pub(super) fn leave_out(&mut self, source: &str) {
        let lines: Vec<&str> = source.lines().collect();
        let is_start = |pair: &[&str]| {
            pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
        };
        let end = lines.windows(2).position(is_start).unwrap_or(lines.len());
        self.lines.retain(|line, _| *line <= end);
        for (at, line) in lines.iter().enumerate() {
            let text = line.trim_start();
            if text.starts_with("if planted!(") && text.ends_with('{') {
                let margin = &line[..line.len() - text.len()];
                let closes =
                    |line: &&str| line.strip_prefix(margin).is_some_and(|rest| rest.starts_with('}'));
                let inside = lines[at + 1..].iter().take_while(|line| !closes(line)).count();
                // `at` counts from 0, lines from 1: the block's first line is `at + 2`.
                self.lines.retain(|line, _| !(at + 2..at + 2 + inside).contains(line));
            }
        }
    }

    pub(super) fn tested(&self) -> usize {
        self.lines.values().filter(|count| **count > 0).count()
    }

    /// The others, as in `7, 12-14`. Lines between which there is no code are neighbours.
    pub(super) fn untested(&self) -> String {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let mut is_going = false;
        for (&line, &count) in &self.lines {
            match runs.last_mut().filter(|_| is_going && count == 0) {
                Some(run) => run.1 = line,
                None if count == 0 => runs.push((line, line)),
                None => {}
            }
            is_going = count == 0;
        }
        let shown: Vec<_> = runs
            .iter()
            .map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") })
            .collect();
        shown.join(", ")
    }
}

/// The files below `folder`, by name. Counts of one line are added up.
pub(super) fn read(text: &str, folder: &Path) -> Vec<File> {
    let mut files: BTreeMap<String, File> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let name = Path::new(path).strip_prefix(folder).ok();
            current = name.map(|name| name.to_string_lossy().replace('\\', "/"));
        } else if let (Some(name), Some((line, count))) = (&current, counted(line)) {
            let file =
                files.entry(name.clone()).or_insert_with(|| File { name: name.clone(), ..File::default() });
            *file.lines.entry(line).or_default() += count;
        }
    }
    files.into_values().collect()
}

/// `DA:line,count`
fn counted(line: &str) -> Option<(usize, u64)> {
    let (line, count) = line.strip_prefix("DA:")?.split_once(',')?;
    Some((line.parse().ok()?, count.split(',').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
SF:/r/core/src/client/mod.rs
FN:3,name
DA:3,1
DA:4,0
DA:6,0
DA:7,2
DA:9,0
LF:5
end_of_record
SF:/r/other/src/lib.rs
DA:1,0
end_of_record
SF:/r/core/src/client/mod.rs
DA:9,5
end_of_record
SF:/r/core/src/a.rs
DA:1,0
end_of_record
";

    #[test]
    fn lines_of_the_folder_are_counted_and_others_left_out() {
        let files = read(REPORT, Path::new("/r/core/src"));
        assert_eq!(
            files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
            ["a.rs", "client/mod.rs"]
        );
        let file = &files[1];
        assert_eq!((file.lines.len(), file.tested(), file.untested()), (5, 3, "4-6".to_owned()));
        assert_eq!(files[0].untested(), "1");
    }

    #[test]
    fn tests_at_the_end_of_a_file_are_not_what_is_tested() {
        let mut file = File { name: String::new(), lines: [(1, 1), (4, 0), (6, 1)].into() };
        let source = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n  fn b() {}\n  fn c() {}\n}\n";
        file.leave_out(source);
        assert_eq!(file.lines, [(1, 1)].into());
        let elsewhere = "#[cfg(test)]\nmod tests;\nfn a() {}\n";
        let mut file = File { name: String::new(), lines: [(3, 1)].into() };
        file.leave_out(elsewhere);
        assert_eq!(file.lines.len(), 1);
    }

    #[test]
    fn planted_slips_are_not_what_is_tested() {
        let source = "\
fn name() {
    if planted!(ForgetBeforeAck) && late {
        if now {
            forget();
        }
    } else {
        keep();
    }
}
";
        let mut file = File { name: String::new(), lines: (1..=9).map(|line| (line, 0)).collect() };
        file.leave_out(source);
        assert_eq!(file.lines.keys().copied().collect::<Vec<_>>(), [1, 2, 6, 7, 8, 9]);
    }
}

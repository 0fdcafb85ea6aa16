//! How many tests a log reports: Rust's and Node's test runners, and lines `N passed, N failed` of our own programs.

use crate::steps::Count;

pub(super) fn tests(log: &str) -> Count {
    log.lines().map(line).fold(Count::default(), |sum, one| Count {
        passed: sum.passed + one.passed,
        failed: sum.failed + one.failed,
    })
}

fn line(line: &str) -> Count {
    let words: Vec<&str> = line.split([' ', ';', ',']).filter(|word| !word.is_empty()).collect();
    let number = |word: &str| word.parse::<u64>().ok();
    let (passed, failed) = match words[..] {
        // test result: ok. 12 passed; 0 failed; 0 ignored; …   or   3 passed, 0 failed
        ["test", "result:", _, passed, "passed", failed, "failed", ..]
        | [passed, "passed", failed, "failed"] => (number(passed), number(failed)),
        // ℹ pass 12   or   # pass 12
        ["ℹ" | "#", "pass", passed] => (number(passed), None),
        ["ℹ" | "#", "fail", failed] => (None, number(failed)),
        _ => (None, None),
    };
    Count { passed: passed.unwrap_or_default(), failed: failed.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_reports_of_all_runners_are_summed() {
        let log = "\
running 2 tests
test result: ok. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
ℹ tests 5
ℹ pass 5
ℹ fail 0
# pass 7
# fail 2
30 passed, 0 failed
1 passed of many";
        let count = super::tests(log);
        assert_eq!((count.passed, count.failed), (44, 3));
    }
}

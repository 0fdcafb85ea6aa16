//! The simulator: built in release, run with what it is given, its verdict read from its last line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::steps::Count;
use crate::{process, programs};

/// The package in `tests/sim`.
pub(crate) const PACKAGE: &str = "headwater-sim";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Passed on as they are, for example `--seeds 1000000 --jobs 2`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    process::run(Command::new(build(root)?).args(&arguments.arguments).current_dir(root))
}

/// Its program.
pub(crate) fn build(root: &Path) -> Result<PathBuf> {
    programs::release(root, PACKAGE, "sim")
}

/// Runs `seeds` seeds with the output in `log`: one check.
pub(crate) fn check(program: &Path, seeds: u64, log: &Path) -> Result<Count> {
    let ended = process::run_logged(Command::new(program).args(["--seeds", &seeds.to_string()]), log);
    let last = headwater_rig::tail(log, 1);
    println!("  {last}");
    ended?;
    Verdict::read(&last)?.judge(seeds)
}

/// `seeds=N breaches=B seeds_per_second=R`
#[derive(Debug, Eq, PartialEq)]
struct Verdict {
    seeds: u64,
    breaches: u64,
}

impl Verdict {
    fn read(line: &str) -> Result<Self> {
        let number = |name: &str| {
            let value = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value
                .and_then(|value| value.parse().ok())
                .with_context(|| format!("no {name}=N in its last line: {line}"))
        };
        Ok(Self { seeds: number("seeds")?, breaches: number("breaches")? })
    }

    /// Fewer seeds than were asked for prove less than was asked for.
    fn judge(&self, asked: u64) -> Result<Count> {
        if self.breaches > 0 || self.seeds < asked {
            bail!("{} breaches in {} of {asked} seeds", self.breaches, self.seeds);
        }
        Ok(Count::ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;

    fn judged(line: &str, asked: u64) -> Result<u64, String> {
        let verdict = Verdict::read(line).map_err(|error| error.to_string())?;
        verdict.judge(asked).map(|count| count.passed).map_err(|error| error.to_string())
    }

    #[test]
    fn only_all_seeds_without_a_breach_pass() {
        assert_eq!(judged("seeds=50000 breaches=0 seeds_per_second=4120.5", 50_000), Ok(1));
        let breach = "seeds=50000 breaches=2 seeds_per_second=4120";
        assert_eq!(judged(breach, 50_000), Err("2 breaches in 50000 of 50000 seeds".to_owned()));
        let few = "seeds=3 breaches=0 seeds_per_second=4120";
        assert_eq!(judged(few, 50_000), Err("0 breaches in 3 of 50000 seeds".to_owned()));
    }

    #[test]
    fn a_program_that_ends_without_a_verdict_has_not_passed() {
        assert!(judged("thread 'main' panicked", 1).is_err());
        assert!(judged("", 1).is_err());
        assert!(judged("seeds_per_second=7 breaches=0", 1).is_err());
    }

    #[test]
    fn whatever_follows_the_command_is_passed_on() {
        use clap::Parser;
        let line = ["cargo xtask", "sim", "--seeds", "10", "--help"];
        let crate::Command::Sim(arguments) = crate::Arguments::parse_from(line).command else {
            panic!("another command was read");
        };
        assert_eq!(arguments.arguments, ["--seeds", "10", "--help"]);
    }
}

//! One test per scenario and runner, named after the file.

use std::path::Path;

use headwater_conformance::{Runner, read, run, scenarios};
use libtest_mimic::{Arguments, Trial};

fn main() {
    let files = scenarios().expect("the scenarios can be listed");
    let mut trials = vec![Trial::test("there_are_scenarios_enough", {
        let count = files.len();
        move || if count >= 40 { Ok(()) } else { Err(format!("{count} scenarios are too few").into()) }
    })];
    for file in files {
        trials.extend(Runner::ALL.into_iter().map(|runner| trial(&file, runner)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(file: &Path, runner: Runner) -> Trial {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let scenario = read(file);
    let excepted = scenario.as_ref().is_ok_and(|scenario| scenario.not.contains_key(runner.name()));
    let test = move || run(&scenario?, runner).map_err(Into::into);
    Trial::test(format!("{stem}::{}", runner.name()), test).with_ignored_flag(excepted)
}

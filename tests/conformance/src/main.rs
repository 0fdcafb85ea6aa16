//! Runs scenario files, one after the other: `conformance scenarios/x.json …`, or all of this package without any.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program's output")]

use std::{path::PathBuf, process::ExitCode};

use headwater_conformance::{Runner, read, run, scenarios};

fn main() -> ExitCode {
    let mut files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        match scenarios() {
            Ok(all) => files = all,
            Err(error) => {
                eprintln!("scenarios: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut failed = 0;
    for file in files {
        for runner in Runner::ALL {
            let outcome = read(&file).and_then(|scenario| match scenario.not.get(runner.name()) {
                Some(reason) => Ok(format!("skipped: {reason}")),
                None => run(&scenario, runner).map(|()| "ok".to_owned()),
            });
            failed += u32::from(outcome.is_err());
            println!("{} {}: {}", file.display(), runner.name(), outcome.unwrap_or_else(|error| error));
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

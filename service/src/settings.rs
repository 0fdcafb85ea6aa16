//! Reads what a program is told: flags, over environment variables, over a TOML file whose fields are named as the flags are.

use std::{ffi::OsString, fmt, fs, path::PathBuf};

use clap::{ArgAction, Command, Parser, parser::ValueSource};

/// What is wrong with the file. Names line and field, and never shows a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileError {
    line: usize,
    message: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for FileError {}

/// Parses the arguments of this process, and the file that `--config` or its variable names. Ends the process as
/// [`Parser::parse`] does.
#[must_use]
pub fn parse<P: Parser>() -> P {
    let given: Vec<OsString> = std::env::args_os().collect();
    try_parse(given).unwrap_or_else(|error| error.exit())
}

/// As [`parse`], from these arguments, the first of which is the program's name.
pub fn try_parse<P: Parser>(mut given: Vec<OsString>) -> Result<P, clap::Error> {
    let command = P::command();
    // What the file may still bring is not missed yet.
    let first = command.clone().ignore_errors(true).try_get_matches_from(&given)?;
    let file = first.try_get_one::<PathBuf>(CONFIG).ok().flatten();
    if let Some(path) = file {
        let io = |what: &dyn fmt::Display| {
            command.clone().error(clap::error::ErrorKind::Io, format!("{}: {what}", path.display()))
        };
        let text = fs::read_to_string(path).map_err(|error| io(&error))?;
        let told = |id: &str| {
            let source = first.value_source(id);
            matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
        };
        given.extend(arguments(&command, &text, told).map_err(|error| io(&error))?);
    }
    let mut matches = command.try_get_matches_from(given)?;
    P::from_arg_matches_mut(&mut matches)
}

/// The flag that names the file.
const CONFIG: &str = "config";

/// The fields of the file as arguments, but those of which `told` says that they were given.
fn arguments(command: &Command, text: &str, told: impl Fn(&str) -> bool) -> Result<Vec<OsString>, FileError> {
    let at = |line, message: String| FileError { line, message };
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        at(line_of(text, error.span().map_or(0, |span| span.start)), error.message().to_owned())
    })?;
    let mut arguments = Vec::new();
    for (field, value) in table {
        let line = line_of_field(text, &field);
        let known = command.get_arguments().find(|argument| argument.get_long() == Some(&field));
        let Some(argument) = known.filter(|argument| argument.get_id() != CONFIG) else {
            return Err(at(line, format!("{field}: there is no such setting")));
        };
        if told(argument.get_id().as_str()) {
            continue;
        }
        let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
        let values = match value {
            toml::Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            match value {
                toml::Value::Boolean(is_set) if is_flag => {
                    arguments.extend(is_set.then(|| format!("--{field}").into()));
                }
                toml::Value::String(text) if !is_flag => {
                    arguments.push(format!("--{field}={text}").into());
                }
                toml::Value::Integer(number) if !is_flag => {
                    arguments.push(format!("--{field}={number}").into());
                }
                _ => {
                    let form =
                        if is_flag { "true or false" } else { "a string, a number, or a list of them" };
                    return Err(at(line, format!("{field}: not {form}")));
                }
            }
        }
    }
    Ok(arguments)
}

/// Counted from 1.
#[must_use]
pub fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn line_of_field(text: &str, field: &str) -> usize {
    let names = |line: &str| {
        line.trim_start()
            .trim_start_matches(['[', '"'])
            .strip_prefix(field)
            .is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with(['=', ']', '.']))
    };
    text.lines().position(names).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[arg(long)]
        config: Option<PathBuf>,
        #[arg(long)]
        bridge: String,
        #[arg(long, default_value_t = 7)]
        most: u32,
        #[arg(long)]
        open: bool,
        #[arg(long)]
        proxy: Vec<String>,
    }

    fn program(file: &str, flags: &[&str]) -> Result<Program, String> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("p.toml");
        fs::write(&path, file).expect("a file");
        let mut given: Vec<OsString> = vec!["program".into(), "--config".into(), path.into()];
        given.extend(flags.iter().map(Into::into));
        try_parse(given).map_err(|error| error.to_string())
    }

    #[test]
    fn a_flag_goes_over_the_file_and_the_file_over_the_default() {
        let file = "bridge = \"b\"\nmost = 5\nopen = true\nproxy = [\"10.0.0.0/8\", \"::1/128\"]";
        let read = program(file, &[]).expect("a good file");
        assert_eq!((read.bridge.as_str(), read.most, read.open), ("b", 5, true));
        assert_eq!(read.proxy, ["10.0.0.0/8", "::1/128"]);
        let read = program(file, &["--most", "9", "--proxy", "x"]).expect("a good file");
        assert_eq!((read.most, read.proxy), (9, vec!["x".to_owned()]));
        let read = program("open = false\nbridge = \"b\"", &[]).expect("a good file");
        assert_eq!((read.most, read.open), (7, false));
    }

    #[test]
    fn a_fault_of_the_file_is_named_with_its_line_and_what_is_missing_is_missed() {
        for (file, expected) in [
            ("bridge = \"b\"\nbrigde = \"b\"", "line 2: brigde: there is no such setting"),
            ("bridge = \"b\"\n\nopen = 1", "line 3: open: not true or false"),
            ("bridge = true", "line 1: bridge: not a string"),
            ("bridge = ", "line 1: "),
            ("bridge = \"b\"\nmost = \"x\"", "invalid value 'x' for '--most <MOST>'"),
            ("config = \"p.toml\"", "line 1: config: there is no such setting"),
            ("open = true", "--bridge <BRIDGE>"),
        ] {
            let said = program(file, &[]).expect_err("a fault");
            assert!(said.contains(expected), "{said:?} for {file:?}");
        }
    }
}

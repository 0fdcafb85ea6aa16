//! The examples of `examples/native` are what the program takes.

use std::{fs, path::PathBuf, process::Command};

use headwater_collector::Sites;

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/native").join(name)
}

/// Runs the program with a flag that ends it after everything was parsed.
fn said(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_headwater-collector")).args(arguments).output();
    let output = output.expect("the program");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_settings_are_read_as_far_as_the_first_file_that_is_not_there() {
    let path = example("collector.toml");
    let (is_well, text) = said(&["--config", path.to_str().expect("a path")]);
    assert!(!is_well && text.contains("/etc/headwater/sites.toml"), "{text}");
    let broken = fs::read_to_string(&path).expect("the example").replace("prefix", "prefiks");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("collector.toml");
    fs::write(&path, &broken).expect("a file");
    let (is_well, text) = said(&["--config", path.to_str().expect("a path")]);
    let line = 1 + broken.lines().position(|line| line.starts_with("prefiks")).expect("the line");
    assert!(!is_well && text.contains(&format!("line {line}: prefiks: there is no such setting")), "{text}");
}

#[test]
fn the_sites_are_sites() {
    let text = fs::read_to_string(example("sites.toml")).expect("the example");
    assert!(Sites::from_toml(&text).expect("a good file").knows("site-123"));
}

#[test]
fn unit_and_container_start_the_program_with_flags_that_it_has() {
    let unit = fs::read_to_string(example("headwater-collector.service")).expect("the example");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("/usr/bin/headwater-collector"));
    let container = fs::read_to_string(example("Containerfile")).expect("the example");
    let command = container.lines().find_map(|line| line.strip_prefix("CMD ")).expect("a command");
    let command: Vec<String> = serde_json::from_str(command).expect("a list");
    assert_eq!(words.collect::<Vec<_>>(), command);
    let flags: Vec<&str> = command
        .iter()
        .map(|word| match word.as_str() {
            "/etc/headwater/collector.toml" => "/nowhere/collector.toml",
            word => word,
        })
        .collect();
    let (is_well, text) = said(&flags);
    assert!(
        !is_well && text.contains("/nowhere/collector.toml"),
        "it knows the flag and misses the file: {text}"
    );
}

#[test]
fn a_wrong_pair_of_settings_is_named() {
    for (arguments, expected) in [
        (&["--open"][..], "--bridge"),
        (&["--open", "--bridge", "http://x", "--tls-cert", "c.pem"], "--tls-key"),
        (&["--open", "--bridge", "http://x", "--prefix", "abc"], "a path is"),
        (&["--open", "--bridge", "http://x", "--listen", "0.0.0.0:0"], "loopback"),
        (&["--open", "--bridge", "http://x", "--collect-path", "/x", "--pixel-path", "/x"], "are the same"),
        (&["--open", "--bridge", "http://x", "--trusted-proxy", "ten"], "--trusted-proxy"),
        (&["--bridge", "http://x"], "--sites"),
        (&["--open", "--bridge", "http://x", "--sdk-dir", "/nowhere"], "/nowhere"),
    ] {
        let (is_well, text) = said(arguments);
        assert!(!is_well && text.contains(expected), "{arguments:?}: {text}");
    }
}

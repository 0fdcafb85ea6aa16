//! Where the lists are: in the packages that carry them, as the lock files have them.

use std::{fs, path::PathBuf, process::Command};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// A file of uap-core, in the package that ships it.
pub(crate) fn uap_core<T: DeserializeOwned>(file: &str) -> T {
    let text = read(&ua_parser().join("uap-core").join(file));
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn ua_parser() -> PathBuf {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    // Packages for other platforms need not be here.
    let version = run("rustc", &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let metadata = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&run(env!("CARGO"), &metadata)).expect("metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let found = packages.iter().find(|package| package["name"] == "ua-parser").expect("ua-parser");
    PathBuf::from(found["manifest_path"].as_str().expect("a path")).with_file_name("")
}

/// One kind of robot of crawler-user-agents.
#[derive(Deserialize)]
pub(crate) struct Crawler {
    pub(crate) pattern: String,
    pub(crate) instances: Vec<String>,
}

pub(crate) fn crawlers() -> Vec<Crawler> {
    npm("crawler-user-agents/crawler-user-agents.json")
}

/// A browser that visited a page, of npm's user-agents.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Visitor {
    pub(crate) user_agent: String,
    pub(crate) device_category: String,
}

pub(crate) fn visitors() -> Vec<Visitor> {
    npm("user-agents/dist/user-agents.json")
}

fn npm<T: DeserializeOwned>(file: &str) -> T {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("quality/node_modules");
    assert!(folder.is_dir(), "the lists are not installed: cargo xtask setup");
    serde_json::from_str(&read(&folder.join(file))).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn read(file: &PathBuf) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

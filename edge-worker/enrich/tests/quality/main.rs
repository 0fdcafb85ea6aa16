//! How often the verdict is right, counted over lists that others keep. The counts are exact: a new release of a list
//! changes them, and so does a slip.

mod packages;

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use headwater_enrich::judge_anew;
use headwater_schema::{Agent, Software};
use serde::Deserialize;
use serde_json::Value;

fn judge(user_agent: &str) -> Software {
    judge_anew(&Agent::read(|name| (name == "user-agent").then_some(user_agent)))
}

/// How many of how many were right, and some that were not.
#[derive(Default)]
struct Count {
    right: usize,
    all: usize,
    wrong: Vec<String>,
}

impl Count {
    fn note(&mut self, is_right: bool, wrong: impl FnOnce() -> String) {
        self.all += 1;
        self.right += usize::from(is_right);
        if !is_right && self.wrong.len() < 40 {
            self.wrong.push(wrong());
        }
    }
}

/// Prints each count, then fails unless each is exactly as expected, showing some that were wrong.
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
#[track_caller]
fn are(counts: &[(&str, &Count, (usize, usize))]) {
    let mut faults = String::new();
    for (what, count, expected) in counts {
        let found = (count.right, count.all);
        println!("{what}: {} of {}", found.0, found.1);
        if found != *expected {
            writeln!(faults, "{what}: {found:?}, not {expected:?}:\n  {}", count.wrong.join("\n  "))
                .expect("text");
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

/// The cases of a file of uap-core's tests.
#[derive(Deserialize)]
struct Cases {
    test_cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    user_agent_string: String,
    family: String,
    #[serde(default)]
    major: Option<String>,
    #[serde(default)]
    minor: Option<String>,
    #[serde(default)]
    patch: Option<String>,
}

fn cases(file: &str) -> Vec<Case> {
    packages::uap_core::<Cases>(file).test_cases
}

/// `Other` is uap-core's word for nothing.
fn name(family: &str) -> Option<&str> {
    Some(if family == "Mac OS X" { "macOS" } else { family }).filter(|name| *name != "Other")
}

#[test]
fn browsers_are_those_of_uap_core() {
    let (mut names, mut versions) = (Count::default(), Count::default());
    for case in cases("tests/test_ua.yaml") {
        let found = judge(&case.user_agent_string);
        let about =
            |found: &Option<String>| format!("{}: {found:?}, not {}", case.user_agent_string, case.family);
        names.note(found.browser.as_deref() == name(&case.family), || about(&found.browser));
        let parts = [&case.major, &case.minor, &case.patch].map(|part| part.as_deref().unwrap_or_default());
        let known: Vec<&str> = parts.into_iter().take_while(|part| !part.is_empty()).collect();
        let version = found.browser_version.as_deref().unwrap_or_default();
        let is_right = version == known.join(".") || version.starts_with(&format!("{}.", known.join(".")));
        versions.note(is_right, || format!("{}: {version}, not {}", case.user_agent_string, known.join(".")));
    }
    are(&[
        ("browser, uap-core", &names, (1_460, 1_460)),
        ("browser's version, uap-core", &versions, (1_460, 1_460)),
    ]);
}

#[test]
fn systems_are_those_of_uap_core() {
    let mut count = Count::default();
    for file in ["tests/test_os.yaml", "test_resources/additional_os_tests.yaml"] {
        for case in cases(file) {
            let found = judge(&case.user_agent_string).os;
            count.note(found.as_deref() == name(&case.family), || {
                format!("{}: {found:?}, not {}", case.user_agent_string, case.family)
            });
        }
    }
    are(&[("system, uap-core", &count, (491, 491))]);
}

/// The kind of device that a maker's name of uap-core is, where the name says it.
fn kind_of(family: &str) -> Option<&'static str> {
    Some(match family {
        "Spider" => "bot",
        "iPhone" | "iPod" | "Generic Smartphone" | "Generic Feature Phone" => "phone",
        "iPad" | "Generic Tablet" | "Kindle" => "tablet",
        "Mac" => "desktop",
        "AppleTV" | "Generic_Inettv" => "tv",
        family if family.starts_with("PlayStation") || family.starts_with("Xbox") => "console",
        family if family.starts_with("Nintendo") => "console",
        _ => return None,
    })
}

#[test]
fn devices_and_robots_are_those_of_uap_core() {
    let (mut devices, mut robots, mut browsers) = (Count::default(), Count::default(), Count::default());
    for case in cases("tests/test_device.yaml") {
        let found = judge(&case.user_agent_string);
        let about = || format!("{}: {:?}, not {}", case.user_agent_string, found.device, case.family);
        if case.family == "Spider" {
            robots.note(found.bot == Some(true), about);
        } else {
            browsers.note(found.bot == Some(false), about);
            if let Some(kind) = kind_of(&case.family) {
                devices.note(found.device.as_deref() == Some(kind), about);
            }
        }
    }
    are(&[
        ("device, uap-core", &devices, (95, 111)),
        ("robots found, uap-core", &robots, (62, 70)),
        ("devices that are no robots, uap-core", &browsers, (15_979, 16_054)),
    ]);
}

#[test]
fn visitors_have_their_devices_and_are_no_robots() {
    let (mut devices, mut people) = (Count::default(), Count::default());
    let visitors = packages::visitors();
    let visitors: BTreeSet<(&str, &str)> =
        visitors.iter().map(|visitor| (&*visitor.user_agent, &*visitor.device_category)).collect();
    for (user_agent, category) in visitors {
        let found = judge(user_agent);
        let about = || format!("{user_agent}: {:?}, not {category}", found.device);
        let kind = if category == "mobile" { "phone" } else { category };
        devices.note(found.device.as_deref() == Some(kind), about);
        people.note(found.bot == Some(false), about);
    }
    are(&[("device, visitors", &devices, (952, 952)), ("visitors that are no robots", &people, (952, 952))]);
}

#[test]
fn crawlers_are_found() {
    let mut count = Count::default();
    for user_agent in packages::crawlers().iter().flat_map(|crawler| &crawler.instances) {
        count.note(judge(user_agent).bot == Some(true), || user_agent.clone());
    }
    are(&[("robots found, crawler-user-agents", &count, (2_118, 2_118))]);
}

/// What is compiled in is what the packages have; with `HEADWATER_WRITE_TABLES` set it is written anew.
#[test]
fn the_tables_are_those_of_the_packages() {
    let all: Value = packages::uap_core("regexes.yaml");
    let mut agents = String::from("{\n");
    for (at, list) in ["user_agent_parsers", "os_parsers"].into_iter().enumerate() {
        let lines: Vec<String> = all[list].as_array().expect("a list").iter().map(Value::to_string).collect();
        let comma = if at == 0 { "," } else { "" };
        writeln!(agents, "\"{list}\":[\n{}\n]{comma}", lines.join(",\n")).expect("text");
    }
    agents.push_str("}\n");
    let patterns: Vec<String> = packages::crawlers().into_iter().map(|crawler| crawler.pattern).collect();
    for (file, content) in [("user_agents.json", agents), ("crawlers.txt", patterns.join("\n") + "\n")] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(file);
        if env::var_os("HEADWATER_WRITE_TABLES").is_some() {
            fs::write(&file, content).expect("written");
        } else {
            let is_same = fs::read_to_string(&file).expect("read") == content;
            assert!(is_same, "{} is not the packages': set HEADWATER_WRITE_TABLES=1 once", file.display());
        }
    }
}

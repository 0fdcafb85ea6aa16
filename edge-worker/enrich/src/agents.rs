//! Browser and system of a user agent, by the tables of uap-core.

use serde::Deserialize;
use ua_parser::{os, user_agent};

/// The two lists of uap-core that say browser and system. (Its third, makers and models, is as large as both and no
/// report asks for it.)
const TABLES: &str = include_str!("../data/user_agents.json");

/// The tables, compiled.
pub(crate) struct Agents {
    browsers: user_agent::Extractor<'static>,
    systems: os::Extractor<'static>,
}

#[derive(Deserialize)]
struct Tables {
    user_agent_parsers: Vec<user_agent::Parser<'static>>,
    os_parsers: Vec<os::Parser<'static>>,
}

impl Agents {
    pub(crate) fn new() -> Self {
        let Tables { user_agent_parsers, os_parsers } =
            serde_json::from_str(TABLES).expect("tables that a test read");
        let browsers = user_agent::Builder::new()
            .push_all(user_agent_parsers)
            .expect("expressions that a test compiled");
        let systems = os::Builder::new().push_all(os_parsers).expect("expressions that a test compiled");
        Self {
            browsers: browsers.build().expect("expressions that a test compiled"),
            systems: systems.build().expect("expressions that a test compiled"),
        }
    }

    /// The browser's name, and its version with as many parts as are known.
    pub(crate) fn browser(&self, user_agent: &str) -> Option<(String, Option<String>)> {
        let found = self.browsers.extract(user_agent)?;
        let parts = [found.major, found.minor, found.patch, found.patch_minor];
        let known: Vec<&str> = parts.iter().map_while(Option::as_deref).collect();
        let version = (!known.is_empty()).then(|| known.join("."));
        Some((found.family.into_owned(), version))
    }

    /// The system's name; Apple's by the name it has now.
    pub(crate) fn system(&self, user_agent: &str) -> Option<String> {
        let found = self.systems.extract(user_agent)?;
        match &*found.os {
            "Mac OS X" => Some("macOS".to_owned()),
            // What the tables call what they know to be none.
            "Other" => None,
            _ => Some(found.os.into_owned()),
        }
    }
}

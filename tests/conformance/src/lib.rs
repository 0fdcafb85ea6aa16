//! Language-neutral scenarios of what an SDK must do (README.md), and their runner over the shell in memory.

mod expect;
mod pattern;
mod run;
mod scenario;
mod server;
mod verbs;
mod world;

use std::path::{Path, PathBuf};

use headwater_test_shell::Kind;

pub use self::scenario::{Scenario, Setup, Step};
use self::world::World;

/// On what a scenario runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Runner {
    /// The shell in memory with a phone's journal.
    Phone,
    /// The shell in memory with a browser's journal.
    Rust,
}

impl Runner {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Phone, Self::Rust];

    /// Its name in `not`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Rust => "rust",
        }
    }
}

/// The scenarios of this package, by file name.
///
/// # Errors
/// When the directory cannot be read.
pub fn scenarios() -> std::io::Result<Vec<PathBuf>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

/// Reads a scenario.
///
/// # Errors
/// When it is not there, or not written as README.md says.
pub fn read(file: &Path) -> Result<Scenario, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Without the padding of events, which nobody reads.
fn brief(text: &str) -> String {
    let mut run = 0;
    let kept = text.chars().filter(|&letter| {
        run = if letter == 'x' { run + 1 } else { 0 };
        run <= 3
    });
    kept.take(4_000).collect()
}

/// Runs a scenario.
///
/// # Errors
/// Which step failed, what it expected, and what was seen.
pub fn run(scenario: &Scenario, runner: Runner) -> Result<(), String> {
    let setup = &scenario.setup;
    let kind = if runner == Runner::Phone { Kind::Phone } else { Kind::Web };
    let mut world = World::new(
        kind,
        headwater_test_shell::Setup {
            platform: if runner == Runner::Phone { "ios".into() } else { "web".into() },
            limits: setup.limits.limits(),
            storage: setup.storage,
            consent: setup.consent.into(),
            purposes: u8::try_from(setup.purposes.len()).map_err(|_| "too many purposes")?,
            waiting_max: setup.waiting,
            plugin_drops: setup.plugin_drops.iter().map(|name| name.clone().into()).collect(),
            segment_entries: 1,
            ..headwater_test_shell::Setup::default()
        },
    );
    for (at, step) in scenario.steps.iter().enumerate() {
        run::step(&mut world, &setup.purposes, step)
            .map_err(|error| brief(&format!("{}\nstep {}: {step:?}\n{error}", scenario.title, at + 1)))?;
    }
    Ok(())
}

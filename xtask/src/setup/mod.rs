//! What building and testing needs, brought once and kept: `~/.cache/headwater` holds it by version and checksum, the
//! checkout only links there. Everything comes through the package managers' own clients (npm, pip, apt, rustup), as
//! they are configured on this machine.

mod apt;
pub(crate) mod browsers;
pub(crate) mod cache;
mod coverage;
mod duckdb;
pub(crate) mod kafka;
pub(crate) mod python;
pub(crate) mod registry;
mod rustup;
mod tools;
mod viceroy;
mod wasm;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::steps::Steps;
use crate::wasm::{BROWSER, SYSTEM};
use browsers::{Browser, Found};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also install the browsers that are missing (asks apt, so root or sudo without a password)
    #[arg(long)]
    browsers: bool,
}

/// Everything, with the time each part took.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new();
    let result = everything(root, arguments.browsers, &mut steps);
    steps.print();
    result
}

fn everything(root: &Path, browsers: bool, steps: &mut Steps) -> Result<()> {
    steps.must("libduckdb", || for_server(root))?;
    steps.must("wasm target", || wasm::install(BROWSER))?;
    steps.must("npm packages of the build", || tools::install(&root.join("sdk-web")))?;
    steps.must("npm packages of the edge's tests", || tools::install(&root.join("tests/edge")))?;
    steps.must("npm packages of the browser tests", || tools::install(&root.join("tests/e2e")))?;
    steps.must("lists of user agents", || for_enrich(root))?;
    steps.must("python", || python::find().map(drop))?;
    if browsers {
        let (_, missing) = steps.must("browsers", || browsers::find_or_install(&Browser::ALL))?;
        for browser in missing {
            println!("  {}", browser.not_here());
        }
    }
    Ok(())
}

/// What `headwater` needs to be built and started.
pub(crate) fn for_server(root: &Path) -> Result<()> {
    duckdb::install(root)
}

/// What user agents are counted against.
pub(crate) fn for_enrich(root: &Path) -> Result<()> {
    tools::install(&root.join("edge-worker/enrich/quality"))
}

/// What the npm package needs to be built.
pub(crate) fn for_web(root: &Path) -> Result<()> {
    wasm::install(BROWSER)?;
    tools::install(&root.join("sdk-web"))
}

/// What the contract of the edge needs beside the programs of the workspace.
pub(crate) fn for_edge(root: &Path) -> Result<()> {
    for_server(root)?;
    for_web(root)?;
    tools::install(&root.join("tests/edge"))
}

/// What `wrangler dev` needs to be tried.
pub(crate) fn for_wrangler(root: &Path) -> Result<()> {
    tools::install(&root.join("tests/edge/wrangler"))
}

/// What the Fastly program needs to be built.
pub(crate) fn for_fastly(root: &Path) -> Result<()> {
    wasm::install(SYSTEM)?;
    tools::install(&root.join("sdk-web"))
}

/// Viceroy's program, if it is here; with `must_have`, it is built.
pub(crate) fn viceroy(must_have: bool) -> Result<Option<PathBuf>> {
    viceroy::find(must_have)
}

/// What driving Chromium needs; its program. The conformance suite borrows the packages.
pub(crate) fn for_chromium(root: &Path) -> Result<PathBuf> {
    tools::install(&root.join("tests/e2e"))?;
    browsers::needed(Browser::Chromium)
}

/// What driving every browser needs; those that could be had, and those that could not.
pub(crate) fn for_browsers(root: &Path) -> Result<(Vec<Found>, Vec<Browser>)> {
    tools::install(&root.join("tests/e2e"))?;
    browsers::find_or_install(&Browser::ALL)
}

/// What a Kafka broker needs to be started.
pub(crate) fn for_kafka() -> Result<headwater_rig::kafka::Kafka> {
    kafka::install()
}

/// What a schema registry needs to be started.
pub(crate) fn for_registry() -> Result<registry::Registry> {
    registry::install()
}

/// What line coverage needs. Only its command asks for it: it is built from source.
pub(crate) fn for_coverage() -> Result<coverage::Tools> {
    coverage::install()
}

//! What building and testing needs, brought once and kept: `~/.cache/headwater` holds it by version and checksum, the
//! checkout only links there. Everything comes through the package managers' own clients (npm, pip, apt, rustup), as
//! they are configured on this machine.

pub(crate) mod cache;
mod chromium;
mod coverage;
mod duckdb;
pub(crate) mod python;
mod rustup;
mod tools;
mod wasm;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::steps::Steps;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also install a Chromium when none is found (asks apt, so root or sudo without a password)
    #[arg(long)]
    browser: bool,
}

/// Everything, with the time each part took.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new();
    let result = everything(root, arguments.browser, &mut steps);
    steps.print();
    result
}

fn everything(root: &Path, browser: bool, steps: &mut Steps) -> Result<()> {
    steps.must("libduckdb", || for_server(root))?;
    steps.must("wasm target", wasm::install)?;
    steps.must("npm packages of the build", || tools::install(&root.join("sdk-web")))?;
    steps.must("npm packages of the browser tests", || tools::install(&root.join("tests/e2e")))?;
    steps.must("python", || python::find().map(drop))?;
    if browser {
        steps.must("chromium", || chromium::find_or_install().map(drop))?;
    }
    Ok(())
}

/// What `headwater` needs to be built and started.
pub(crate) fn for_server(root: &Path) -> Result<()> {
    duckdb::install(root)
}

/// What the npm package needs to be built.
pub(crate) fn for_web(root: &Path) -> Result<()> {
    wasm::install()?;
    tools::install(&root.join("sdk-web"))
}

/// What driving a browser needs; the browser's program. The conformance suite borrows the packages.
pub(crate) fn for_browser(root: &Path) -> Result<PathBuf> {
    tools::install(&root.join("tests/e2e"))?;
    chromium::find_or_install()
}

/// What line coverage needs. Only its command asks for it: it is built from source.
pub(crate) fn for_coverage() -> Result<coverage::Tools> {
    coverage::install()
}

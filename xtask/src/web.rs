//! Building the npm package: the core as wasm and as a script, the shell as scripts and types.
//!
//! The wasm has no generated glue. Its border is five functions of numbers (`sdk-web/src/exports.rs`), exported by the
//! linker as they are: wasm-bindgen would add a step, an exact version to keep, and its glue to every page.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{process, wasm};

/// Builds `@headwater/web` into `sdk-web/dist`, and packs it there as npm would publish it.
pub(crate) fn build(root: &Path) -> Result<()> {
    let folder = root.join("sdk-web");
    let dist = folder.join("dist");
    // What an earlier build left must not be packed.
    let _ = std::fs::remove_dir_all(&dist);
    std::fs::create_dir_all(&dist)?;
    optimise(root, None, &compile(root)?, &dist.join("headwater.wasm"))?;
    let run = |program: &Path, arguments: &[&str]| {
        process::capture(Command::new(program).args(arguments).current_dir(&folder))
    };
    run(Path::new("node"), &["tools/convert.mjs", "dist/headwater.wasm", "dist/headwater.wasm.js"])?;
    run(Path::new("node"), &["tools/bundle.mjs"])?;
    run(&folder.join("node_modules/.bin/tsc"), &["-p", "tsconfig.build.json"])?;
    run(Path::new("npm"), &["pack", "--silent", "--ignore-scripts", "--pack-destination", "dist"])?;
    Ok(())
}

/// How large a function the compiler may put in its callers' place, in LLVM's measure, where `opt-level = "s"` says 50. More
/// copies or more calls make the brotli larger.
const INLINE: &str = "-Cllvm-args=-inline-threshold=20";

/// Compiles the core and returns the linked module, with the names of its functions.
pub(crate) fn compile(root: &Path) -> Result<PathBuf> {
    let mut command = process::cargo(root);
    command.args(["build", "-p", "headwater-web", "--lib", "--target", wasm::BROWSER, "--profile", "wasm"]);
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", INLINE);
    wasm::linked(&mut command, "headwater_web")
}

/// Makes the module that is shipped of the linked one; with a `preload`, a script that Node imports
/// before the optimiser. Returns what was printed.
pub(crate) fn optimise(root: &Path, preload: Option<&Path>, linked: &Path, small: &Path) -> Result<String> {
    let mut command = Command::new("node");
    if let Some(script) = preload {
        command.arg("--import").arg(script);
    }
    command.arg("tools/optimise.mjs").arg(linked).arg(small).current_dir(root.join("sdk-web"));
    process::capture(&mut command)
}

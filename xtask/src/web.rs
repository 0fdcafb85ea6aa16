//! Building the npm package: the core as wasm, the shell as scripts and types.
//!
//! The wasm has no generated glue. Its border is five functions of numbers (`sdk-web/src/exports.rs`), exported by the
//! linker as they are: wasm-bindgen would add a step, an exact version to keep, and its glue to every page.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds `@headwater/web` into `sdk-web/dist`, and packs it there as npm would publish it.
pub(crate) fn build(root: &Path) -> Result<()> {
    let package = Package::read(&root.join("sdk-web"))?;
    // What an earlier build left must not be packed.
    let _ = std::fs::remove_dir_all(package.dist());
    std::fs::create_dir_all(package.dist())?;
    optimise(root, None, &compile(root)?, &package.dist().join("headwater.wasm"))?;
    package.bundle("index.ts", "headwater.js", &["--format=esm", "--define:IIFE=false"])?;
    package.bundle("core.ts", "core.js", &["--format=esm", "--define:IIFE=false"])?;
    package.bundle(
        "index.ts",
        "headwater.iife.js",
        // Its own address comes from the document; the branch that asks `import.meta` is cut away.
        &[
            "--format=iife",
            "--global-name=headwater",
            "--define:IIFE=true",
            "--log-override:empty-import-meta=silent",
        ],
    )?;
    process::capture(package.tool("tsc").args(["-p", "tsconfig.build.json"]))?;
    process::capture(
        Command::new("npm")
            .args(["pack", "--silent", "--ignore-scripts", "--pack-destination", "dist"])
            .current_dir(&package.folder),
    )?;
    Ok(())
}

/// Compiles the core and returns the linked module, with the names of its functions.
pub(crate) fn compile(root: &Path) -> Result<PathBuf> {
    let mut command = process::cargo(root);
    command.args(["build", "-p", "headwater-web", "--lib", "--target", TARGET, "--profile", "wasm"]);
    command.arg("--message-format=json-render-diagnostics");
    let output = command.stderr(Stdio::inherit()).output().context("cargo build does not start")?;
    if !output.status.success() {
        bail!("cargo build -p headwater-web: {}", output.status);
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "headwater_web")
        .filter_map(|message| {
            let files = message["filenames"].as_array()?;
            files
                .iter()
                .filter_map(Value::as_str)
                .map(PathBuf::from)
                .find(|file| file.extension().is_some_and(|end| end == "wasm"))
        })
        .next_back()
        .context("cargo build -p headwater-web left no wasm")
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

struct Package {
    folder: PathBuf,
    version: String,
}

impl Package {
    fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("package.json");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let manifest: Value = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        let version = manifest["version"].as_str().context("package.json: version")?.to_owned();
        Ok(Self { folder: folder.to_owned(), version })
    }

    fn dist(&self) -> PathBuf {
        self.folder.join("dist")
    }

    /// A program that npm installed.
    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join("node_modules/.bin").join(name));
        command.current_dir(&self.folder);
        command
    }

    fn bundle(&self, entry: &str, file: &str, options: &[&str]) -> Result<()> {
        let mut command = self.tool("esbuild");
        command.arg(format!("ts/{entry}")).args([
            "--bundle",
            "--minify",
            "--target=es2020",
            "--log-level=warning",
        ]);
        command.args(["--external:./core.js", "--legal-comments=none"]).args(options);
        command.arg(format!("--define:VERSION=\"{}\"", self.version)).arg(format!("--outfile=dist/{file}"));
        process::capture(&mut command).map(drop)
    }
}

//! Line coverage: `cargo llvm-cov`, built once into the cache, and LLVM's own two programs of rustc's version.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{cache, rustup};
use crate::process;

/// The release of cargo-llvm-cov that was tried here.
const VERSION: &str = "0.9.1";
/// LLVM's programs, and the variables by which cargo-llvm-cov takes others than rustup's.
const PROGRAMS: [(&str, &str); 2] = [("llvm-cov", "LLVM_COV"), ("llvm-profdata", "LLVM_PROFDATA")];

/// Where the tools are.
pub(crate) struct Tools {
    /// A folder with `cargo-llvm-cov`.
    folder: PathBuf,
    llvm: Vec<(&'static str, PathBuf)>,
}

impl Tools {
    /// `cargo llvm-cov`.
    pub(crate) fn command(&self, root: &Path) -> Command {
        let mut path = OsString::from(&self.folder);
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(if cfg!(windows) { ";" } else { ":" });
            path.push(rest);
        }
        let mut command = process::cargo(root);
        command.arg("llvm-cov").env("PATH", path).envs(self.llvm.iter().cloned());
        command
    }
}

pub(super) fn install() -> Result<Tools> {
    let llvm = llvm()?;
    let entry = cache::entry(&format!("cargo-llvm-cov-{VERSION}"), |folder| {
        println!("  cargo-llvm-cov {VERSION} from source (about 1 CPU minute, once)");
        let target = tempfile::tempdir()?;
        let mut command = process::cargo(folder);
        command.args([
            "install",
            "cargo-llvm-cov",
            "--version",
            VERSION,
            "--locked",
            "--quiet",
            "--no-track",
        ]);
        process::run(command.arg("--root").arg(folder).arg("--target-dir").arg(target.path()))
            .with_context(|| format!("by hand: cargo install cargo-llvm-cov --version {VERSION} --locked"))
    })?;
    Ok(Tools { folder: entry.join("bin"), llvm })
}

/// LLVM's programs, of the major version that rustc is made with, as the format of profiles changes with it. Empty when
/// cargo-llvm-cov finds them by itself.
fn llvm() -> Result<Vec<(&'static str, PathBuf)>> {
    let chosen = PROGRAMS.iter().all(|(_, variable)| std::env::var_os(variable).is_some());
    if chosen
        || rustup_has_them()?
        || (rustup::add(&["component", "add", "llvm-tools"]) && rustup_has_them()?)
    {
        return Ok(Vec::new());
    }
    let version = rustup::version("LLVM version")?.context("rustc -vV names no LLVM")?;
    let major = version.split('.').next().unwrap_or_default();
    let found: Vec<_> = PROGRAMS
        .iter()
        .filter_map(|(program, variable)| Some((*variable, process::find(format!("{program}-{major}"))?)))
        .collect();
    if found.len() < PROGRAMS.len() {
        bail!(
            "llvm-cov and llvm-profdata {major} are missing: `rustup component add llvm-tools`, or your distribution's \
             (Debian: apt-get install llvm-{major}), or name them in LLVM_COV and LLVM_PROFDATA"
        );
    }
    Ok(found)
}

fn rustup_has_them() -> Result<bool> {
    let folder = PathBuf::from(rustup::rustc(&["--print", "target-libdir"])?).with_file_name("bin");
    Ok(PROGRAMS.iter().all(|(program, _)| {
        let program = folder.join(program);
        program.is_file() || program.with_extension("exe").is_file()
    }))
}

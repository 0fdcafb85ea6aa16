//! `tests/edge`: the hosts it runs on, and how much it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{cloudflare, fastly};
use crate::{process, setup};

/// Everything that the contract needs, built.
pub(crate) struct Contract {
    bridge: PathBuf,
    collector: PathBuf,
    /// Without it, Fastly's host is left out.
    viceroy: Option<PathBuf>,
}

impl Contract {
    /// Builds the workers; `built` has the other programs. Viceroy is used where it is, and built if `must_have_viceroy`.
    pub(crate) fn build(
        root: &Path,
        built: &BTreeMap<String, PathBuf>,
        must_have_viceroy: bool,
    ) -> Result<Self> {
        let viceroy = setup::viceroy(must_have_viceroy)?;
        println!("  {}", cloudflare::build(root)?);
        if viceroy.is_some() {
            setup::for_fastly(root)?;
            println!("  {}", fastly::build(root)?);
        }
        let named = |name: &str| built.get(name).cloned().with_context(|| format!("cargo named no {name}"));
        Ok(Self { bridge: named("headwater-bridge")?, collector: named("headwater-collector")?, viceroy })
    }

    /// The hosts that are here.
    fn hosts(&self) -> &'static str {
        if self.has_fastly() { "native,workerd,fastly" } else { "native,workerd" }
    }

    /// Whether Fastly's host is here.
    pub(crate) fn has_fastly(&self) -> bool {
        self.viceroy.is_some()
    }

    /// Starts the worker once by `wrangler dev`.
    pub(crate) fn wrangler(&self, root: &Path) -> Command {
        let mut command = Command::new("npm");
        command.args(["test", "--silent"]).current_dir(root.join("tests/edge/wrangler"));
        command.env("HEADWATER_BRIDGE_BIN", &self.bridge);
        command
    }

    /// Runs the suite.
    pub(crate) fn command(&self, root: &Path) -> Command {
        let mut command = Command::new("npm");
        command.args(["test", "--silent"]).current_dir(root.join("tests/edge"));
        command.envs(self.environment(root));
        command
    }

    /// Where its parts are.
    pub(crate) fn environment(&self, root: &Path) -> Vec<(&'static str, PathBuf)> {
        let mut parts = vec![
            ("HEADWATER_BRIDGE_BIN", self.bridge.clone()),
            ("HEADWATER_COLLECTOR_BIN", self.collector.clone()),
            ("HEADWATER_HOSTS", self.hosts().into()),
        ];
        if let Some(viceroy) = &self.viceroy {
            parts.push(("HEADWATER_VICEROY", viceroy.clone()));
            parts.push(("HEADWATER_FASTLY_WASM", fastly::program(root)));
        }
        parts
    }

    /// `3 hosts × 58 cases`, and how many of them do not apply.
    pub(crate) fn sum(&self, root: &Path) -> Result<String> {
        let mut command = Command::new("node");
        command.arg("cases/sum.mjs").current_dir(root.join("tests/edge"));
        process::capture(command.env("HEADWATER_HOSTS", self.hosts())).map(|sum| sum.trim().to_owned())
    }
}

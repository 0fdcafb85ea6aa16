//! The collector on its hosts.

use std::process::Command;

use headwater_rig::chain::Programs;

use super::Run;
use crate::edge::{self, Contract};
use crate::setup::browsers::Browser;
use crate::{outdated, process, setup, wasm};

impl Run<'_> {
    /// The contract on the native server and in workerd; in Viceroy where it was built, or if `all`, and then also the
    /// worker by `wrangler dev`.
    pub(super) fn edge(&mut self, all: bool) {
        let (root, programs) = (self.root, self.programs.clone());
        let built = self.steps.must("build the workers", || {
            setup::for_edge(root)?;
            Contract::build(root, &programs, all)
        });
        let Ok(contract) = built else { return };
        let step = contract.sum(root).unwrap_or_else(|_| "the contract of the edge".to_owned());
        self.command(&step, &mut contract.command(root));
        if contract.has_fastly() {
            self.command(
                "lints of the Fastly program",
                process::cargo(root)
                    .args(["clippy", "-p", "headwater-fastly", "--target", wasm::SYSTEM])
                    .args(["--", "-D", "warnings"]),
            );
        }
        if all && self.steps.must("set up wrangler", || setup::for_wrangler(root)).is_ok() {
            self.command("wrangler dev", &mut contract.wrangler(root));
        }
    }

    /// From a page in Chromium through the worker, the bridge and these brokers to the store.
    pub(super) fn page_to_number(&mut self, bootstrap: &str, programs: &Programs) {
        let root = self.root;
        let ready = self.steps.must("build the worker and @headwater/web", || {
            setup::for_edge(root)?;
            outdated::build_web(root)?;
            edge::worker(root)?;
            setup::for_chromium(root)
        });
        let Ok(chromium) = ready else { return };
        let mut command = Command::new("npm");
        command.args(["run", "--silent", "kafka"]).current_dir(root.join("tests/edge"));
        command.env(Browser::Chromium.variable(), chromium).env("HEADWATER_KAFKA", bootstrap);
        command.env("HEADWATER_BRIDGE_BIN", &programs.bridge).env("HEADWATER_BIN", &programs.headwater);
        self.command("from a page through workerd and Kafka", &mut command);
    }
}

//! The collector on its hosts.

use super::Run;
use crate::edge::Contract;
use crate::{process, setup, wasm};

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
}

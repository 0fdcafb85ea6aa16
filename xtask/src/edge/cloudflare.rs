//! The Cloudflare worker: rustc, the bindings by `headwater-glue`, then `edge-worker/cloudflare/tools/bundle.mjs`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::gzipped;
use crate::{process, wasm};

/// Builds it into `edge-worker/cloudflare/dist`; what it is in bytes.
pub(super) fn build(root: &Path) -> Result<String> {
    let mut command = process::cargo(root);
    command.args([
        "build",
        "-p",
        "headwater-cloudflare",
        "--lib",
        "--target",
        wasm::BROWSER,
        "--profile",
        "wasm",
    ]);
    let linked = wasm::linked(&mut command, "headwater_cloudflare")?;
    let folder = root.join("edge-worker/cloudflare");
    let (glue, dist) = (root.join("target/edge/cloudflare"), folder.join("dist"));
    for old in [&glue, &dist] {
        // What an earlier build left; there may be nothing.
        let _ = std::fs::remove_dir_all(old);
        std::fs::create_dir_all(old)?;
    }
    process::run(
        process::cargo(root).args(["run", "--quiet", "-p", "headwater-glue", "--"]).arg(linked).arg(&glue),
    )?;
    process::run(Command::new("node").arg(folder.join("tools/bundle.mjs")).arg(&glue).arg(&dist))?;
    let size = gzipped(&[&dist.join("worker.js"), &dist.join("worker.wasm")])?;
    Ok(format!("headwater-cloudflare: {size} bytes gzip, in {}", dist.display()))
}

//! What a visitor downloads, before the first durable event and after it. (`tests/e2e/scenarios/budget.test.mjs` keeps
//! it within the budgets.)

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Results;
use crate::process;

/// Node has both compressors at their highest setting, as a web server's build step would use them.
const SCRIPT: &str = "
const fs = require('fs'), zlib = require('zlib');
const brotli = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } };
const sizes = process.argv.slice(1).map((file) => {
  const bytes = fs.readFileSync(file);
  return [bytes.length, zlib.gzipSync(bytes, { level: 9 }).length, zlib.brotliCompressSync(bytes, brotli).length];
});
console.log(JSON.stringify(sizes));";

/// A part of the bundle: what it is, its files in `sdk-web/dist`, and the most it may weigh in brotli bytes.
const PARTS: [(&str, &[&str], u64); 3] = [
    ("script before the first durable event", &["headwater.js"], 4 * 1024),
    ("wasm and its glue, loaded after it", &["headwater.wasm", "core.js"], 12 * 1024),
    ("core as a script, where WebAssembly is refused", &["headwater.wasm.js"], 13 * 1024),
];

/// What [`sizes`] tells of.
pub(super) const KINDS: [&str; 3] = ["raw", "gzip", "brotli"];

/// Raw, gzip and brotli bytes of these files, each compressed by itself.
pub(super) fn sizes(files: &[impl AsRef<OsStr>]) -> Result<[u64; 3]> {
    let mut command = Command::new("node");
    command.args(["-e", SCRIPT]).args(files);
    let each: Vec<[u64; 3]> = serde_json::from_str(&process::capture(&mut command)?).context("sizes")?;
    Ok(each.iter().fold([0; 3], |sum, one| [sum[0] + one[0], sum[1] + one[1], sum[2] + one[2]]))
}

pub(super) fn measure(root: &Path, results: &mut Results) -> Result<()> {
    let folder = root.join("sdk-web/dist");
    for (what, files, budget) in PARTS {
        let files: Vec<_> = files.iter().map(|file| folder.join(file)).collect();
        for (kind, bytes) in KINDS.iter().zip(sizes(&files)?) {
            results.add(&format!("{what}, {kind}"), bytes, "B");
        }
        results.add(&format!("{what}, budget for brotli"), budget, "B");
    }
    Ok(())
}

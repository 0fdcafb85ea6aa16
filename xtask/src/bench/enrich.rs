//! What a verdict on a sender costs: the rows that `edge-worker/enrich/examples/bench.rs` prints, built in release.

use std::path::Path;

use anyhow::Result;

use super::{Results, core::add_rows};
use crate::process;

pub(super) fn measure(root: &Path, results: &mut Results) -> Result<()> {
    let mut bench = process::cargo(root);
    bench.args(["run", "--release", "--quiet", "-p", "headwater-enrich", "--example", "bench"]);
    add_rows(&process::capture(&mut bench)?, results)
}

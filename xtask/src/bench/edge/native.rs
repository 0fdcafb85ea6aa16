//! The native collector: the rows that `tests/bench-edge` prints, built in release.

use std::path::Path;

use anyhow::Result;

use crate::bench::{Results, core};
use crate::programs;
use crate::steps::Steps;

pub(super) fn measure(root: &Path, steps: &mut Steps, results: &mut Results) -> Result<()> {
    let name = "headwater-bench-edge";
    let program =
        steps.must("build headwater-bench-edge --release", || programs::release(root, name, name))?;
    steps.must("the collector's verbs, the native router", || core::measure(&program, results))
}

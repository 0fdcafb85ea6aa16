//! What the edge costs, platform by platform.

mod native;
mod workers;

use std::path::Path;

use anyhow::Result;

use super::Results;
use crate::steps::Steps;

pub(super) fn measure(root: &Path, steps: &mut Steps, results: &mut Results) -> Result<()> {
    native::measure(root, steps, results)?;
    workers::measure(root, steps, results)
}

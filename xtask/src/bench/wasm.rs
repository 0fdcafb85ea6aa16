//! The shipped wasm: its size, its largest functions, and the panics that were in it before the optimiser made traps of
//! them.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{Results, bundle};
use crate::wasm::{self, Module, panics};
use crate::web;

/// How many functions are shown.
const LARGEST: usize = 10;

pub(super) fn measure(root: &Path, results: &mut Results) -> Result<()> {
    let linked = web::compile(root)?;
    let folder = tempfile::tempdir()?;
    let shipped = folder.path().join("headwater.wasm");
    web::optimise(root, None, &linked, &shipped)?;
    for (kind, bytes) in bundle::KINDS.iter().zip(bundle::sizes(&[&shipped])?) {
        results.add(&format!("headwater.wasm, {kind}"), bytes, "B");
    }
    functions(&named(root, &linked, &shipped)?, results);
    remaining_panics(&Module::open(&linked)?, results);
    Ok(())
}

/// The shipped module with the names that it had before they were stripped.
fn named(root: &Path, linked: &Path, shipped: &Path) -> Result<Module> {
    let again = shipped.with_file_name("again.wasm");
    let said = web::optimise(root, Some(&root.join("xtask/src/bench/names.mjs")), linked, &again)?;
    if std::fs::read(&again)? != std::fs::read(shipped)? {
        bail!("headwater.wasm, made again, is another: its names say nothing about what is shipped");
    }
    let names: Vec<String> = serde_json::from_str(said.trim()).context("names of the functions")?;
    let mut module = Module::open(&again)?;
    if names.len() != module.functions.len() {
        bail!("{} names for {} functions", names.len(), module.functions.len());
    }
    for (function, name) in module.functions.iter_mut().zip(names) {
        function.name = wasm::readable(&name);
    }
    Ok(module)
}

fn functions(module: &Module, results: &mut Results) {
    let mut by_size: Vec<_> = module.functions.iter().collect();
    by_size.sort_by(|one, two| two.size.cmp(&one.size).then_with(|| one.name.cmp(&two.name)));
    let all: usize = by_size.iter().map(|function| function.size).sum();
    results.add("headwater.wasm, functions", by_size.len(), "");
    results.add("headwater.wasm, code", all, "B");
    for function in by_size.iter().take(LARGEST) {
        results.add(&format!("headwater.wasm, {}", function.name), function.size, "B");
    }
    let traps: u64 = by_size.iter().map(|function| function.traps).sum();
    results.add("headwater.wasm, trap instructions", traps, "");
}

/// Of the module as it was linked: the shipped one has traps in their place.
fn remaining_panics(linked: &Module, results: &mut Results) {
    let paths = panics::paths(linked);
    results.add(
        "calls into a panic in the linked wasm",
        paths.iter().map(|path| path.calls).sum::<usize>(),
        "",
    );
    results.list(
        "calls into a panic in the linked wasm; a trap in the shipped one",
        paths.iter().map(ToString::to_string).collect(),
    );
}

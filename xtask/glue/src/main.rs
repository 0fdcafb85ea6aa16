//! `headwater-glue LINKED.wasm FOLDER`: the wasm with its bindings, as a module that instantiates it, and does
//! so again after a panic.

use std::{env, path::Path};

use anyhow::{Context as _, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [linked, folder] = &arguments[..] else { bail!("headwater-glue LINKED.wasm FOLDER") };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(linked).out_name("worker").typescript(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen.module(true)?;
    bindgen.generate(Path::new(folder)).context("wasm-bindgen")
}

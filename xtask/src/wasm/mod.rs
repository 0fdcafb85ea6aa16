//! What is in a WebAssembly module: what it needs, what it gives, and its functions by name.

pub(crate) mod border;
pub(crate) mod panics;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use wasmparser::{ExternalKind, KnownCustom, Name, Operator, Parser, Payload, TypeRef};

/// What browsers and workers of their kind run.
pub(crate) const BROWSER: &str = "wasm32-unknown-unknown";

/// What runs on the system's interface of WebAssembly.
pub(crate) const SYSTEM: &str = "wasm32-wasip1";

/// Runs a `cargo build`; the linked module of target `name`.
pub(crate) fn linked(build: &mut Command, name: &str) -> Result<PathBuf> {
    build.arg("--message-format=json-render-diagnostics");
    let output = build.stderr(Stdio::inherit()).output().context("cargo build does not start")?;
    if !output.status.success() {
        bail!("cargo build of {name}: {}", output.status);
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .filter_map(|message| {
            let files = message["filenames"].as_array()?;
            files
                .iter()
                .filter_map(Value::as_str)
                .map(PathBuf::from)
                .find(|file| file.extension().is_some_and(|end| end == "wasm"))
        })
        .next_back()
        .with_context(|| format!("cargo build left no wasm of {name}"))
}

/// A module, read.
#[derive(Default)]
pub(crate) struct Module {
    /// `kind module.name`
    pub(crate) imports: Vec<String>,
    /// `kind name`
    pub(crate) exports: Vec<String>,
    /// All that have a body, in their order.
    pub(crate) functions: Vec<Function>,
    /// How many functions are imported: the index of the first with a body.
    imported: usize,
}

/// A function with a body.
#[derive(Default)]
pub(crate) struct Function {
    /// As a person writes it, if the module has names, else `function 7`.
    pub(crate) name: String,
    /// Bytes of its body.
    pub(crate) size: usize,
    /// What it calls directly, in order.
    calls: Vec<Call>,
    /// `unreachable` instructions.
    pub(crate) traps: u64,
}

struct Call {
    /// The function's index in the module.
    to: usize,
    /// The compiler knows that it does not return: what follows is `unreachable`.
    is_last: bool,
}

impl Module {
    pub(crate) fn open(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        Self::read(&bytes).with_context(|| file.display().to_string())
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let mut module = Self::default();
        let mut names = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        let kind = imported_kind(import.ty);
                        module.imported += usize::from(kind == FUNCTION);
                        module.imports.push(format!("{kind} {}.{}", import.module, import.name));
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        module.exports.push(format!("{} {}", exported_kind(export.kind), export.name));
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let mut function = Function { size: body.as_bytes().len(), ..Function::default() };
                    let mut after_call = false;
                    for operator in body.get_operators_reader()? {
                        function.take(&operator?, &mut after_call);
                    }
                    module.functions.push(function);
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(sections) = section.as_known() {
                        names.extend(function_names(sections)?);
                    }
                }
                _ => {}
            }
        }
        for (at, function) in module.functions.iter_mut().enumerate() {
            let index = module.imported + at;
            let name = names.iter().find(|(of, _)| *of == index);
            function.name = name.map_or_else(|| format!("function {index}"), |(_, name)| readable(name));
        }
        Ok(module)
    }

    /// The function of this index, unless it is imported.
    fn function(&self, index: usize) -> Option<&Function> {
        self.functions.get(index.checked_sub(self.imported)?)
    }
}

impl Function {
    /// Takes in the next instruction; `after_call` says whether the one before was a call, and is moved on.
    fn take(&mut self, operator: &Operator<'_>, after_call: &mut bool) {
        if let Operator::Unreachable = operator {
            self.traps += 1;
            if let Some(call) = self.calls.last_mut().filter(|_| *after_call) {
                call.is_last = true;
            }
        }
        *after_call = false;
        if let Operator::Call { function_index } = *operator {
            self.calls.push(Call { to: function_index as usize, is_last: false });
            *after_call = true;
        }
    }
}

const FUNCTION: &str = "function";

const fn imported_kind(kind: TypeRef) -> &'static str {
    match kind {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => FUNCTION,
        TypeRef::Global(_) => "global",
        TypeRef::Memory(_) => "memory",
        TypeRef::Table(_) => "table",
        TypeRef::Tag(_) => "tag",
    }
}

const fn exported_kind(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => FUNCTION,
        ExternalKind::Global => "global",
        ExternalKind::Memory => "memory",
        ExternalKind::Table => "table",
        ExternalKind::Tag => "tag",
    }
}

fn function_names(sections: wasmparser::NameSectionReader<'_>) -> Result<Vec<(usize, String)>> {
    let mut names = Vec::new();
    for section in sections {
        if let Name::Function(map) = section? {
            for naming in map {
                let naming = naming?;
                names.push((naming.index as usize, naming.name.to_owned()));
            }
        }
    }
    Ok(names)
}

/// Rust's name without the hash that tells copies apart.
pub(crate) fn readable(name: &str) -> String {
    let name = format!("{:#}", rustc_demangle::demangle(name));
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|c| c.is_ascii_hexdigit()) => {
            path.to_owned()
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::{Module, readable};

    #[test]
    fn names_are_found_by_index_behind_the_imports() {
        let text = "(module (import \"page\" \"now\" (func $now)) (func $first) (func $second call $now))";
        let module = Module::read(&wat::parse_str(text).expect("wasm")).expect("a module");
        let names: Vec<_> = module.functions.iter().map(|function| &function.name).collect();
        assert_eq!(names, ["first", "second"]);
        assert!(module.function(0).is_none() && module.function(2).is_some_and(|f| f.name == "second"));
    }

    #[test]
    fn bytes_that_are_no_module_are_refused() {
        assert!(Module::read(b"<!doctype html>").is_err());
    }

    #[test]
    fn a_name_loses_its_hash_and_nothing_else() {
        assert_eq!(readable("core::option::expect_failed::h0123456789abcdef"), "core::option::expect_failed");
        assert_eq!(readable("memory::here"), "memory::here");
        assert_eq!(readable("_ZN4core9panicking5panic17h0123456789abcdefE"), "core::panicking::panic");
    }
}

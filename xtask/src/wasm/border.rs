//! The border of the shipped wasm: all that it needs from the page, and all that it gives to it.

use std::path::Path;

use anyhow::{Result, bail};

use super::Module;
use crate::steps::Count;

/// The core reads no clock, draws no randomness and does no I/O, so there is nothing to ask a page for.
const IMPORTS: [&str; 0] = [];

/// What `sdk-web/src/exports.rs` defines and `sdk-web/ts/wasm.ts` calls, and the memory that both read.
const EXPORTS: [&str; 6] = [
    "function done",
    "function input",
    "function poll",
    "function request",
    "function start",
    "memory memory",
];

/// Checks `sdk-web/dist/headwater.wasm`; each import and export is a check.
pub(crate) fn check(root: &Path) -> Result<Count> {
    let module = Module::open(&root.join("sdk-web/dist/headwater.wasm"))?;
    compare(&module, &IMPORTS, &EXPORTS)
}

fn compare(module: &Module, imports: &[&str], exports: &[&str]) -> Result<Count> {
    let mut faults = strangers("imports", &module.imports, imports);
    faults.extend(strangers("exports", &module.exports, exports));
    let missing = exports.iter().filter(|name| !module.exports.iter().any(|there| there == *name));
    faults.extend(missing.map(|name| format!("does not export {name}")));
    if !faults.is_empty() {
        bail!("headwater.wasm {}", faults.join(", "));
    }
    Ok(Count { passed: (module.exports.len() + 1) as u64, failed: 0 })
}

fn strangers(verb: &str, there: &[String], allowed: &[&str]) -> Vec<String> {
    let strange = there.iter().filter(|name| !allowed.contains(&name.as_str()));
    strange.map(|name| format!("{verb} {name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Module, compare};

    const MODULE: &str = r#"(module
        (import "page" "now" (func))
        (memory (export "memory") 1)
        (global (export "__heap_base") i32 (i32.const 0))
        (func (export "poll")))"#;

    fn fault(imports: &[&str], exports: &[&str]) -> Option<String> {
        let module = Module::read(&wat::parse_str(MODULE).expect("wasm")).expect("a module");
        compare(&module, imports, exports).err().map(|error| error.to_string())
    }

    const NEEDS: [&str; 1] = ["function page.now"];
    const GIVES: [&str; 3] = ["memory memory", "function poll", "global __heap_base"];

    #[test]
    fn what_is_allowed_passes_in_any_order() {
        assert_eq!(fault(&NEEDS, &GIVES), None);
        assert_eq!(
            fault(&["function page.now", "function page.then"], &GIVES),
            None,
            "what is allowed may be absent"
        );
    }

    #[test]
    fn an_import_that_is_not_allowed_is_named() {
        assert_eq!(fault(&[], &GIVES), Some("headwater.wasm imports function page.now".to_owned()));
    }

    #[test]
    fn an_export_too_many_too_few_or_of_another_kind_is_named() {
        let fault = |exports: &[&str]| fault(&NEEDS, exports).unwrap_or_default();
        assert_eq!(fault(&GIVES[..2]), "headwater.wasm exports global __heap_base");
        assert_eq!(
            fault(&[&GIVES[..], &["function done"]].concat()),
            "headwater.wasm does not export function done"
        );
        assert_eq!(
            fault(&["memory memory", "global poll", "global __heap_base"]),
            "headwater.wasm exports function poll, does not export global poll"
        );
    }
}

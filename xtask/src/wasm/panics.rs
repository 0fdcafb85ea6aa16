//! The panics that a linked module still contains, by the calls that lead to them.
//!
//! No list of names is needed: after a call that never returns the compiler writes `unreachable`, and a function that is
//! called so once is one of those that never return.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Function, Module};

/// A function that may panic, what it calls to do so, from how many places, and who calls it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Path {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) calls: usize,
    pub(crate) callers: Vec<String>,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, calls, callers } = self;
        write!(f, "{from} → {to} ×{calls}")?;
        if callers.is_empty() { Ok(()) } else { write!(f, "; called by {}", callers.join(", ")) }
    }
}

/// Every call that does not return, of functions that may. Functions of one name (a generic one's) are one.
pub(crate) fn paths(module: &Module) -> Vec<Path> {
    let last = |function: &Function| -> Vec<usize> {
        function.calls.iter().filter(|call| call.is_last).map(|call| call.to).collect()
    };
    let never: BTreeSet<usize> = module.functions.iter().flat_map(last).collect();
    let mut found: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (at, function) in module.functions.iter().enumerate() {
        if !never.contains(&(module.imported + at)) {
            for to in last(function) {
                *found.entry((&function.name, name(module, to))).or_default() += 1;
            }
        }
    }
    let path = |((from, to), calls): ((&str, &str), usize)| Path {
        from: from.to_owned(),
        to: to.to_owned(),
        calls,
        callers: callers(module, from),
    };
    found.into_iter().map(path).collect()
}

/// Who calls a function of this name directly, by name.
fn callers(module: &Module, of: &str) -> Vec<String> {
    let calls = |function: &&Function| function.calls.iter().any(|call| name(module, call.to) == of);
    let names: BTreeSet<_> = module.functions.iter().filter(calls).map(|function| &function.name).collect();
    names.into_iter().filter(|name| *name != of).cloned().collect()
}

fn name(module: &Module, index: usize) -> &str {
    module.function(index).map_or("an import", |function| &function.name)
}

#[cfg(test)]
mod tests {
    use super::paths;
    use crate::wasm::Module;

    #[test]
    fn calls_that_do_not_return_are_found_and_the_machinery_behind_them_is_not() {
        let text = r"(module
            (func $print)
            (func $panic_fmt call $print (loop (br 0)))
            (func $index_failed call $panic_fmt unreachable)
            (func $handle (param i32)
                call $print
                (block (br_if 0 (local.get 0)) call $index_failed unreachable)
                (block (br_if 0 (local.get 0)) call $index_failed unreachable))
            (func $appended (call $handle (i32.const 0)))
            (func $answered (call $handle (i32.const 1)))
            (func $fine call $print)
            (func $trap unreachable))";
        let module = Module::read(&wat::parse_str(text).expect("wasm")).expect("a module");
        let shown: Vec<_> = paths(&module).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["handle → index_failed ×2; called by answered, appended"]);
        assert_eq!(module.functions.iter().map(|function| function.traps).sum::<u64>(), 4);
    }
}

/**
 * node tools/optimise.mjs LINKED.wasm SMALL.wasm
 *
 * What `panic = "immediate-abort"` will do once it is stable, and then wasm-opt: a panic is a trap, and whatever
 * would put its message together is not there. A call that cannot return becomes one byte, and the formatting
 * code, which nothing else uses, goes. Names are Rust's, so this runs before they are stripped.
 */
import { readFileSync, writeFileSync } from 'node:fs';

import binaryen from 'binaryen';

/** Functions of `core` and `alloc` that never return, and those that only they call: nothing else writes text. */
const NEVER = /9panicking|panic_|_failed$|_fail$|_fail_rt$|handle_error|handle_alloc_error|capacity_overflow|begin_unwind/;
const FORMATTING = /3fmt|core\.\.fmt/;

/** What rustc uses for this target. With all features, browsers would refuse the file. */
const FEATURES = ['BulkMemory', 'BulkMemoryOpt', 'Multivalue', 'MutableGlobals', 'NontrappingFPToInt', 'ReferenceTypes', 'SignExt'];

/**
 * What only panics read, and they read no more: paths of source files, messages, the table of two-digit numbers. Data
 * stays where the linker put it, but zeros compress to nothing.
 */
const MESSAGES =
  /\/rustc\/[\w/.-]+?\.rs|(?:sdk|lol_alloc|spin)[\w/.-]*?\/src\/[\w/.-]+?\.rs|memory allocation of | bytes failed|capacity overflow|removal index \(is |\) should be < len \(is |index out of bounds: the len is | but the index is |0001020304(?:\d\d){95}/g;
const silent = (wasm) =>
  Buffer.from(wasm.toString('latin1').replace(MESSAGES, (text) => '\0'.repeat(text.length)), 'latin1');

const [from, to] = process.argv.slice(2);
const module = binaryen.readBinary(silent(readFileSync(from)));
module.setFeatures(FEATURES.reduce((all, name) => all | binaryen.Features[name], 0));

let cut = 0;
for (let n = 0; n < module.getNumFunctions(); n++) {
  const reference = module.getFunctionByIndex(n);
  const { name, module: imported } = binaryen.getFunctionInfo(reference);
  if (imported) throw Error(`the wasm must need nothing from the page, and imports ${name}`);
  // Nothing of ours, whatever it is called.
  if (name.includes('headwater') || !(NEVER.test(name) || FORMATTING.test(name))) continue;
  new binaryen.Function(reference).body = module.unreachable();
  cut++;
}
// Where its data end and its heap begins, which rustc exports of every module for this target.
for (const name of ['__data_end', '__heap_base']) module.removeExport(name);
if (!cut) throw Error('no panic was found: the names of the module are missing, or have changed');

binaryen.setOptimizeLevel(2);
// Level 2 makes the file smaller and its brotli larger.
binaryen.setShrinkLevel(1);
// What is called from one place only, unless it is large: then brotli finds less in it that is like something near.
binaryen.setOneCallerInlineMaxSize(300);
// Rust places its stack below its data, so nothing has an address below 1024.
binaryen.setLowMemoryUnused(true);
for (let size = Infinity; ; ) {
  module.optimize();
  const now = module.emitBinary().length;
  if (now >= size) break;
  size = now;
}
module.runPasses(['reorder-functions', 'strip-debug', 'strip-producers', 'strip-target-features']);
if (!module.validate()) throw Error('the module is not valid');
writeFileSync(to, module.emitBinary());

/**
 * node tools/convert.mjs SMALL.wasm SCRIPT.js
 *
 * Writes the wasm as a script, for pages that may not run WebAssembly: a module whose `make()` returns what an instance
 * exports, with a memory of its own. It needs nothing from the page either.
 */
import { readFileSync, writeFileSync } from 'node:fs';

import binaryen from 'binaryen';
import { minify } from 'terser';

/** What `tools/optimise.mjs` left in the file and no longer says. */
const FEATURES = ['BulkMemory', 'BulkMemoryOpt', 'MutableGlobals', 'NontrappingFPToInt', 'SignExt'];

/** What has no counterpart in a script becomes simpler instructions. */
const LOWERINGS = ['llvm-nontrapping-fptoint-lowering', 'llvm-memory-copy-fill-lowering', 'signext-lowering'];

const [from, to] = process.argv.slice(2);
const module = binaryen.readBinary(readFileSync(from));
module.setFeatures(FEATURES.reduce((all, name) => all | binaryen.Features[name], 0));
binaryen.setOptimizeLevel(2);
binaryen.setShrinkLevel(1);
// As there: the stack is below the data.
binaryen.setLowMemoryUnused(true);
module.runPasses(LOWERINGS);
module.optimize();
const script = module.emitAsmjs();

// The converter's text ends by making one instance, whose exports it exports by name.
const end = script.search(/^var retasmFunc\b/m);
if (end < 0) throw Error('wasm2js writes another text than this tool knows');
const { code } = await minify(`${script.slice(0, end)}export const make = () => asmFunc();`, {
  module: true,
  toplevel: true,
  ecma: 2020,
  // Views and functions of `Math` that nothing uses go; what makes the file smaller by commas makes its brotli larger.
  compress: { passes: 2, pure_getters: true, pure_new: true, reduce_vars: false, sequences: false },
});
writeFileSync(to, code);

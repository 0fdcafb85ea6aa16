/** node tools/strip.mjs LINKED.wasm SMALL.wasm: optimised for size, without the names of its functions. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

// The packages that build the npm package build this too.
const require = createRequire(new URL('../../../sdk-web/package.json', import.meta.url));
const { default: binaryen } = await import(require.resolve('binaryen'));

/** What rustc uses for this target. */
const FEATURES = ['BulkMemory', 'BulkMemoryOpt', 'Multivalue', 'MutableGlobals', 'NontrappingFPToInt', 'ReferenceTypes', 'SignExt'];

const [from, to] = process.argv.slice(2);
const wasm = binaryen.readBinary(readFileSync(from));
wasm.setFeatures(FEATURES.reduce((all, name) => all | binaryen.Features[name], 0));
binaryen.setOptimizeLevel(2);
binaryen.setShrinkLevel(2);
wasm.optimize();
wasm.runPasses(['strip-debug', 'strip-producers', 'strip-target-features']);
writeFileSync(to, wasm.emitBinary());

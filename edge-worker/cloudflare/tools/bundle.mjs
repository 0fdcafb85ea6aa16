/**
 * node tools/bundle.mjs GLUE DIST
 *
 * Makes of what wasm-bindgen wrote the two modules that Cloudflare runs: worker.js and worker.wasm.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

// The packages that build the npm package build this too.
const require = createRequire(new URL('../../../sdk-web/package.json', import.meta.url));
const esbuild = require('esbuild');
const { default: binaryen } = await import(require.resolve('binaryen'));

/** What rustc uses for this target. */
const FEATURES = ['BulkMemory', 'BulkMemoryOpt', 'Multivalue', 'MutableGlobals', 'NontrappingFPToInt', 'ReferenceTypes', 'SignExt'];

const [glue, dist] = process.argv.slice(2).map((folder) => path.resolve(folder));
mkdirSync(dist, { recursive: true });

const linked = readFileSync(path.join(glue, 'worker_bg.wasm'));
const wasm = binaryen.readBinary(linked);
wasm.setFeatures(FEATURES.reduce((all, name) => all | binaryen.Features[name], 0));
binaryen.setOptimizeLevel(2);
binaryen.setShrinkLevel(2);
wasm.optimize();
wasm.runPasses(['strip-debug', 'strip-producers', 'strip-target-features']);
writeFileSync(path.join(dist, 'worker.wasm'), wasm.emitBinary());

// What a proposal of the language calls a source, Cloudflare gives by an ordinary import of a .wasm.
const bindings = path.join(glue, 'worker.js');
const written = readFileSync(bindings, 'utf8');
const ours = written.replace(/^import source (\w+) from "\.\/worker_bg\.wasm";$/m, "import $1 from './worker.wasm';");
if (ours === written) throw Error(`${bindings} does not import its wasm as it used to`);
writeFileSync(bindings, ours);

const entry = "import { Shard, fetch } from './worker.js'; export { Shard }; export default { fetch };";

await esbuild.build({
  stdin: { contents: entry, resolveDir: glue },
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  external: ['*.wasm', 'cloudflare:*'],
  outfile: path.join(dist, 'worker.js'),
  logLevel: 'warning',
});

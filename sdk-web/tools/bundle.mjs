/**
 * node tools/bundle.mjs
 *
 * Makes the scripts of `dist`. They are bundled apart and share objects, so one table shortens the names of all.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { minify } from 'terser';

import { shortNames } from './names.mjs';

const FOLDER = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(path.join(FOLDER, 'package.json')));

/** By file of `dist`: its source, whether it is a classic script (else a module), and whether it asks for WebAssembly. */
const BUNDLES = {
  'headwater.js': ['index.ts', false, true],
  'headwater.nowasm.js': ['index.ts', false, false],
  'headwater.iife.js': ['classic.ts', true, true],
  'headwater.nowasm.iife.js': ['classic.ts', true, false],
  'core.js': ['core.ts', false],
  'debug.js': ['debug.ts', false],
};

const short = shortNames(FOLDER);

for (const [file, [source, classic, wasm]] of Object.entries(BUNDLES)) {
  const { outputFiles, warnings } = await build({
    absWorkingDir: FOLDER,
    entryPoints: [path.join('ts', source)],
    bundle: true,
    write: false,
    minifySyntax: true,
    target: 'es2020',
    format: classic ? 'iife' : 'esm',
    define: { IIFE: `${classic}`, WASM: `${wasm}`, VERSION: JSON.stringify(version) },
    external: ['./core.js', './debug.js', './headwater.wasm.js'],
    legalComments: 'none',
    logLevel: 'warning',
    // A classic script asks the document for its address: the branch that asks `import.meta` is cut away.
    logOverride: { 'empty-import-meta': 'silent' },
    mangleProps: new RegExp(`^(${Object.keys(short).join('|')})$`),
    mangleCache: short,
  });
  if (warnings.length) throw Error(`${file}: ${warnings.length} warnings`);
  const { code } = await minify(outputFiles[0].text, {
    module: !classic,
    toplevel: true,
    ecma: 2020,
    // What makes the file smaller by commas and by copies makes its brotli larger.
    compress: { passes: 3, unsafe_arrows: true, sequences: false, inline: 1 },
  });
  writeFileSync(path.join(FOLDER, 'dist', file), code);
}

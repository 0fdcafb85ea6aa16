/** The core as a script, which `tools/convert.mjs` makes of the wasm. */

import type { Exports } from './wasm';

/** What an instance exports, with a memory of its own. */
export const make: () => Exports;

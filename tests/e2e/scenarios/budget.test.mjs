/** The bytes a visitor pays, as brotli at its best would serve them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, constants } from 'node:zlib';

import { DIST } from '../harness/site.mjs';

/** The brotli bytes of a file, which are said beside the raw ones. */
const brotli = (name, test) => {
  const bytes = readFileSync(path.join(DIST, name));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const { length } = brotliCompressSync(bytes, { params });
  test.diagnostic(`${name}: ${bytes.length} bytes, ${length} in brotli`);
  return length;
};

for (const script of ['headwater.js', 'headwater.iife.js', 'headwater.nowasm.js', 'headwater.nowasm.iife.js']) {
  test(`${script}, all that runs before the first durable event, is at most 4 KB`, (test) =>
    assert.ok(brotli(script, test) <= 4_096));
}

test('the wasm and its glue are at most 12 KB', (test) =>
  assert.ok(brotli('core.js', test) + brotli('headwater.wasm', test) <= 12_288));

test('the core as a script, which comes in place of the wasm, is at most 13 KB', (test) =>
  assert.ok(brotli('headwater.wasm.js', test) <= 13_312));

/** The bytes a visitor pays, as brotli at its best would serve them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, constants } from 'node:zlib';

import { DIST } from '../harness/site.mjs';

const brotli = (name) => {
  const bytes = readFileSync(path.join(DIST, name));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return brotliCompressSync(bytes, { params }).length;
};

for (const script of ['headwater.js', 'headwater.iife.js']) {
  test(`${script}, all that runs before the first durable event, is at most 4 KB`, () => {
    assert.ok(brotli(script) <= 4_096, `${brotli(script)} bytes`);
  });
}

test('the wasm and its glue are at most 12 KB', () => {
  const sizes = [brotli('core.js'), brotli('headwater.wasm')];
  assert.ok(sizes[0] + sizes[1] <= 12_288, `${sizes.join(' + ')} bytes`);
});

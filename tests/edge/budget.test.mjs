/** What Cloudflare is sent, exactly. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { DIST } from './hosts/workerd.mjs';

/** Bytes, packed. */
const BUDGET = 275_000;

test('the worker with everything in it is within its budget', () => {
  const packed = ['worker.js', 'worker.wasm'].map((file) => gzipSync(readFileSync(path.join(DIST, file)), { level: 9 }).length);
  const sum = packed.reduce((a, b) => a + b);
  assert.ok(sum <= BUDGET, `${sum} bytes gzip, more than ${BUDGET}`);
  console.log(`worker: ${sum} of ${BUDGET} bytes gzip`);
});

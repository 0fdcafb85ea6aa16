/** Comparing what is with what is expected of it. */
import assert from 'node:assert/strict';

/**
 * `expected` is a part of `actual`: of an object each field that it names (`undefined`: absent or null), of a list all
 * items in order, of a text the whole or a pattern.
 */
export const isLike = (actual, expected, path) => {
  if (expected instanceof RegExp) return assert.match(String(actual), expected, path);
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), `${path} is ${JSON.stringify(actual)}`);
    assert.equal(actual.length, expected.length, `${path}: ${JSON.stringify(actual).slice(0, 600)}`);
    return expected.forEach((item, at) => isLike(actual[at], item, `${path}[${at}]`));
  }
  if (expected !== null && typeof expected === 'object') {
    for (const [name, value] of Object.entries(expected)) {
      if (value === undefined) assert.equal(actual?.[name] ?? undefined, undefined, `${path}.${name}`);
      else isLike(actual?.[name], value, `${path}.${name}`);
    }
    return undefined;
  }
  return assert.deepEqual(actual, expected, path);
};

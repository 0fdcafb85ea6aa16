/** Which names the bundles may shorten: a wrong one would be a property that nobody has. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { shortNames } from '../tools/names.mjs';

/** The names that are shortened where `types.ts` and another file of the shell are these. */
const shortened = (types, other) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'names-'));
  try {
    mkdirSync(path.join(folder, 'ts'));
    writeFileSync(path.join(folder, 'tsconfig.json'), '{"compilerOptions":{"strict":true,"types":[]},"include":["ts"]}');
    writeFileSync(path.join(folder, 'ts/types.ts'), types);
    writeFileSync(path.join(folder, 'ts/other.ts'), `import type { Page } from './types';\n${other}`);
    return shortNames(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const PAGE = 'export interface Page { read(key: string): string; size: number; next?: Page }';

const kept = (other, name) =>
  assert.deepEqual(Object.keys(shortened(PAGE, other)).includes(name), false, `${name} in: ${other}`);

test('what types.ts declares is shortened wherever it is used, destructured or made', () => {
  const uses = `
    export const make = (size: number): Page => ({ read: (key) => key, size });
    export const part = { read: (key: string) => key } satisfies Partial<Page>;
    export const use = ({ read, size: all, next }: Page) => read('a') + all + next?.size;
    export const change = (page: Page) => { ({ size: page.size } = page.next!); };`;
  assert.deepEqual(Object.keys(shortened(PAGE, uses)).sort(), ['next', 'read', 'size']);
});

test('a name that is also somebody else’s keeps its spelling', () => {
  kept('export const size = (page: Page) => page.size + new Map().size;', 'size');
  kept('export const size = (page: Page, { size }: Map<string, string>) => page.size + size;', 'size');
  kept('export const text = (page: Page, size: number) => JSON.stringify({ size });', 'size');
  kept('export const text = (page: Page) => JSON.stringify({ read: page.size });', 'read');
  kept('export class Reader { read() {} }', 'read');
  kept('interface Options { size: number }\nexport const init = (page: Page, o: Options) => (page.size = o.size);', 'size');
  kept('export const size = (page: Page, other: any) => page.size + other.size;', 'size');
});

test('a name that is quoted keeps its spelling', () => {
  kept('export const size = (page: Page) => page["size"];', 'size');
  kept('export const has = (page: Page) => "next" in page;', 'next');
});

test('a short name is nobody else’s', () => {
  const all = Object.values(shortened(PAGE, 'export const e = (page: Page, other: { e: 1; t: 2 }) => other.e + other.t;'));
  assert.equal(new Set(all).size, 3);
  assert.ok(!all.includes('e') && !all.includes('t'), `${all}`);
});

test('of the shell itself, nothing that a page, a server or the core knows by name', () => {
  const short = shortNames(path.join(path.dirname(fileURLToPath(import.meta.url)), '..'));
  assert.ok(short.bodies && short.current && short.tell, 'its state is shortened');
  const known =
    'site endpoint consent whileUnknown storage appVersion wasm set setOnce set_once increment revenue currency ' +
    'stream client_id user_id context no_storage settings erase keys memory start input poll request done';
  for (const name of known.split(' ')) assert.ok(!(name in short), name);
});

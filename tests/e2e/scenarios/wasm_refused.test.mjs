/** Pages whose Content-Security-Policy has no 'wasm-unsafe-eval'. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { cold, events, isCold, isLog, tapUntilFull } from '../harness/cold.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { withoutIndexedDb } from '../harness/without_indexed_db.mjs';
import { startWorld } from '../harness/world.mjs';

const { version } = JSON.parse(readFileSync(new URL('../../../sdk-web/package.json', import.meta.url)));

const POLICY = "script-src 'self' 'unsafe-inline'";

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

/** A visitor of a site with this policy, and the files of the package that their browser asks for. */
const underPolicy = async (policy = POLICY) => {
  const visitor = await world.visitor();
  world.site.policy = policy;
  visitor.files = [];
  visitor.context.on('request', (request) => {
    const [, file] = /\/sdk\/(.*)/.exec(request.url()) ?? [];
    if (file) visitor.files.push(file);
  });
  await visitor.context.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', ({ blockedURI }) => window.violations.push(blockedURI));
  });
  return visitor;
};

const violations = (page) => page.evaluate(() => window.violations);

const core = (page) => until('the core', () => page.evaluate(() => headwater.inspect().core));

const remembered = async (visitor, page) => (await visitor.journal(page)).wasm;

test('where WebAssembly is refused events are counted once, and only the first page sees a violation', async () => {
  const visitor = await underPolicy();
  const page = await visitor.open();
  await tap(page, 3);
  await visitor.settled(3);
  assert.deepEqual(await violations(page), ['wasm-eval']);
  assert.equal(await remembered(visitor, page), version);
  await visitor.load(page);
  await tap(page, 2);
  await visitor.settled(5);
  const other = await visitor.open({}, { path: '/classic' });
  await tap(other, 2);
  await visitor.settled(7);
  for (const seen of [page, other]) assert.deepEqual(await violations(seen), []);
  assert.ok(!visitor.files.includes('headwater.wasm'), `${visitor.files}`);
  assert.equal(visitor.files.filter((file) => file === 'headwater.wasm.js').length, 3);
  assert.deepEqual(visitor.errors, []);
});

test('another version of the package asks once more', async () => {
  const visitor = await underPolicy();
  const page = await visitor.open();
  await core(page);
  await page.evaluate((key) => localStorage.setItem(key, '0.0.1'), `hw1:${visitor.key}:wasm`);
  await visitor.load(page);
  await core(page);
  assert.deepEqual(await violations(page), ['wasm-eval']);
  assert.equal(await remembered(visitor, page), version);
});

test('where it is allowed nothing is remembered, and the core is never brought as a script', async () => {
  const visitor = await underPolicy(`${POLICY} 'wasm-unsafe-eval'`);
  const page = await visitor.open();
  await tap(page, 1);
  await visitor.settled(1);
  assert.deepEqual([await violations(page), await remembered(visitor, page)], [[], undefined]);
  assert.ok(visitor.files.includes('headwater.wasm'));
  assert.ok(!visitor.files.includes('headwater.wasm.js'));
});

test('a page that stores nothing asks once, and is counted', async () => {
  const visitor = await underPolicy();
  const page = await visitor.open({ storage: 'none' });
  await tap(page, 2);
  await visitor.counted(2);
  assert.deepEqual(await violations(page), ['wasm-eval']);
  assert.deepEqual(await visitor.journal(page), {});
});

test('a wasm that does not arrive is no refusal: nothing else is downloaded, and it is tried again', async () => {
  const visitor = await underPolicy('');
  const wasm = '**/headwater.wasm';
  let failed = 0;
  await visitor.context.route(wasm, (route) => (failed++ ? route.fulfill({ status: 503 }) : route.abort()));
  const page = await visitor.open();
  await tap(page, 2);
  await until('a failed download', () => failed === 1);
  await until('another', async () => {
    await page.evaluate(() => headwater.flush());
    return failed > 1;
  });
  assert.equal(await remembered(visitor, page), undefined);
  await visitor.context.unroute(wasm);
  await until('the core', async () => {
    await page.evaluate(() => headwater.flush());
    return (await page.evaluate(() => headwater.inspect())).core;
  });
  await visitor.settled(2);
  assert.ok(!visitor.files.includes('headwater.wasm.js'), `${visitor.files}`);
});

test('a denial where nothing was remembered purges, and remembers nothing', async () => {
  const visitor = await underPolicy('');
  world.proxy.fault = () => 'offline';
  const page = await visitor.open();
  await tap(page, 3);
  await isCold(visitor, page, 3);
  await page.close();
  world.site.policy = POLICY;
  const denier = await visitor.open({ consent: 'unknown' });
  await denier.evaluate(() => headwater.consent('denied'));
  world.proxy.fault = () => undefined;
  await visitor.settled(3, { consent: 3 });
  assert.deepEqual(await violations(denier), ['wasm-eval']);
  assert.equal(await remembered(visitor, denier), undefined);
});

test('a page that is left before the core is there is counted once', async () => {
  const visitor = await underPolicy();
  const script = '**/headwater.wasm.js';
  await visitor.context.route(script, () => {});
  const page = await visitor.open({ auto: 3 });
  await page.goto(`${world.site.address}/other`);
  await visitor.counted(3);
  await visitor.context.unroute(script);
  await visitor.load(page);
  await until('the copies', async () => (await world.server.delivery(visitor.key)).total.copies === 3);
  await visitor.settled(3);
});

/** What holds however the core comes to be a script. */
for (const [entry, route, most] of [
  ['the entry that asks', '/', 1],
  ['the entry that does not ask', '/nowasm', 0],
  ['the classic script that does not ask', '/classic-nowasm', 0],
]) {
  test(`${entry}: what a closed tab left is sent by the next, once`, async () => {
    const visitor = await underPolicy();
    world.proxy.fault = () => 'offline';
    const page = await visitor.open({}, { path: route });
    await tap(page, 5);
    await isCold(visitor, page, 5);
    assert.equal((await violations(page)).length, most);
    await page.close();
    world.proxy.fault = () => undefined;
    const next = await visitor.open({}, { path: route });
    await visitor.settled(5);
    await tap(next, 1);
    await visitor.settled(6);
    await until('forgotten in both stores', async () => {
      const held = [await visitor.journal(next), await cold(visitor, next)];
      return held.every((store) => events(store) === 0);
    });
    assert.deepEqual(await violations(next), []);
    assert.equal(await remembered(visitor, next), most ? version : undefined);
    assert.ok(!visitor.files.includes('headwater.wasm'), `${visitor.files}`);
  });

  test(`${entry}: what does not fit goes, oldest first, and is named queue_full`, async () => {
    const visitor = await underPolicy();
    await withoutIndexedDb(visitor);
    world.proxy.fault = () => 'offline';
    const page = await visitor.open({}, { path: route });
    const [called, kept] = await tapUntilFull(visitor, page);
    world.proxy.fault = () => undefined;
    await visitor.settled(called, { queue_full: called - kept });
    assert.deepEqual(visitor.errors, []);
  });

  test(`${entry}: a denial purges the page's own events and those of closed tabs, and names them`, async () => {
    const visitor = await underPolicy();
    world.proxy.fault = () => 'offline';
    const dead = await visitor.open({}, { path: route });
    await tap(dead, 3);
    await isCold(visitor, dead, 3);
    await dead.close();
    const page = await visitor.open({}, { path: route });
    await tap(page, 2);
    await core(page);
    await page.evaluate(() => headwater.consent('denied'));
    await until('a purged journal', async () => Object.entries(await visitor.journal(page)).filter(isLog).length === 0);
    world.proxy.fault = () => undefined;
    await visitor.settled(5, { consent: 5 });
    assert.deepEqual(visitor.errors, []);
  });
}

/** What is on its way when the visitor leaves. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

test('a visitor who leaves before the wasm is ready is counted', async () => {
  const visitor = await world.visitor();
  world.site.wasmDelayMs = 5_000;
  const page = await visitor.open({ auto: 3 });
  await page.goto(`${world.site.address}/other`);
  await visitor.counted(3);
  const [request] = world.proxy.requests();
  assert.deepEqual(request.batches[0].at, [0, 3]);
  assert.deepEqual(request.batches[0].events.map((event) => event.session_id), [null, null, null]);
});

test('what a raw send said is adopted by the next page and counted once', async () => {
  const visitor = await world.visitor();
  world.site.wasmDelayMs = 5_000;
  const page = await visitor.open({ auto: 3 });
  await page.goto(`${world.site.address}/other`);
  await visitor.counted(3);
  world.site.wasmDelayMs = 0;
  await visitor.load(page);
  await until('the copies', async () => (await world.server.delivery(visitor.key)).total.copies === 3);
  await visitor.settled(3);
  await until('an empty journal', async () => {
    const names = Object.keys(await visitor.journal(page));
    return names.every((name) => !/^.{36}:/.test(name));
  });
});

test('a raw send goes in pieces that a beacon carries', async () => {
  const visitor = await world.visitor();
  world.site.wasmDelayMs = 5_000;
  const page = await visitor.open();
  // 2 bytes per character: pieces are measured in what is sent.
  await page.evaluate(() => [1, 2, 3].forEach((n) => headwater.track('long', { n, text: 'é'.repeat(14_000) })));
  await page.goto(`${world.site.address}/other`);
  // 64 KB may leave with a page: the first piece does, the rest waits for the next page.
  await until('the first piece', () => world.proxy.seen.length >= 1);
  for (const { body } of world.proxy.seen) assert.ok(Buffer.byteLength(body) <= 60_000);
  world.site.wasmDelayMs = 0;
  await visitor.load(page);
  await visitor.counted(3);
});

test('an event of the last moment leaves with the page', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await tap(page, 1);
  await visitor.counted(1);
  await page.evaluate(() => {
    headwater.track('bye');
    location.href = '/other';
  });
  await visitor.counted(2);
});

test('a hidden page sends at once, and the answer settles it', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await tap(page, 1);
  await visitor.counted(1);
  await page.evaluate(() => {
    headwater.track('last');
    Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
    Object.defineProperty(document, 'hidden', { value: true });
    queueMicrotask(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
  });
  await visitor.counted(2);
  await until('an empty log', async () => Object.keys(await visitor.journal(page)).every((key) => !/:\d+$/.test(key)));
});

test('a page that returns from the back/forward cache begins a new stream and goes on counting', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await tap(page, 2);
  await visitor.counted(2);
  await page.evaluate(() => {
    window.sameDocument = true;
    addEventListener('pageshow', (event) => (window.persisted = event.persisted));
  });
  await page.goto(`${world.site.address}/other`);
  await page.goBack({ waitUntil: 'commit' });
  const cached = await page.evaluate(() => window.sameDocument === true && window.persisted === true);
  assert.ok(cached, 'a held lock or request would keep the page out of the cache');
  await tap(page, 3);
  await visitor.counted(5);
  await visitor.settled(5);
  const streams = new Set(world.proxy.requests().map((request) => request.batches[0].stream));
  assert.equal(streams.size, 2);
});

test('an event held when the page went to sleep is sent once it is back', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await tap(page, 1);
  await visitor.counted(1);
  world.proxy.fault = () => 'offline';
  await tap(page, 4);
  await page.goto(`${world.site.address}/other`);
  world.proxy.fault = () => undefined;
  await page.goBack({ waitUntil: 'commit' });
  await visitor.counted(5);
  await visitor.settled(5);
});

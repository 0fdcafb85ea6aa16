/** Every event is counted once, whatever stands between the page and the server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { coin, seed, showSeed } from '../harness/random.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => {
  showSeed();
  world = await startWorld();
});
after(() => world?.stop());

test('200 events are counted once while half of the requests get 503 and the tab closes in the middle', async () => {
  const visitor = await world.visitor();
  const flip = coin(seed);
  // The first is refused whatever the seed, so that something is left when the tab closes.
  world.proxy.fault = (n) => (n === 0 || flip() ? '503' : undefined);
  const first = await visitor.open();
  await tap(first, 120);
  await until('a refusal', () => world.proxy.seen.some((request) => request.fault === '503'));
  assert.ok((await visitor.events()) < 120, 'the tab closes in the middle');
  await first.close();
  const second = await visitor.open();
  await tap(second, 80);
  await visitor.counted(200);
  await visitor.settled(200);
  const numbers = await world.server.report(visitor.key, 'users');
  assert.equal(numbers[0].users, 1, 'both tabs were one visitor');
});

test('two tabs at once are counted apart and belong to one visitor and one session', async () => {
  const visitor = await world.visitor();
  const first = await visitor.open();
  await tap(first, 1);
  const second = await visitor.open();
  await Promise.all([tap(first, 49), tap(second, 50)]);
  await visitor.counted(100);
  const total = await visitor.settled(100);
  assert.equal(total.copies, 0, 'neither sent what was the other one’s');
  assert.equal((await world.server.report(visitor.key, 'users'))[0].users, 1);
  assert.equal((await world.server.report(visitor.key, 'client_sessions'))[0].client_sessions, 1);
});

test('events of an offline page survive a reload and are counted once when the network is back', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  // The browser's own switch does not hold back what leaves with a page.
  world.proxy.fault = () => 'offline';
  await visitor.context.setOffline(true);
  await tap(page, 30);
  await page.reload().catch(() => {}); // There is nothing to load, and the page is gone all the same.
  assert.equal(await visitor.events(), 0);
  world.proxy.fault = () => undefined;
  await visitor.context.setOffline(false);
  await visitor.load(page);
  await tap(page, 5);
  await visitor.counted(35);
  await visitor.settled(35);
});

test('a page that stays open while the network is away sends when it is back', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await tap(page, 1);
  await visitor.counted(1);
  await visitor.context.setOffline(true);
  await tap(page, 10);
  await visitor.context.setOffline(false);
  await visitor.counted(11);
  await visitor.settled(11);
});

test('an empty 200 without hw-ack settles nothing', async () => {
  const visitor = await world.visitor();
  world.proxy.fault = () => 'empty 200';
  const page = await visitor.open();
  await tap(page, 20);
  await until('two foreign answers', () => world.proxy.seen.filter((r) => r.fault === 'empty 200').length >= 2);
  const journal = await visitor.journal(page);
  const held = Object.entries(journal).filter(([key]) => /:\d+$/.test(key));
  assert.equal(held.map(([, value]) => value.split('\n').length - 1).reduce((a, b) => a + b), 20);
  world.proxy.fault = () => undefined;
  await visitor.load(page);
  await visitor.counted(20);
  await visitor.settled(20);
});

test('an answer lost on its way makes copies, which are not counted', async () => {
  const visitor = await world.visitor();
  let dropped = 0;
  world.proxy.fault = () => (dropped++ < 1 ? 'drop answer' : undefined);
  const page = await visitor.open();
  await tap(page, 10);
  await visitor.counted(10);
  const total = await visitor.settled(10);
  await until('copies', async () => (await world.server.delivery(visitor.key)).total.copies > 0);
  assert.equal(total.counted, 10);
});

test('no request is ever preceded by a preflight or carries a header or cookie of ours', async () => {
  const visitor = await world.visitor();
  await visitor.context.addCookies([{ name: 'own', value: '1', url: world.proxy.address }]);
  const page = await visitor.open();
  await tap(page, 3);
  await visitor.counted(3);
  await tap(page, 1);
  await page.close();
  await visitor.counted(4);
  assert.deepEqual(new Set(world.proxy.seen.map((r) => r.method)), new Set(['POST']));
  for (const { headers } of world.proxy.seen) {
    assert.match(headers['content-type'], /^text\/plain/);
    assert.ok(!Object.keys(headers).some((name) => name.startsWith('hw-')));
  }
  assert.equal(world.proxy.seen[0].headers.cookie, undefined, 'credentials are omitted');
});

/** Who is counted: identity, reset, consent. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { streams as streamsOf } from '../harness/sent.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

const streams = () => streamsOf(world.proxy.requests());

test('identify begins a new stream whose first event it is, and the session goes on', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => {
    headwater.track('before');
    headwater.identify('user-7', { plan: 'pro' });
    headwater.track('after');
  });
  await visitor.settled(3);
  const [one, two] = streams();
  assert.equal(one.user_id, null);
  assert.equal(two.user_id, 'user-7');
  assert.equal(one.client_id, two.client_id);
  assert.equal(two.events.get(0).type, 'identify');
  assert.deepEqual(two.events.get(0).props, { plan: 'pro' });
  assert.equal(two.events.get(1).name, 'after');
  const sessions = [...one.events.values(), ...two.events.values()].map((event) => event.session_id);
  assert.equal(new Set(sessions).size, 1);
  const times = [...one.events.values(), ...two.events.values()].map((event) => event.ts);
  assert.ok(times.every((ts, n) => n === 0 || ts > times[n - 1]), 'ts strictly increases across streams');
});

test('reset leaves nothing that links the visitor before and after it', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => {
    headwater.identify('user-7');
    headwater.track('before');
  });
  await visitor.settled(2);
  await page.evaluate(() => {
    headwater.reset();
    headwater.track('after');
  });
  await visitor.settled(3);
  const [one, two] = streams();
  assert.equal(two.user_id, null);
  assert.notEqual(one.stream, two.stream);
  assert.notEqual(one.client_id, two.client_id);
  assert.notEqual(one.context.device_id, two.context.device_id);
  assert.notEqual(one.events.get(0).session_id, two.events.get(0).session_id);
  const before = JSON.stringify(one);
  for (const id of [two.stream, two.client_id, two.context.device_id, two.events.get(0).session_id]) {
    assert.ok(!before.includes(id));
  }
});

test('a tab sees that another one identified, before its next append', async () => {
  const visitor = await world.visitor();
  const [first, second] = [await visitor.open(), await visitor.open()];
  await tap(first, 1, 'first');
  await tap(second, 1, 'second');
  await first.evaluate(() => headwater.identify('user-7'));
  // Each process has a copy of localStorage; browsers bring them together a moment later.
  await second.waitForFunction((key) => localStorage.getItem(key).includes('user-7'), `hw1:${visitor.key}:id`);
  await tap(second, 1, 'later');
  await visitor.settled(4);
  const later = streams().find((stream) => [...stream.events.values()].some((event) => event.name === 'later'));
  assert.equal(later.user_id, 'user-7');
});

test('while consent is unknown nothing is stored or sent, and a grant counts what waited', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open({ consent: 'unknown' });
  await tap(page, 3);
  const called = await page.evaluate(() => Date.now());
  await page.evaluate(() => headwater.identify('user-7'));
  assert.deepEqual(await visitor.journal(page), {});
  assert.equal(world.proxy.seen.length, 0);
  await page.waitForFunction((called) => Date.now() > called, called);
  await page.evaluate(() => headwater.consent('granted'));
  await visitor.settled(4);
  const [anonymous] = streams();
  assert.equal(anonymous.user_id, null);
  assert.ok(anonymous.events.get(0).ts <= called, 'with the time of the call');
  // The decision is remembered.
  await visitor.load(page, { consent: 'unknown' });
  await tap(page, 1);
  await visitor.settled(5);
});

test('a denial purges what is held, names it, and refuses what follows', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await tap(page, 2);
  await visitor.counted(2);
  world.proxy.fault = () => 'offline';
  await tap(page, 5);
  await page.evaluate(() => headwater.consent('denied'));
  await tap(page, 4);
  await until('a purged journal', async () => {
    const names = Object.keys(await visitor.journal(page));
    return !names.some((name) => /:\d+$/.test(name)) && !names.includes('id') && !names.includes('session');
  });
  world.proxy.seen.length = 0;
  world.proxy.fault = () => undefined;
  await visitor.settled(7, { consent: 5 });
  for (const { batches } of world.proxy.requests()) {
    for (const batch of batches) {
      assert.equal(batch.client_id, undefined);
      assert.deepEqual(batch.events, []);
    }
  }
  // What was refused is told once there is a stream again.
  await page.evaluate(() => {
    headwater.consent('granted');
    headwater.track('again');
  });
  await visitor.counted(3);
  await until('4 refused', async () => (await world.server.delivery(visitor.key)).total.refused.consent === 4);
});

test('a denial purges what dead pages left and what other tabs hold', async () => {
  const visitor = await world.visitor();
  world.proxy.fault = () => 'offline';
  const dead = await visitor.open();
  await tap(dead, 2);
  await dead.close();
  const other = await visitor.open();
  await tap(other, 3);
  const denier = await visitor.open();
  await denier.evaluate(() => headwater.consent('denied'));
  await until('a purged journal', async () => {
    return !Object.keys(await visitor.journal(denier)).some((name) => /:\d+$/.test(name));
  });
  world.proxy.fault = () => undefined;
  await visitor.settled(5, { consent: 5 });
});

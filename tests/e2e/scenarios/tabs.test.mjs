/** What one tab changes holds in all of them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { events, streams } from '../harness/sent.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

const sent = () => events(world.proxy.requests());
const holder = (name) =>
  streams(world.proxy.requests()).find((stream) => [...stream.events.values()].some((event) => event.name === name));

/** Each process has a copy of localStorage; browsers bring them together a moment later. */
const sees = (page, visitor, key, text) =>
  page.waitForFunction(([key, text]) => localStorage.getItem(key)?.includes(text), [`hw1:${visitor.key}:${key}`, text]);

test('a reset in one tab makes somebody else of the visitor in all, with a session of their own', async () => {
  const visitor = await world.visitor();
  const [first, second] = [await visitor.open(), await visitor.open()];
  await first.evaluate(() => headwater.identify('user-7'));
  await tap(first, 1, 'before');
  await sees(second, visitor, 'id', 'user-7');
  await tap(second, 1, 'there before');
  await visitor.settled(3);
  await first.evaluate(() => headwater.reset());
  await tap(first, 1, 'after');
  await second.waitForFunction((key) => !localStorage.getItem(key).includes('user-7'), `hw1:${visitor.key}:id`);
  await tap(second, 1, 'there after');
  await visitor.settled(5);
  const [old, there, now, also] = ['before', 'there before', 'after', 'there after'].map(holder);
  assert.deepEqual([old, there, now, also].map(({ user_id }) => user_id), ['user-7', 'user-7', null, null]);
  assert.deepEqual([there.client_id, also.client_id], [old.client_id, now.client_id]);
  assert.notEqual(now.client_id, old.client_id);
  const session = (name) => sent().find((event) => event.name === name).session_id;
  assert.equal(session('there before'), session('before'));
  for (const name of ['after', 'there after']) assert.notEqual(session(name), session('before'));
});

test('a grant in one tab counts what waits in all', async () => {
  const visitor = await world.visitor();
  const [first, second] = [await visitor.open({ consent: 'unknown' }), await visitor.open({ consent: 'unknown' })];
  await tap(first, 2, 'first');
  await tap(second, 3, 'second');
  await first.evaluate(() => headwater.consent('granted'));
  await visitor.settled(5);
});

test('a denial in one tab refuses the calls of all, and a grant takes that back', async () => {
  const visitor = await world.visitor();
  const [first, second] = [await visitor.open(), await visitor.open()];
  await tap(first, 1);
  await tap(second, 1);
  await visitor.settled(2);
  await first.evaluate(() => headwater.consent('denied'));
  await sees(second, visitor, 'consent', 'denied');
  await tap(second, 3);
  await visitor.settled(2);
  assert.ok(!('id' in (await visitor.journal(second))), 'nobody is known any more');
  await first.evaluate(() => headwater.consent('granted'));
  await sees(second, visitor, 'consent', 'granted');
  await tap(second, 1);
  await visitor.settled(3);
  await until('the counter', async () => (await world.server.delivery(visitor.key)).total.refused.consent === 3);
});

for (const [what, settings, verdict] of [
  ['a sample', { sample: 0 }, 'sampled'],
  ['a stop', { stop_ms: 3_600_000 }, 'stopped'],
]) {
  test(`${what} that one tab is told of holds in the others`, async () => {
    const visitor = await world.visitor();
    const [first, second] = [await visitor.open(), await visitor.open()];
    await tap(second, 1, 'second');
    await visitor.settled(1);
    world.proxy.fault = () => ({ say: { settings } });
    await tap(first, 1, 'first');
    await sees(second, visitor, 'settings', ',');
    await sees(second, visitor, 'refuse', ',');
    world.proxy.fault = () => undefined;
    await visitor.settled(2);
    await tap(second, 4, 'refused');
    const refused = await second.evaluate(() => headwater.inspect().streams.map(({ refused }) => refused));
    assert.deepEqual(refused.filter(Boolean), [{ [verdict]: 4 }]);
    await visitor.settled(2);
  });
}

test('a denial purges what a page in the back/forward cache holds, and refuses its calls when it is back', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await tap(page, 1);
  await visitor.counted(1);
  world.proxy.fault = () => 'offline';
  await tap(page, 3, 'held');
  await page.evaluate(() => (window.sameDocument = true));
  await page.goto(`${world.site.address}/other`);
  const denier = await visitor.open();
  await denier.evaluate(() => headwater.consent('denied'));
  await until('a purged journal', async () =>
    Object.keys(await visitor.journal(denier)).every((name) => !/:\d+$/.test(name)),
  );
  world.proxy.seen.length = 0;
  world.proxy.fault = () => undefined;
  await page.goBack({ waitUntil: 'commit' });
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  await tap(page, 2, 'refused');
  await visitor.settled(4, { consent: 3 });
  assert.deepEqual(sent(), []);
  assert.equal((await page.evaluate(() => headwater.inspect())).consent, 'denied');
});

test('a denial reaches what a page in the back/forward cache holds in memory alone', async () => {
  const visitor = await world.visitor();
  await visitor.context.addInitScript(() => {
    // Full for what the page logs, not for what is short.
    const set = Storage.prototype.setItem;
    Storage.prototype.setItem = function (key, value) {
      if (/:h$/.test(key)) throw new DOMException('full', 'QuotaExceededError');
      return set.call(this, key, value);
    };
  });
  const page = await visitor.open();
  await tap(page, 1);
  await visitor.counted(1);
  world.proxy.fault = () => 'offline';
  await tap(page, 60, 'held');
  await page.goto(`${world.site.address}/other`);
  const denier = await visitor.open();
  await denier.evaluate(() => headwater.consent('denied'));
  world.proxy.seen.length = 0;
  world.proxy.fault = () => undefined;
  await page.goBack({ waitUntil: 'commit' });
  await visitor.settled(61, { consent: 60 });
  assert.deepEqual(sent(), []);
});

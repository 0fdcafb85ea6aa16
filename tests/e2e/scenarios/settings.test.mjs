/** What the site says from afar: settings, erasure, its clock; and what is kept of the ledger when nothing fits. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { fill } from '../harness/fill.mjs';
import { events, streams } from '../harness/sent.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { withoutIndexedDb } from '../harness/without_indexed_db.mjs';
import { startWorld } from '../harness/world.mjs';

const DAY_MS = 24 * 60 * 60 * 1_000;

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

/** Lets an answer bring these settings to the visitor's browser, and returns its page. */
const set = async (visitor, settings) => {
  world.proxy.fault = () => ({ say: { settings } });
  const page = await visitor.open();
  await tap(page, 1, 'first');
  await until('stored settings', async () => (await visitor.journal(page)).settings);
  await until('an empty log', async () => Object.keys(await visitor.journal(page)).every((key) => !/:\d+$/.test(key)));
  world.proxy.fault = () => undefined;
  return page;
};

/** A page whose wasm does not arrive while it matters. */
const withoutWasm = async (visitor) => {
  world.site.wasmDelayMs = 60_000;
  const page = await visitor.open();
  world.site.wasmDelayMs = 0;
  return page;
};

const log = async (visitor, page) => Object.keys(await visitor.journal(page)).filter((key) => /:\d+$/.test(key));

test('a visitor outside the sample is refused in the next page, before any wasm, and that is told', async () => {
  const visitor = await world.visitor();
  const page = await set(visitor, { sample: 0 });
  await page.close();
  const bare = await withoutWasm(visitor);
  await tap(bare, 3);
  assert.deepEqual(await log(visitor, bare), []);
  await bare.close();
  const next = await visitor.open();
  await tap(next, 4);
  await until('the counters of both pages', async () => {
    const { total } = await world.server.delivery(visitor.key);
    return total.refused.sampled === 7;
  });
  await visitor.settled(1);
});

test('a sample that takes everybody back counts again, in every page', async () => {
  const visitor = await world.visitor();
  const page = await set(visitor, { sample: 0 });
  // The counters go to the server, and its answer says that everybody is kept again.
  world.proxy.fault = () => ({ say: { settings: { sample: 10_000 } } });
  await tap(page, 1, 'refused');
  await until('no more refusing', async () => (await visitor.journal(page)).refuse?.startsWith('0,'));
  await tap(page, 2, 'again');
  const next = await withoutWasm(visitor);
  await tap(next, 1, 'again');
  await next.goto(`${world.site.address}/other`);
  await visitor.counted(4);
});

test('a stop is obeyed at once and in the next page without wasm, and the site is left in peace', async () => {
  const visitor = await world.visitor();
  const page = await set(visitor, { stop_ms: 3_600_000 });
  world.proxy.seen.length = 0;
  await tap(page, 3);
  await page.close();
  const next = await withoutWasm(visitor);
  await tap(next, 3);
  assert.deepEqual(await log(visitor, next), []);
  const [verdict, until] = (await visitor.journal(next)).refuse.split(',').map(Number);
  assert.equal(verdict, 6);
  assert.ok(Math.abs(until - Date.now() - 3_600_000) < 60_000, 'an hour');
  assert.equal(events(world.proxy.requests()).length, 0);
});

test('a stop that has passed is over', async () => {
  const visitor = await world.visitor();
  const page = await set(visitor, { stop_ms: 3_600_000 });
  await page.close();
  const later = await visitor.context.newPage();
  await later.addInitScript(() => {
    const now = Date.now;
    Date.now = () => now() + 2 * 3_600_000;
  });
  await visitor.load(later);
  await until('the core', async () =>
    later.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('.wasm'))),
  );
  await tap(later, 1, 'early');
  await visitor.counted(2);
  await tap(later, 1, 'late');
  await visitor.counted(3);
});

test('calls beyond the cap of a minute are refused and counted as such, in the next page before any wasm', async () => {
  const visitor = await world.visitor();
  const page = await set(visitor, { calls_per_minute: 5 });
  await tap(page, 20);
  await until('the cap', async () => (await world.server.delivery(visitor.key)).total.refused.rate_cap > 0);
  const { total } = await visitor.settled(5).then(() => world.server.delivery(visitor.key));
  assert.equal(total.refused.rate_cap, 16, 'the first call was in the same minute');
  await page.close();
  const next = await withoutWasm(visitor);
  await tap(next, 3);
  assert.deepEqual(await log(visitor, next), []);
  const later = await visitor.context.newPage();
  await later.addInitScript(() => {
    const now = Date.now;
    Date.now = () => now() + 61_000;
  });
  await visitor.load(later);
  await tap(later, 1);
  await visitor.counted(6);
});

test('refused calls are told even when every call is refused', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => {
    const cycle = {};
    cycle.self = cycle;
    for (let n = 0; n < 3; n++) headwater.track('cycle', cycle);
  });
  await until('the counter', async () => (await world.server.delivery(visitor.key)).total?.refused?.invalid === 3);
  const [first] = world.proxy.requests();
  assert.deepEqual(first.batches[0].events, []);
});

test('an answer without hw-ack sets nothing and erases nothing', async () => {
  const visitor = await world.visitor();
  world.proxy.fault = () => ({ foreign: { settings: { sample: 0 }, erase: true } });
  const page = await visitor.open();
  await tap(page, 2);
  const before = (await visitor.journal(page)).id;
  await until('two answers', () => world.proxy.seen.length >= 2);
  const journal = await visitor.journal(page);
  assert.equal(journal.settings, undefined);
  assert.equal(journal.id, before);
  world.proxy.fault = () => undefined;
  await page.evaluate(() => headwater.flush());
  await visitor.settled(2);
});

test('an erasure takes what is held, and who comes after it is somebody else', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => {
    headwater.identify('user-7');
    headwater.register({ email: 'a@example.com' });
  });
  await tap(page, 1, 'before');
  await visitor.settled(2);
  const old = JSON.parse((await visitor.journal(page)).id);
  // One request carries what is told to erase; what is called meanwhile is held, and is due again when the answer comes.
  world.proxy.fault = (n) => (n === 0 ? { say: { erase: true }, delayMs: 1_600 } : 'offline');
  world.proxy.restart();
  const seen = world.proxy.seen.length;
  await tap(page, 1, 'asking');
  await page.evaluate(() => headwater.flush());
  await until('the request', () => world.proxy.seen.length > seen);
  await tap(page, 3, 'held');
  await until('another visitor', async () => JSON.parse((await visitor.journal(page)).id)[1] !== old[1]);
  await until('nothing held', async () => (await log(visitor, page)).length === 0);
  world.proxy.fault = () => undefined;
  await tap(page, 1, 'after');
  await visitor.settled(7, { consent: 3 });
  const last = streams(world.proxy.requests()).at(-1);
  assert.equal(last.user_id, null);
  for (const id of [old[1], old[2]]) assert.ok(!JSON.stringify(last).includes(id));
  await until('nothing of them on the device', async () => {
    const journal = JSON.stringify(await visitor.journal(page));
    return ![...old.slice(1), 'a@example.com'].some((text) => journal.includes(text));
  });
  assert.deepEqual(
    [...last.events.values()].map(({ name, props }) => [name, props]),
    [['after', { n: 0 }]],
  );
});

test('what is older than a month is given up, but only by a clock that the server confirmed', async () => {
  const visitor = await world.visitor();
  world.proxy.fault = () => 'offline';
  const old = await visitor.context.newPage();
  await old.addInitScript((ms) => {
    const now = Date.now;
    Date.now = () => now() - ms;
  }, 31 * DAY_MS);
  await visitor.load(old);
  await tap(old, 3, 'old');
  await old.close();
  const now = await visitor.open();
  await tap(now, 1, 'now');
  await until('requests', () => world.proxy.seen.length > 3);
  assert.equal((await log(visitor, now)).length, 4, 'the clock of the device alone decides nothing');
  world.proxy.fault = () => '503';
  await until('one that is not old', async () => (await log(visitor, now)).length === 1);
  world.proxy.fault = () => undefined;
  await visitor.settled(4, { too_old: 3 });
});

test('a full storage still takes the names of what is lost', async () => {
  const visitor = await world.visitor();
  await withoutIndexedDb(visitor);
  world.proxy.fault = () => 'offline';
  const page = await visitor.open();
  await tap(page, 5);
  await until('the reserve', async () => (await visitor.journal(page)).reserve);
  await fill(page);
  // The queue is full as well: these live in memory, and push the stored ones out.
  await tap(page, 20, 'long', 940);
  await until('the stored ones gone', async () => (await log(visitor, page)).length === 0);
  const notes = Object.entries(await visitor.journal(page)).filter(([key]) => /:r\d/.test(key));
  assert.equal(notes.length, 1, 'and named');
  assert.match(notes[0][1], /^\d+,5,0,5,4$/);
  // Even after this page the names are told.
  await page.close();
  world.proxy.fault = () => undefined;
  await visitor.open();
  const stream = notes[0][0].slice(0, 36);
  await until('the names', () =>
    world.proxy
      .requests()
      .some(({ batches: [batch] }) => batch.stream === stream && `${batch.lost}` === '0,5,queue_full'),
  );
});

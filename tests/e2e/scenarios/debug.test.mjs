/** What a developer is shown: `init({ debug: true })` and `inspect()`. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { tapUntilFull } from '../harness/cold.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

/** A page that is to say what it does, and what it said so far. */
const talking = async (visitor, options = {}) => {
  const page = await visitor.context.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  await visitor.load(page, { debug: true, ...options });
  await until('the watcher', () => said.some((text) => text.startsWith('headwater: watches')));
  return [page, (pattern) => until(`${pattern}`, () => said.find((text) => pattern.test(text))), said];
};

test('with debug each event is shown: where it is, why it waits, what carries it, what the answer settles', async () => {
  const visitor = await world.visitor();
  const [page, heard] = await talking(visitor);
  await tap(page, 1);
  await visitor.counted(1);
  await heard(/the core is there/);
  await page.evaluate(() => headwater.track('buy'));
  const [, seq, stream] = /custom buy is event (\d+) of (stream [\da-f]{8}); a request is due in \d+ ms/.exec(await heard(/buy is event/));
  const [, request] = /request (\d+)/.exec(await heard(new RegExp(`request \\d+ by fetch: events ${seq} of ${stream}`)));
  await heard(new RegExp(`request ${request}: 204, acknowledges 1$`));
  await heard(new RegExp(`settled: event ${seq} of ${stream}`));
  const { log, streams, core } = await page.evaluate(() => headwater.inspect());
  assert.ok(log.some((line) => line.includes('acknowledges 1')));
  assert.deepEqual([core, streams.flatMap(({ events }) => events)], [true, []]);
});

test('with debug it says why an event waits: consent, the core, the network, a Retry-After', async () => {
  const visitor = await world.visitor();
  world.site.wasmDelayMs = 2_000;
  const [page, heard] = await talking(visitor, { consent: 'unknown' });
  await page.evaluate(() => headwater.track('buy'));
  await heard(/custom buy waits: consent is unknown/);
  await page.evaluate(() => headwater.consent('granted'));
  await heard(/buy is event 0 of stream [\da-f]{8}; the core is not there yet/);
  await visitor.counted(1);
  const why = async () =>
    (await page.evaluate(() => headwater.inspect())).streams.flatMap(({ events }) => events.map(({ why }) => why));
  await visitor.context.setOffline(true);
  await heard(/offline$/);
  await tap(page, 1);
  assert.deepEqual(await why(), ['offline']);
  world.proxy.fault = () => ({ busy: 60 });
  await visitor.context.setOffline(false);
  await heard(/request \d+: 503, acknowledges 0, Retry-After 60000 ms/);
  await heard(/no request before .* \(Retry-After\)/);
  assert.match((await why())[0], /^to be tried again after request \d+: 503/);
  await tap(page, 1);
  assert.match((await why())[1], /^Retry-After until 20/);
});

test('with debug it says what was lost, and what is refused', async () => {
  const visitor = await world.visitor();
  // So the log is all the room there is.
  await visitor.context.addInitScript(() => Object.defineProperty(window, 'indexedDB', { value: null }));
  world.proxy.fault = () => 'offline';
  const [page, heard] = await talking(visitor);
  await page.evaluate(() => headwater.track('cycle', window));
  await tapUntilFull(visitor, page);
  await heard(/1 calls refused so far: invalid/);
  await heard(/lost: events? .* of stream [\da-f]{8}, queue_full; the server will be told/);
  await heard(/request \d+: no answer/);
});

test('without debug nothing is said, nothing more is loaded, and inspect shows what is held', async () => {
  const visitor = await world.visitor();
  world.proxy.fault = () => 'offline';
  const page = await visitor.context.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  await visitor.load(page, { consent: 'unknown' });
  await page.evaluate(() => headwater.track('early'));
  const before = await page.evaluate(() => headwater.inspect());
  assert.deepEqual([before.consent, before.core, before.waiting, before.streams], ['unknown', false, 1, []]);
  await page.evaluate(() => {
    headwater.consent('granted');
    headwater.identify('user-7');
    headwater.track('order', {}, { revenue: 1, currency: 'EUR' });
    headwater.flush();
  });
  await page.waitForFunction(() => headwater.inspect().core);
  const { consent, session, waiting, streams, log } = await page.evaluate(() => headwater.inspect());
  assert.deepEqual([consent, waiting, log], ['granted', 0, undefined]);
  assert.match(session, /^\d+(,\d+){7}$/);
  assert.deepEqual(
    streams.map(({ user_id, at, events }) => [user_id, at, events.map(({ seq, name, type }) => [seq, name ?? type])]),
    [
      ['user-7', [0, 1], [[0, 'order']]],
      [null, [0, 1], [[0, 'early']]],
      ['user-7', [0, 1], [[0, 'identify']]],
    ],
  );
  assert.ok(!(await page.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => /debug/.test(name)))));
  assert.deepEqual(said.filter((text) => text.includes('headwater')), []);
});

test('the classic script brings its debug file, too', async () => {
  const visitor = await world.visitor();
  const page = await visitor.context.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  await visitor.load(page, { debug: true }, { path: '/classic' });
  await tap(page, 1);
  await until('an answer', () => said.some((text) => /acknowledges 1$/.test(text)));
});

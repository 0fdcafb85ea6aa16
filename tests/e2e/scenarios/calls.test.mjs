/** What a page can say beside `page` and `track`, and what becomes of it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { events, streams } from '../harness/sent.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { withoutIndexedDb } from '../harness/without_indexed_db.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

const sent = () => events(world.proxy.requests());

test('every call reaches the server as what it is, and counts as what it is', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => {
    headwater.alias('user-7');
    headwater.group('acme', { seats: 5 });
    headwater.set({ set: { plan: 'pro' }, setOnce: { first: 'a' }, increment: { visits: 1 } });
    headwater.exposure('button', 'green');
    headwater.screen('Settings', { tab: 2 });
    headwater.track('order', { sku: 'b-7' }, { revenue: 1299, currency: 'EUR' });
    headwater.track('refund', undefined, { revenue: -1299, currency: 'EUR' });
  });
  await visitor.settled(7);
  const fields = (name) => {
    const {
      type,
      name: called,
      props,
      revenue,
      currency,
    } = sent().find(({ type, name: n }) => type === name || n === name);
    return { type, name: called, props, revenue, currency };
  };
  const none = { revenue: undefined, currency: undefined };
  assert.deepEqual(fields('alias'), { type: 'alias', name: 'user-7', props: undefined, ...none });
  assert.deepEqual(fields('group'), { type: 'group', name: 'acme', props: { seats: 5 }, ...none });
  const changes = { set: { plan: 'pro' }, set_once: { first: 'a' }, increment: { visits: 1 } };
  assert.deepEqual(fields('$set'), { type: '$set', name: undefined, props: changes, ...none });
  assert.deepEqual(fields('$exposure'), { type: '$exposure', name: 'button', props: { variant: 'green' }, ...none });
  assert.deepEqual(fields('screen'), { type: 'screen', name: 'Settings', props: { tab: 2 }, ...none });
  const order = { type: 'custom', name: 'order', props: { sku: 'b-7' }, revenue: 1_299, currency: 'EUR' };
  assert.deepEqual(fields('order'), order);
  assert.deepEqual(fields('refund').revenue, -1_299);
  await visitor.counted(3);
  assert.equal((await world.server.report(visitor.key, 'pageviews'))[0].pageviews, 1);
});

test('registered properties reach the events of every tab and of later pages, and the call’s own win', async () => {
  const visitor = await world.visitor();
  const [first, second] = [await visitor.open(), await visitor.open()];
  await first.evaluate(() => headwater.register({ plan: 'free', theme: 'dark' }));
  await tap(first, 1, 'first');
  await second.waitForFunction((key) => localStorage.getItem(key), `hw1:${visitor.key}:props`);
  // The event that tells the second tab comes in a task of its own, as does the next call.
  await until('the other tab', async () => {
    await tap(second, 1, 'second');
    await visitor.events();
    return sent().some(({ name, props }) => name === 'second' && props.plan);
  });
  await second.evaluate(() => headwater.unregister(['theme', 'unheard of']));
  await tap(second, 1, 'without');
  const later = await visitor.open();
  await later.evaluate(() => {
    headwater.page('Later');
    headwater.track('own', { plan: 'pro' });
    headwater.identify('user-7', { name: 'traits are not events' });
  });
  // Tabs send at their own pace.
  const has = (word) => sent().some(({ type, name }) => type === word || name === word);
  await until('all', () => ['first', 'without', 'own', 'identify'].every(has));
  const props = (name) => sent().findLast((event) => event.name === name).props;
  assert.deepEqual(props('first'), { plan: 'free', theme: 'dark', n: 0 });
  assert.deepEqual(props('second'), { plan: 'free', theme: 'dark', n: 0 });
  assert.deepEqual(props('without'), { plan: 'free', n: 0 });
  assert.deepEqual(props('Later'), { plan: 'free' });
  assert.deepEqual(props('own'), { plan: 'pro' });
  assert.deepEqual(sent().find(({ type }) => type === 'identify').props, { name: 'traits are not events' });
});

test('a reset forgets what was registered, in every tab', async () => {
  const visitor = await world.visitor();
  const [first, second] = [await visitor.open(), await visitor.open()];
  await first.evaluate(() => headwater.register({ email: 'a@example.com' }));
  await tap(first, 1, 'before');
  await second.waitForFunction((key) => localStorage.getItem(key).includes('email'), `hw1:${visitor.key}:props`);
  await first.evaluate(() => headwater.reset());
  await tap(first, 1, 'after');
  await second.waitForFunction((key) => !localStorage.getItem(key).includes('email'), `hw1:${visitor.key}:props`);
  await tap(second, 1, 'elsewhere');
  await visitor.settled(3);
  const props = Object.fromEntries(sent().map(({ name, props }) => [name, props]));
  assert.deepEqual(props, { before: { email: 'a@example.com', n: 0 }, after: { n: 0 }, elsewhere: { n: 0 } });
});

test('what is registered before consent is stored with the grant, and forgotten with a denial', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open({ consent: 'unknown' });
  await page.evaluate(() => headwater.register({ plan: 'free' }));
  assert.deepEqual(await visitor.journal(page), {});
  await page.evaluate(() => headwater.consent('granted'));
  assert.equal((await visitor.journal(page)).props, '{"plan":"free"}');
  await page.evaluate(() => headwater.consent('denied'));
  assert.equal((await visitor.journal(page)).props, undefined);
});

test('a purchase outlives other events when the queue is full', async () => {
  const visitor = await world.visitor();
  await withoutIndexedDb(visitor);
  world.proxy.fault = () => 'offline';
  const page = await visitor.open();
  await page.evaluate(() => headwater.track('order', { sku: 'b-7' }, { revenue: 1299, currency: 'EUR' }));
  await tap(page, 40, 'long', 940);
  const log = async () => Object.entries(await visitor.journal(page)).filter(([key]) => /:\d+$/.test(key));
  await until('evictions', async () => (await log()).length <= 17);
  const kept = (await log()).length;
  assert.ok(
    (await log()).some(([, value]) => value.includes('"revenue":1299')),
    'the purchase is still there',
  );
  world.proxy.fault = () => undefined;
  await visitor.settled(41, { queue_full: 41 - kept });
  const names = await world.server.report(visitor.key, 'events', 'name');
  assert.equal(names.find(({ name }) => name === 'order').events, 1);
});

test('a purchase of a page that is gone is found in its lane, under the header of its visitor', async () => {
  const visitor = await world.visitor();
  world.proxy.fault = () => 'offline';
  const page = await visitor.open();
  await tap(page, 2);
  await page.evaluate(() => headwater.track('order', {}, { revenue: 1299, currency: 'EUR' }));
  const headers = async (of) => Object.entries(await visitor.journal(of)).filter(([key]) => key.endsWith(':h'));
  assert.deepEqual((await headers(page)).map(([, header]) => header[0]).sort(), [' ', '"']);
  await page.close();
  world.proxy.seen.length = 0;
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(3);
  const [first, second] = streams(world.proxy.requests());
  assert.notEqual(first.stream, second.stream);
  assert.equal(first.client_id, second.client_id);
  assert.deepEqual(first.context, second.context);
});

test('identify begins both lanes anew', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => {
    const buy = (name) => headwater.track(name, {}, { revenue: 1, currency: 'EUR' });
    headwater.track('a');
    buy('b');
    headwater.identify('user-7');
    headwater.track('c');
    buy('d');
  });
  await visitor.settled(5);
  const users = streams(world.proxy.requests()).map(({ user_id, events }) => [
    user_id,
    [...events.values()].map((e) => e.name ?? e.type),
  ]);
  const by = (names) => users.find(([, found]) => `${found}` === `${names}`)[0];
  assert.deepEqual([by(['a']), by(['b']), by(['identify', 'c']), by(['d'])], [null, null, 'user-7', 'user-7']);
  const ts = sent()
    .sort((a, b) => a.ts - b.ts)
    .map(({ name, type }) => name ?? type);
  assert.deepEqual(ts, ['a', 'b', 'identify', 'c', 'd'], 'ts strictly increases over the lanes');
});

test('calls made while consent is unknown may be dropped instead of held, and are counted as refused', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open({ consent: 'unknown', whileUnknown: 'drop' });
  await tap(page, 3);
  await page.evaluate(() => headwater.consent('granted'));
  await tap(page, 2);
  await visitor.settled(2);
  const { total } = await world.server.delivery(visitor.key);
  assert.equal(total.refused.waiting, 3);
});

test('a visitor who never decides fills no memory: beyond 1,000 calls they are refused', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open({ consent: 'unknown' });
  await page.evaluate(() => {
    for (let n = 0; n < 1_010; n++) headwater.track('n');
  });
  await page.evaluate(() => headwater.consent('granted'));
  const total = await until('everything said', async () => {
    const { total } = await world.server.delivery(visitor.key);
    return total.known === 1_000 && total.in_flight === 0 && total;
  });
  assert.equal(total.refused.waiting, 10);
});

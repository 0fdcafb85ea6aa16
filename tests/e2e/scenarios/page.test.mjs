/** What the page itself does to us, and we never do to it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

test('hostile arguments never throw; they are refused, counted and warned of once', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  const warnings = [];
  page.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));
  const threw = await page.evaluate(() => {
    const cycle = {};
    cycle.self = cycle;
    const calls = [
      () => headwater.track('cycle', cycle),
      () => headwater.track('big', { n: 1n }),
      () => headwater.track('getter', { get boom() { throw Error('boom'); } }),
      () => headwater.track('json', { toJSON() { throw Error('boom'); } }),
      () => headwater.track('array', [1]),
      () => headwater.track('number', 5),
      () => headwater.track('function', () => 1),
      () => headwater.track('undefined', { toJSON: () => undefined }),
      () => headwater.track(Symbol('name')),
      () => headwater.track({ toString() { throw Error('boom'); } }),
      () => headwater.track('long', { text: 'x'.repeat(100_000) }),
      () => headwater.page('cycle', cycle),
      () => headwater.identify('user-7', cycle),
      () => headwater.identify(),
      () => headwater.identify(Symbol('user')),
      () => headwater.alias(''),
      () => headwater.group(null),
      () => headwater.exposure('button'),
      () => headwater.screen('cycle', cycle),
      () => headwater.set(),
      () => headwater.set({ set: 5 }),
      () => headwater.set({ increment: { visits: '1' } }),
      () => headwater.track('order', {}, { revenue: 12.99, currency: 'EUR' }),
      () => headwater.track('order', {}, { revenue: 1299 }),
    ];
    const others = [
      () => headwater.register(5),
      () => headwater.register(cycle),
      () => headwater.unregister(),
      () => headwater.init(),
      () => headwater.init({ site: 'again' }),
      () => headwater.consent('perhaps'),
    ];
    let threw = 0;
    for (const call of [...calls, ...others]) try { call(); } catch { threw++; }
    headwater.track('line\u2028 \ud800 \n " \\ \u0001', { 'quo"te': '\n\0\u0002', deep: { er: [null, true, 1e300] } });
    headwater.page();
    return threw;
  });
  assert.equal(threw, 0);
  await visitor.settled(2);
  const { total } = await world.server.delivery(visitor.key);
  assert.equal(total.refused.invalid, 24);
  assert.equal(warnings.length, 1);
  assert.deepEqual(visitor.errors, []);
});

test('calls before init wait for it', async () => {
  const visitor = await world.visitor();
  const page = await visitor.context.newPage();
  await page.goto(`${world.site.address}/other`);
  await page.evaluate(
    async ([options]) => {
      const headwater = await import('/sdk/headwater.js');
      headwater.page();
      headwater.track('early');
      headwater.init(options);
    },
    [{ site: visitor.key, endpoint: `${world.proxy.address}/collect` }],
  );
  await visitor.settled(2);
  assert.equal((await world.server.report(visitor.key, 'pageviews'))[0].pageviews, 1);
});

test('the classic script counts too, and brings its core from beside it', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open({}, { path: '/classic' });
  await tap(page, 3);
  await visitor.settled(3);
});

test('a page without WebAssembly is counted when it is left', async () => {
  const visitor = await world.visitor();
  await visitor.context.addInitScript(() => delete window.WebAssembly);
  const page = await visitor.open();
  await tap(page, 3);
  await page.goto(`${world.site.address}/other`);
  await visitor.counted(3);
  assert.deepEqual(visitor.errors, []);
});

test('an address in a single-page app is the one at the call, and refers to the one before', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => {
    headwater.page();
    history.pushState(null, '', '/pricing?utm_source=x');
    headwater.page('Pricing');
  });
  await visitor.settled(2);
  const [first, second] = world.proxy.requests().flatMap((request) => request.batches.flatMap((batch) => batch.events));
  assert.equal(first.url, '/');
  assert.equal(first.referrer, undefined);
  assert.equal(second.url, '/pricing?utm_source=x');
  assert.match(second.referrer, /^http:\/\/127\.0\.0\.1:\d+\//);
  assert.equal(second.name, 'Pricing');
});

test('a site that is gone for good is left in peace', async () => {
  const visitor = await world.visitor();
  world.proxy.fault = () => '410';
  const page = await visitor.open();
  await tap(page, 3);
  await until('an empty log', async () => {
    const log = Object.keys(await visitor.journal(page)).filter((key) => /:\d+$/.test(key));
    return world.proxy.seen.length > 0 && log.length === 0;
  });
  const before = Object.keys(await visitor.journal(page));
  await tap(page, 3);
  assert.deepEqual(Object.keys(await visitor.journal(page)), before, 'later calls are refused');
  // What was given up is named, to whoever asks later.
  world.proxy.fault = () => undefined;
  await visitor.load(page);
  await visitor.settled(3, { stopped: 3 });
});

test('without Web Locks a stream is adopted once it was quiet for a minute', async () => {
  const visitor = await world.visitor();
  await visitor.context.addInitScript(() => delete Navigator.prototype.locks);
  world.proxy.fault = () => 'offline';
  const first = await visitor.open();
  await tap(first, 3);
  const [header] = Object.keys(await visitor.journal(first)).filter((name) => name.endsWith(':h'));
  await first.close();
  world.proxy.fault = () => undefined;
  const soon = await visitor.open();
  await tap(soon, 1, 'soon');
  // The beacon of the first page may have come through by now: counted, but not acknowledged.
  await until('the event of the second page', async () =>
    (await world.server.report(visitor.key, 'events', 'name')).some(({ name }) => name === 'soon'),
  );
  assert.ok(header in (await visitor.journal(soon)), 'adopted too soon');
  await soon.close();
  const later = await visitor.context.newPage();
  await later.addInitScript(() => {
    const now = Date.now;
    Date.now = () => now() + 61_000;
  });
  await visitor.load(later);
  await visitor.settled(4);
  await until('adopted and forgotten', async () => !(header in (await visitor.journal(later))));
});

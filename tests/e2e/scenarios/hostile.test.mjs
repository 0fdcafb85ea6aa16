/** Pages that replace what the SDK stands on, and options that are none. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { events, streams } from '../harness/sent.mjs';
import { tap } from '../harness/tap.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

const sent = () => events(world.proxy.requests());

test('where an old library gives everything a toJSON, data is still what it is', async () => {
  const visitor = await world.visitor();
  await visitor.context.addInitScript(() => {
    for (const type of [Object, Array, String, Number])
      type.prototype.toJSON = function () {
        return `"${this}"`;
      };
  });
  const page = await visitor.open({ appVersion: '1.2' });
  await page.evaluate(() => {
    headwater.identify('user-7');
    headwater.track('buy', { list: ['a', 1, { b: [null, true] }], at: new Date(0), own: { toJSON: () => 'its own' } });
  });
  await visitor.settled(2);
  const { props } = sent().find(({ name }) => name === 'buy');
  assert.deepEqual(props, { list: ['a', 1, { b: [null, true] }], at: '1970-01-01T00:00:00.000Z', own: 'its own' });
  const [{ user_id, context }] = streams(world.proxy.requests());
  assert.deepEqual([user_id, context.app_version], ['user-7', '1.2']);
  assert.equal(await page.evaluate(() => [].toJSON()), '""', 'the page keeps what it has');
});

for (const [what, hostile] of [
  ['a page without a console', () => delete window.console],
  ['a page whose console throws', () => (console.warn = () => { throw Error('by the test'); })],
  ['a page with variables called screen and name', () => {
    addEventListener('DOMContentLoaded', () => {
      window.screen = null;
      window.name = 5;
    });
  }],
  ['a page whose storage throws', () => {
    Storage.prototype.setItem = Storage.prototype.getItem = () => { throw Error('by the test'); };
  }],
  ['a page without beacons', () => delete Navigator.prototype.sendBeacon],
  ['a page with other locks', () => navigator.locks && (navigator.locks.request = () => { throw Error('by the test'); })],
  ['a page whose clock says nothing', () => (Date.now = () => NaN)],
  ['a page that replaces JSON.stringify later', () => {
    addEventListener('DOMContentLoaded', () => (JSON.stringify = () => 'nonsense'));
  }],
  ['a page that adds to Object.prototype', () => (Object.prototype.extend = function () {})],
]) {
  test(`${what} is counted, and hears of no error`, async () => {
    const visitor = await world.visitor();
    await visitor.context.addInitScript(hostile);
    const page = await visitor.open();
    await page.evaluate(() => headwater.track('refused', 5));
    await tap(page, 3);
    await page.evaluate(() => headwater.track('order', {}, { revenue: 1, currency: 'EUR' }));
    if (what.includes('clock')) await page.evaluate(() => headwater.flush());
    else await visitor.settled(4);
    await page.evaluate(() => headwater.track('bye'));
    await page.goto(`${world.site.address}/other`);
    if (!what.includes('clock')) await visitor.counted(5);
    assert.deepEqual(visitor.errors, []);
  });
}

test('an init with options that are none begins nothing, and the next begins', async () => {
  const visitor = await world.visitor();
  const page = await visitor.context.newPage();
  await page.goto(`${world.site.address}/other`);
  const threw = await page.evaluate(async (good) => {
    window.headwater = await import('/sdk/headwater.js');
    const boom = () => {
      throw Error('boom');
    };
    const wrong = [
      undefined, null, 5, 'site', {}, { site: '' }, { site: ' ' }, { site: 5 }, { site: {} }, { site: Symbol('site') },
      { ...good, endpoint: 5 }, { ...good, endpoint: {} }, { ...good, endpoint: 'http://' }, { ...good, endpoint: ' ' },
      { ...good, appVersion: Symbol('1') }, { ...good, appVersion: { toString: boom } }, { ...good, appVersion: 'x'.repeat(300) },
      { get site() { return boom(); } }, { ...good, get debug() { return boom(); } },
    ];
    let threw = 0;
    headwater.track('early');
    for (const options of wrong) {
      try {
        headwater.init(options);
      } catch {
        threw++;
      }
    }
    const idle = Object.keys(localStorage).length === 0 && headwater.inspect().waiting === 1;
    headwater.init({ ...good, consent: {}, storage: 5, whileUnknown: [], wasm: undefined, appVersion: 7 });
    headwater.consent('granted');
    headwater.init(good);
    return threw + !idle;
  }, { site: visitor.key, endpoint: `${world.proxy.address}/collect` });
  assert.equal(threw, 0);
  await tap(page, 1);
  await visitor.settled(2);
  assert.equal(streams(world.proxy.requests())[0].context.app_version, '7');
  assert.deepEqual(visitor.errors, []);
});

test('a call of many megabytes is refused before they are written', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  const [long, short] = await page.evaluate(() => {
    const took = (props) => {
      let best = Infinity;
      for (let n = 0; n < 5; n++) {
        const start = performance.now();
        headwater.track('large', props);
        best = Math.min(best, performance.now() - start);
      }
      return best;
    };
    const text = '\u0001'.repeat(10_000_000);
    const start = performance.now();
    JSON.stringify({ text });
    return [took({ text }) + took({ list: new Array(1_000_000).fill(1) }), performance.now() - start];
  });
  assert.ok(long < short / 5, `${long} ms; to write the text alone takes ${short} ms`);
  await tap(page, 1);
  await visitor.settled(1);
  assert.equal((await world.server.delivery(visitor.key)).total.refused.invalid, 10);
});

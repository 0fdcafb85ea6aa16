/** Requests are packed while the page is looked at, and nothing else about them changes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { events } from '../harness/sent.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

const posts = () => world.proxy.seen;
const isPacked = ({ bytes, body }) => bytes < Buffer.byteLength(body);

test('a request of several events is packed, one of a single page view is not, and neither needs a preflight', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => headwater.page());
  await visitor.counted(1);
  await tap(page, 10);
  await visitor.settled(11);
  const [one, ...more] = posts();
  assert.equal(isPacked(one), false);
  assert.ok(more.some(isPacked));
  for (const post of more.filter(isPacked)) assert.ok(post.bytes < post.body.length / 2, `${post.bytes} of ${post.body.length}`);
  for (const { method, headers } of posts()) {
    assert.equal(method, 'POST');
    assert.match(headers['content-type'], /^text\/plain/);
    assert.equal(headers['content-encoding'], undefined);
  }
});

for (const [what, break_] of [
  ['without CompressionStream', () => delete window.CompressionStream],
  [
    'where packing fails',
    () => {
      window.CompressionStream = class {
        constructor() {
          throw Error('by the test');
        }
      };
    },
  ],
]) {
  test(`${what} requests go as they are`, async () => {
    const visitor = await world.visitor();
    await visitor.context.addInitScript(break_);
    const page = await visitor.open();
    await tap(page, 10);
    await visitor.settled(10);
    assert.ok(posts().length > 0 && !posts().some(isPacked));
  });
}

/** Packing that ends when the test says so. */
const slowly = () => {
  const { arrayBuffer } = Response.prototype;
  window.packing = 0;
  Response.prototype.arrayBuffer = async function () {
    // What comes from a server has an address: the wasm.
    if (!this.url) {
      window.packing++;
      await new Promise((go) => (window.go = go));
    }
    return arrayBuffer.call(this);
  };
};

test('a page that is left while it packs says its last words as ever, plain and at once', async () => {
  const visitor = await world.visitor();
  await visitor.context.addInitScript(slowly);
  const page = await visitor.open();
  await page.evaluate(() => [1, 2, 3, 4, 5].forEach((n) => headwater.track('a', { n })));
  await page.waitForFunction(() => window.packing === 1);
  await page.evaluate(() => headwater.track('b'));
  await page.goto(`${world.site.address}/other`);
  await visitor.counted(6);
  assert.ok(!posts().some(isPacked));
  assert.deepEqual(
    events(world.proxy.requests()).map(({ seq }) => seq),
    [0, 1, 2, 3, 4, 5],
  );
});

test('what was denied while it was packed is not sent', async () => {
  const visitor = await world.visitor();
  await visitor.context.addInitScript(slowly);
  const page = await visitor.open();
  await page.evaluate(() => [1, 2, 3, 4, 5].forEach((n) => headwater.track('a', { n })));
  await page.waitForFunction(() => window.packing === 1);
  await page.evaluate(() => {
    headwater.consent('denied');
    window.go();
  });
  await visitor.settled(5, { consent: 5 });
  assert.deepEqual(events(world.proxy.requests()), []);
});

test('a page that comes back from the back/forward cache does not send what it was packing', async () => {
  const visitor = await world.visitor();
  await visitor.context.addInitScript(slowly);
  const page = await visitor.open();
  await page.evaluate(() => [1, 2, 3, 4, 5].forEach((n) => headwater.track('a', { n })));
  await page.waitForFunction(() => window.packing === 1);
  await page.goto(`${world.site.address}/other`);
  await until('the last words', () => posts().length === 1);
  await page.goBack({ waitUntil: 'commit' });
  await page.evaluate(() => window.go());
  await page.waitForFunction(() => window.packing === 2 || headwater.inspect().streams.length === 0);
  await page.evaluate(() => window.go());
  await visitor.settled(5);
});

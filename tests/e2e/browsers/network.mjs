/** Between the page and the server: what networks and servers do. */
import assert from 'node:assert/strict';

import { coin, seed } from '../harness/random.mjs';
import { until } from '../harness/until.mjs';

export const scenarios = {
  'half of the requests get 503': async (visitor, world) => {
    const flip = coin(seed);
    world.proxy.fault = (n) => (n === 0 || flip() ? '503' : undefined);
    const page = await visitor.open();
    for (let burst = 1; burst <= 3; burst++) {
      await visitor.tap(page, 20);
      await visitor.settled(20 * burst);
    }
  },

  'answers are lost after the server took the request': async (visitor, world) => {
    world.proxy.fault = (n) => (n < 2 ? 'drop answer' : undefined);
    const page = await visitor.open();
    await visitor.tap(page, 20);
    await visitor.settled(20);
    await until('copies', async () => (await world.server.delivery(visitor.key)).total.copies >= 20);
  },

  'a 200 without hw-ack settles nothing': async (visitor, world) => {
    world.proxy.fault = () => 'empty 200';
    const page = await visitor.open();
    await visitor.tap(page, 20);
    await until('two foreign answers', () => world.proxy.seen.filter((r) => r.fault === 'empty 200').length >= 2);
    assert.equal(await visitor.events(), 0);
    world.proxy.fault = () => undefined;
    await visitor.settled(20);
  },

  'answers take seconds': async (visitor, world) => {
    world.proxy.fault = (n) => ({ delayMs: 1_000 + (n % 3) * 1_000 });
    const page = await visitor.open();
    await visitor.tap(page, 10);
    await until('a request', () => world.proxy.seen.length > 0);
    await visitor.tap(page, 10);
    await visitor.load(page);
    await visitor.tap(page, 10);
    await visitor.settled(30);
  },

  'two tabs': async (visitor, world) => {
    const first = await visitor.open();
    await visitor.tap(first, 1);
    const second = await visitor.open();
    await Promise.all([visitor.tap(first, 29), visitor.tap(second, 30)]);
    await visitor.settled(60);
    assert.equal((await world.server.report(visitor.key, 'users'))[0].users, 1);
  },

  'five tabs, of which two are closed': async (visitor, world) => {
    const pages = [await visitor.open()];
    await visitor.tap(pages[0], 1);
    while (pages.length < 5) pages.push(await visitor.open());
    await Promise.all(pages.map((page) => visitor.tap(page, 20)));
    await visitor.close(pages[1]);
    await visitor.close(pages[3]);
    const next = await visitor.open();
    await visitor.tap(next, 1);
    await visitor.settled(102);
    assert.equal((await world.server.report(visitor.key, 'users'))[0].users, 1);
  },

  'the network is away, the page is reloaded, the network is back': async (visitor, world) => {
    const page = await visitor.open();
    world.proxy.fault = () => 'offline';
    await page.offline?.(true);
    await visitor.tap(page, 15);
    if (page.offline) assert.equal(await page.evaluate(() => navigator.onLine), false);
    await page.offline?.(false);
    await page.reload();
    await visitor.started(page);
    await visitor.tap(page, 15);
    assert.equal(await visitor.events(), 0);
    world.proxy.fault = () => undefined;
    await visitor.settled(30);
  },

  'nobody listens during a whole visit, and the next one finds the server': async (visitor, world) => {
    await world.proxy.close();
    const first = await visitor.open();
    await visitor.tap(first, 20);
    await visitor.goAway(first);
    await world.proxy.open();
    assert.equal(await visitor.events(), 0);
    await visitor.load(first);
    await visitor.tap(first, 5);
    await visitor.settled(25);
  },

  'the clock is set back by a day': async (visitor, world) => {
    const back = 'const now = Date.now; Date.now = () => now() - 86_400_000;';
    world.proxy.fault = () => 'offline';
    const page = await visitor.open();
    await visitor.tap(page, 10);
    await page.evaluate((code) => (0, eval)(code), `{${back}}`);
    await visitor.tap(page, 10);
    await visitor.goAway(page);
    world.proxy.fault = () => undefined;
    // The visitor who comes back has the wrong clock from the beginning, and sends what the right one has stamped.
    await visitor.load(page, { before: back });
    await visitor.tap(page, 10);
    await visitor.settled(30);
  },
};

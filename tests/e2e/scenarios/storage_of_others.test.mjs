/** Storage in frames, of other versions, of visitors who deny or have not agreed, and of a page that crashes. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { cold, events, isCold, tapLong } from '../harness/cold.mjs';
import { streams as streamsOf } from '../harness/sent.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

const streams = () => streamsOf(world.proxy.requests());

/** A visitor whose requests do not arrive. */
const cutOff = async () => {
  const visitor = await world.visitor();
  world.proxy.fault = () => 'offline';
  return visitor;
};

/** A page that shows the shop, of another site, in a frame. */
const embed = async ({ key }, outer) => {
  const shop = world.site.address.replace('127.0.0.1', 'localhost');
  const options = { site: key, endpoint: `${world.proxy.address}/collect` };
  await outer.goto(`${world.site.address}/other`);
  await outer.evaluate((src) => {
    document.body.append(Object.assign(document.createElement('iframe'), { src }));
  }, `${shop}/#${encodeURIComponent(JSON.stringify(options))}`);
  const frame = await until('the frame', () => outer.frames().find((frame) => frame.url().startsWith(shop)));
  await frame.waitForFunction(() => window.started);
  return frame;
};

test('in a frame of another site that gets storage of its own, that storage works the same', async (t) => {
  const visitor = await cutOff();
  const profile = mkdtempSync(path.join(tmpdir(), 'headwater-e2e-'));
  mkdirSync(path.join(profile, 'Default'));
  const preferences = { profile: { cookie_controls_mode: 0 } };
  writeFileSync(path.join(profile, 'Default/Preferences'), JSON.stringify(preferences));
  visitor.context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.HEADWATER_CHROMIUM ?? '/usr/bin/chromium',
    // Playwright's own arguments switch the partitioning off.
    ignoreDefaultArgs: true,
    args: ['--headless', '--no-sandbox', '--remote-debugging-pipe', `--user-data-dir=${profile}`],
  });
  t.after(async () => {
    await visitor.context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  const outer = await visitor.context.newPage();
  const frame = await embed(visitor, outer);
  await tapLong(frame, 30);
  await isCold(visitor, frame, 30);
  const first = await visitor.context.newPage();
  await first.goto(`${world.site.address.replace('127.0.0.1', 'localhost')}/other`);
  assert.deepEqual(Object.keys(await visitor.journal(first)), [], 'the site itself sees none of it');
  assert.equal(await cold(visitor, first), undefined);
  await outer.goto('about:blank');
  world.proxy.fault = () => undefined;
  await embed(visitor, outer);
  await visitor.settled(30);
});

test('in a frame of another site that gets no storage events go from memory', async () => {
  const visitor = await world.visitor();
  const frame = await embed(visitor, await visitor.context.newPage());
  assert.equal(await frame.evaluate(() => indexedDB.databases().catch(() => 'denied')), 'denied');
  await tap(frame, 3);
  await visitor.settled(3);
  assert.equal(streams()[0].context.no_storage, true);
  assert.deepEqual(visitor.errors, []);
});

test('keys and databases of other versions and of the page itself are left alone', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  const foreign = {
    [`hw2:${visitor.key}:00000000-0000-4000-8000-000000000000:0`]: '?',
    [`hw1:${visitor.key}x:id`]: '?',
    cart: '[]',
  };
  await page.evaluate((foreign) => Object.assign(localStorage, foreign), foreign);
  const names = [`hw2:${visitor.key}`, `hw1:${visitor.key}x`, 'cart'];
  const database = (name) =>
    page.evaluate(
      (name) =>
        new Promise((done, failed) => {
          const request = indexedDB.open(name, 7);
          request.onupgradeneeded = () => request.result.createObjectStore('log').put('?', 'key');
          request.onerror = failed;
          request.onsuccess = () => {
            const read = request.result.transaction('log').objectStore('log').getAll();
            read.onsuccess = () => done(read.result);
            request.result.close();
          };
        }),
      name,
    );
  for (const name of names) await database(name);
  await tap(page, 2);
  await isCold(visitor, page, 2);
  world.proxy.fault = () => undefined;
  await visitor.load(page);
  await visitor.settled(2);
  const all = await page.evaluate(() => ({ ...localStorage }));
  for (const [key, value] of Object.entries(foreign)) assert.equal(all[key], value, key);
  for (const name of names) assert.deepEqual(await database(name), ['?'], name);
});

test('a denial purges the cold store: its own page’s, other tabs’ and what dead pages left', async () => {
  const visitor = await cutOff();
  const dead = await visitor.open();
  await tapLong(dead, 20);
  await isCold(visitor, dead, 20);
  await dead.close();
  const other = await visitor.open();
  await tapLong(other, 20);
  const denier = await visitor.open();
  await tapLong(denier, 20);
  await isCold(visitor, denier, 60);
  await denier.evaluate(() => headwater.consent('denied'));
  await isCold(visitor, denier, 0);
  await until('a purged journal', async () => events(await visitor.journal(denier)) === 0);
  world.proxy.fault = () => undefined;
  await visitor.settled(60, { consent: 60 });
  await until('nothing is left', async () => Object.keys(await cold(visitor, denier)).length === 0);
  for (const { batches } of world.proxy.requests().slice(-3)) assert.deepEqual(batches[0].events, []);
});

test('for a visitor who has not agreed there is no database', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open({ consent: 'unknown' });
  await tap(page, 3);
  assert.equal(await cold(visitor, page), undefined);
  await page.evaluate(() => headwater.consent('denied'));
  await visitor.load(page);
  await tap(page, 3);
  // Something of an earlier page is purged all the same, and brings the core.
  const stream = '00000000-0000-4000-8000-000000000000';
  await page.evaluate(
    ([prefix, stream]) => {
      localStorage.setItem(`${prefix}${stream}:h`, `"stream":"${stream}"`);
      localStorage.setItem(`${prefix}${stream}:0`, `0,1,0\n"ts":${Date.now()},"type":"custom"}`);
    },
    [`hw1:${visitor.key}:`, stream],
  );
  await visitor.load(page);
  await visitor.settled(1, { consent: 1 });
  assert.equal(await cold(visitor, page), undefined);
});

test('a page whose renderer crashes loses nothing', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await tapLong(page, 30);
  await isCold(visitor, page, 30);
  await tap(page, 5);
  const crashed = page.waitForEvent('crash');
  const session = await visitor.context.newCDPSession(page);
  session.send('Page.crash').catch(() => {});
  await crashed;
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(35);
});

for (const tabs of [1, 2]) {
  test(`with ${tabs} open tabs the cold store keeps no page out of the back/forward cache`, async () => {
    const visitor = await cutOff();
    // The page's own last words, before ours: go to the cold store as it leaves.
    await visitor.context.addInitScript(() => addEventListener('pagehide', () => window.headwater?.track('last')));
    if (tabs > 1) await tap(await visitor.open(), 20);
    const page = await visitor.open();
    await tapLong(page, 20);
    await isCold(visitor, page, 20 * tabs);
    await page.evaluate(() => (window.sameDocument = true));
    await page.goto(`${world.site.address}/other`);
    await isCold(visitor, page, 20 * tabs + 1);
    await page.goBack({ waitUntil: 'commit' });
    const reasons = await page.evaluate(() => performance.getEntriesByType('navigation')[0].notRestoredReasons);
    assert.equal(reasons, null);
    assert.ok(await page.evaluate(() => window.sameDocument));
    world.proxy.fault = () => undefined;
    await visitor.settled(20 * tabs + 1);
    assert.deepEqual(visitor.errors, []);
  });
}

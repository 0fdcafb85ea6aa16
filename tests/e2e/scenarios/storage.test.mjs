/** Where events wait, and what becomes of them when storage is taken away, full, or somebody else's. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { fill } from '../harness/fill.mjs';
import { streams as streamsOf } from '../harness/sent.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { withoutIndexedDb } from '../harness/without_indexed_db.mjs';
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

/** What IndexedDB of the page's site holds, by key; `undefined` where there is no database. Makes none. */
const cold = ({ key }, page) =>
  page.evaluate(async (name) => {
    if (!(await indexedDB.databases()).some((database) => database.name === name)) return undefined;
    const ended = (request) =>
      new Promise((done, failed) => Object.assign(request, { onsuccess: () => done(request.result), onerror: failed }));
    const database = await ended(indexedDB.open(name));
    try {
      const store = database.transaction('log').objectStore('log');
      const [keys, values] = await Promise.all([ended(store.getAllKeys()), ended(store.getAll())]);
      return Object.fromEntries(keys.map((key, at) => [key, values[at]]));
    } finally {
      database.close();
    }
  }, `hw1:${key}`);

const isLog = ([name]) => /:\d+$/.test(name);
const events = (journal) =>
  Object.entries(journal ?? {})
    .filter(isLog)
    .flatMap(([, value]) => value.split('\n').slice(1))
    .filter(Boolean).length;

/** Polls until IndexedDB holds so many events. */
const isCold = (visitor, page, count) =>
  until(`${count} events in IndexedDB`, async () => events(await cold(visitor, page)) === count);

/** Tracks events of a little more than 1,000 characters, each in a task of its own. */
const tapLong = (page, count) =>
  page.evaluate(async (count) => {
    for (let n = 0; n < count; n++) {
      headwater.track('long', { n, text: 'x'.repeat(940) });
      await new Promise((next) => setTimeout(next));
    }
  }, count);

/**
 * Calls until the log in localStorage is as small as it must be without a cold store, and returns how many calls and how
 * many events are held: what is too much goes with a call after the core has heard that there is none.
 */
const tapUntilFull = async (visitor, page) => {
  let called = 0;
  const log = await until('a log of at most 16,384 characters', async () => {
    await tapLong(page, 10);
    called += 10;
    const log = Object.entries(await visitor.journal(page)).filter(isLog);
    return called > 20 && log.map(([, value]) => value).join('').length <= 16_384 && log;
  });
  return [called, log.length];
};

test('what is acknowledged within the second is never in the cold store, and the rest is after it', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => {
    window.puts = 0;
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...what) {
      window.puts++;
      return put.apply(this, what);
    };
  });
  await tap(page, 5);
  await visitor.settled(5);
  world.proxy.fault = () => 'offline';
  await tap(page, 5);
  await isCold(visitor, page, 5);
  const [header, , stamp] = Object.keys(await cold(visitor, page)).sort();
  assert.ok(header && stamp, 'with its header and its session');
  const hot = await visitor.journal(page);
  for (const [key, value] of Object.entries(await cold(visitor, page))) assert.equal(hot[key], value, 'the same');
  assert.equal(await page.evaluate(() => window.puts), Object.keys(await cold(visitor, page)).length);
  world.proxy.fault = () => undefined;
  await visitor.settled(10);
  await until('forgotten there too', async () => events(await cold(visitor, page)) === 0);
});

test('what localStorage has no room for is cold only, and the next page sends it', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await tapLong(page, 60);
  await isCold(visitor, page, 60);
  const hot = () => visitor.journal(page).then((all) => Object.entries(all).filter(isLog));
  await until('a log of at most 16,384 characters', async () => {
    const length = (await hot()).map(([, value]) => value).join('').length;
    return length <= 16_384 && length > 14_000;
  });
  await page.close();
  world.proxy.fault = () => undefined;
  const next = await visitor.open();
  await visitor.settled(60);
  await until('forgotten everywhere', async () => Object.keys((await cold(visitor, next)) ?? {}).length === 0);
});

test('2,000 events of an offline visitor are counted once by the next page, and none is named', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await tap(page, 2_000);
  await isCold(visitor, page, 2_000);
  await page.close();
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(2_000);
});

test('a burst that localStorage should not keep stays there until the cold store has it', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await page.evaluate(() => {
    for (let n = 0; n < 100; n++) headwater.track('long', { n, text: 'x'.repeat(940) });
  });
  await isCold(visitor, page, 100);
  world.proxy.fault = () => undefined;
  await visitor.settled(100);
});

test('a page that clears localStorage while events are cold loses none', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await tapLong(page, 30);
  await isCold(visitor, page, 30);
  await page.evaluate(() => localStorage.clear());
  await page.close();
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(30);
});

test('a page that clears localStorage loses nothing that is still held', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await tap(page, 3);
  await page.evaluate(() => localStorage.clear());
  await tap(page, 1);
  await page.close();
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(4);
  assert.equal((await world.server.report(visitor.key, 'users'))[0].users, 1);
});

test('a page that clears localStorage in the first second has what memory holds put into the cold store', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await page.evaluate(async () => {
    headwater.track('a');
    await new Promise((next) => setTimeout(next));
    localStorage.clear();
  });
  await isCold(visitor, page, 1);
  await page.close();
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(1);
});

test('a page that deletes our database is not hindered, and what is held is put again', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await tapLong(page, 40);
  await isCold(visitor, page, 40);
  const end = await page.evaluate(
    (name) =>
      new Promise((end) => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = () => end('deleted');
        request.onblocked = () => end('blocked');
      }),
    `hw1:${visitor.key}`,
  );
  assert.equal(end, 'deleted');
  await isCold(visitor, page, 40);
  await page.close();
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(40);
  assert.deepEqual(visitor.errors, []);
});

test('a page that clears everything loses nothing while it lives', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await tapLong(page, 40);
  await isCold(visitor, page, 40);
  await page.evaluate((name) => {
    localStorage.clear();
    indexedDB.deleteDatabase(name);
  }, `hw1:${visitor.key}`);
  await isCold(visitor, page, 40);
  await page.close();
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(40);
});

test('a full localStorage begins a stream in memory; what was written before waits in the cold store', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await tapLong(page, 20);
  await isCold(visitor, page, 20);
  await fill(page);
  await tap(page, 2);
  world.proxy.fault = () => undefined;
  await visitor.settled(22);
  assert.deepEqual(streams().map((stream) => stream.context.no_storage), [undefined, true]);
  await until('forgotten', async () => events(await cold(visitor, page)) === 0);
});

test('without storage events go from memory and say so', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open({ storage: 'none' });
  await tap(page, 3);
  await visitor.settled(3);
  assert.deepEqual(await visitor.journal(page), {});
  assert.equal(await cold(visitor, page), undefined);
  assert.equal(streams()[0].context.no_storage, true);
});

test('a visitor who may not have localStorage is counted from memory', async () => {
  const visitor = await world.visitor();
  await visitor.context.addInitScript(() =>
    Object.defineProperty(window, 'localStorage', {
      get: () => {
        throw new DOMException('no', 'SecurityError');
      },
    }),
  );
  const page = await visitor.open();
  await tap(page, 3);
  await visitor.settled(3);
  assert.equal(await cold(visitor, page), undefined);
  assert.equal(streams()[0].context.no_storage, true);
  assert.deepEqual(visitor.errors, []);
});

test('without IndexedDB what does not fit the hot log is given up, oldest first, and named queue_full', async () => {
  const visitor = await cutOff();
  await withoutIndexedDb(visitor);
  const page = await visitor.open();
  const [called, kept] = await tapUntilFull(visitor, page);
  // 16,384 hold 15, and a full log makes room for two more.
  assert.ok(kept >= 13 && kept <= 15, `${kept} kept`);
  world.proxy.fault = () => undefined;
  await visitor.settled(called, { queue_full: called - kept });
  assert.ok(streams()[0].events.has(called - 1));
  assert.deepEqual(visitor.errors, []);
});

test('names of lost events survive the page that gave them up, and are joined', async () => {
  const visitor = await cutOff();
  await withoutIndexedDb(visitor);
  const page = await visitor.open();
  const [called, kept] = await tapUntilFull(visitor, page);
  assert.ok(Object.keys(await visitor.journal(page)).filter((key) => /:r/.test(key)).length <= 2);
  await page.close();
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(called, { queue_full: called - kept });
});

test('a database that does not open leaves what localStorage holds', async () => {
  const visitor = await cutOff();
  const page = await visitor.context.newPage();
  await page.goto(`${world.site.address}/other`);
  // One of the same name and a later version: ours is refused.
  await page.evaluate(
    (name) =>
      new Promise((done, failed) => {
        const request = indexedDB.open(name, 2);
        request.onsuccess = () => done(request.result.close());
        request.onerror = failed;
      }),
    `hw1:${visitor.key}`,
  );
  await visitor.load(page);
  const [called, kept] = await tapUntilFull(visitor, page);
  await page.close();
  world.proxy.fault = () => undefined;
  await visitor.open();
  await visitor.settled(called, { queue_full: called - kept });
  assert.deepEqual(visitor.errors, []);
});

test('a transaction that fails leaves everything where it was, and is tried again', async () => {
  const visitor = await cutOff();
  const page = await visitor.open();
  await tapLong(page, 20);
  await isCold(visitor, page, 20);
  await page.evaluate(() => {
    const { transaction } = IDBDatabase.prototype;
    window.failures = 0;
    IDBDatabase.prototype.transaction = function (...what) {
      const begun = transaction.apply(this, what);
      if (what[1] === 'readwrite') {
        window.failures++;
        // What a full disk does.
        begun.commit = () => begun.abort();
      }
      return begun;
    };
    window.repair = () => (IDBDatabase.prototype.transaction = transaction);
  });
  await tapLong(page, 40);
  await page.waitForFunction(() => window.failures > 0);
  const hot = await visitor.journal(page);
  assert.ok(events(hot) >= 40, 'nothing that is not cold has left localStorage');
  await page.evaluate(() => window.repair());
  await isCold(visitor, page, 60);
  world.proxy.fault = () => undefined;
  await visitor.settled(60);
  assert.deepEqual(visitor.errors, []);
});

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

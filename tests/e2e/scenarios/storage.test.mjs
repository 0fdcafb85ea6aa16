/** Where events wait, and what becomes of them when storage is taken away, or full. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { cold, events, isCold, isLog, tapLong, tapUntilFull } from '../harness/cold.mjs';
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

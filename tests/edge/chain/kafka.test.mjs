/**
 * The whole way of an event: @headwater/web in Chromium, the worker in workerd, headwater-bridge, a real broker
 * (HEADWATER_KAFKA), the store. Answers are lost, the worker's objects are evicted and the bridge is killed on the way.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Books } from '../../e2e/harness/books.mjs';
import { startBrowser } from '../../e2e/harness/browser.mjs';
import { startServer } from '../../e2e/harness/server.mjs';
import { startSite } from '../../e2e/harness/site.mjs';
import { until } from '../../e2e/harness/until.mjs';
import { KEY, startDoor } from '../harness/bridge.mjs';
import { programOf, start } from '../harness/program.mjs';
import { runtime } from '../hosts/workerd.mjs';

const BRIDGE = programOf('HEADWATER_BRIDGE_BIN');
const KAFKA = ['--kafka', programOf('HEADWATER_KAFKA'), '--topic', `edge-${randomUUID()}`];

let bridge, browser, door, persist, site, store, worker, books;

const startBridge = async (listen) => {
  const address = ['--listen', listen, '--metrics-listen', '127.0.0.1:0'];
  const ready = /listening on (http:\/\/\S+)/;
  bridge = await start([BRIDGE, 'serve', ...KAFKA, ...address], { ready, env: { HEADWATER_BRIDGE_KEY: KEY } });
};

const startWorker = async (port) => {
  const sites = JSON.stringify({ site: [{ id: books.key, origins: [site.address] }] });
  worker = await runtime({ sites, bridge: door.address, key: KEY, persist, port });
};

before(async () => {
  execFileSync(BRIDGE, ['topics', 'apply', ...KAFKA, '--partitions', '4', '--replication', '1', '--min-isr', '1']);
  persist = mkdtempSync(path.join(tmpdir(), 'headwater-shards-'));
  await startBridge('127.0.0.1:0');
  [door, site, browser, store] = await Promise.all([
    startDoor(bridge),
    startSite(),
    startBrowser(),
    startServer(['--no-collector', ...KAFKA]),
  ]);
  books = new Books(store);
  await startWorker(0);
});

after(async () => {
  await browser?.close();
  await worker?.miniflare.dispose();
  await Promise.all([door?.stop(), site?.stop()]);
  await bridge?.stop();
  await store?.stop();
  rmSync(persist, { recursive: true, force: true });
});

test('an event is counted once, whatever is lost, evicted and killed between its page and its number', async () => {
  const page = await (await browser.newContext()).newPage();
  const options = { site: books.key, endpoint: `${worker.address}/collect` };
  await page.goto(`${site.address}/#${encodeURIComponent(JSON.stringify(options))}`);
  await page.waitForFunction(() => window.started);
  let sent = 0;
  const track = (n) =>
    page.evaluate(
      ([from, n]) => {
        for (let i = from; i < from + n; i++) headwater.track(`event-${i}`, { i });
      },
      [(sent += n) - n, n],
    );

  await track(10);
  await books.counted(10);

  // The bridge has them, and nobody hears of it.
  door.fault = 'drop';
  const heard = door.requests.length;
  await track(10);
  await until('a lost answer', () => door.requests.length > heard);
  door.fault = undefined;
  await books.counted(20);

  // Every isolate and every object is new; what is durable stays.
  const { port } = new URL(worker.address);
  await worker.miniflare.dispose();
  await track(10);
  await startWorker(Number(port));
  await books.counted(30);

  const { host } = new URL(bridge.address);
  await bridge.kill();
  const refused = door.requests.length;
  await track(10);
  await until('the bridge is missed', () => door.requests.length > refused);
  await startBridge(host);
  await books.counted(40);

  const total = await books.settled(40);
  assert.equal(total.counted, 40);
  const names = await books.byName();
  assert.deepEqual([...names.values()], Array(40).fill(1), 'each of them once');
});

/** What the worker's Durable Objects remember, over evictions, over restarts, and when the bridge's storage is another. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { until } from '../e2e/harness/until.mjs';
import { SITES, event, native, newcomer, plain } from './cases/bodies.mjs';
import { KEY, startBridge, startDoor } from './harness/bridge.mjs';
import { send } from './harness/request.mjs';
import { runtime } from './hosts/workerd.mjs';

let bridge, door, persist, worker;

const startWorker = async () => (worker = await runtime({ sites: SITES, bridge: door.address, key: KEY, persist }));

/** The whole runtime ends and begins again: every isolate and every object is new, what is durable stays. */
const evict = async () => {
  await worker.miniflare.dispose();
  await startWorker();
};

before(async () => {
  persist = mkdtempSync(path.join(tmpdir(), 'headwater-shards-'));
  bridge = await startBridge();
  door = await startDoor(bridge);
  await startWorker();
});

beforeEach(() => {
  door.fault = undefined;
});

after(async () => {
  await worker?.miniflare.dispose();
  await door?.stop();
  await bridge?.stop();
  rmSync(persist, { recursive: true, force: true });
});

const post = (body) => send(worker.address, { body });

/** Sends until nothing of it goes to the bridge: it is remembered. */
const settledWithout = (me, seqs) =>
  until('it is remembered', async () => {
    door.requests.length = 0;
    const { status, headers } = await post(native(me, { seqs }));
    assert.deepEqual([status, headers['hw-ack']], [204, `${seqs.length}`]);
    return door.requests.length === 0;
  });

test('what was seen is remembered when the object was evicted', async () => {
  const me = newcomer();
  assert.equal((await post(native(me))).status, 204);
  await settledWithout(me, [0, 1, 2]);
  await evict();
  await settledWithout(me, [0, 1, 2]);
  assert.equal((await post(native(me, { seqs: [2, 3] }))).status, 204);
  const line = door.requests.at(-1).body.trim();
  assert.equal(JSON.parse(line).seq, 3, 'only what is new goes on');
});

test('a stream is known within its site only', async () => {
  const me = newcomer();
  await post(native(me));
  await settledWithout(me, [0, 1, 2]);
  assert.equal((await post(native(me, { site: 'site-456' }))).status, 200);
  assert.equal(door.requests.length, 1);
});

test('nothing is remembered of an answer that was lost', async () => {
  const me = newcomer();
  door.fault = 'drop';
  assert.equal((await post(native(me))).status, 503);
  door.fault = undefined;
  door.requests.length = 0;
  assert.equal((await post(native(me))).status, 204);
  assert.equal(door.requests.length, 1);
});

test('with another incarnation of the storage behind everything is forgotten', async () => {
  const [me, other] = [newcomer(), newcomer()];
  await post(native(me));
  await settledWithout(me, [0, 1, 2]);
  await bridge.renew();
  // The worker hears of it with the next answer, whatever that speaks of.
  await until('the new storage answers', async () => (await post(native(other))).status === 204);
  assert.equal((await post(native(me))).status, 204);
  const mine = bridge.records().filter((record) => record.client_id === me.client);
  assert.deepEqual(mine.map((record) => record.seq), [0, 1, 2]);
});

test('a stream with more gaps than are kept is forgotten, and no gap is closed', async () => {
  const me = newcomer();
  const even = (from, to) => Array.from({ length: to - from }, (_, n) => 2 * (from + n));
  const post1 = async (seqs) => assert.equal((await post(native(me, { events: seqs.map((seq) => event(me, seq)) }))).status, 204);
  await post1(even(0, 1024));
  await settledWithout(me, even(0, 1024));
  await post1(even(1024, 1025));
  await until('it is forgotten', async () => {
    door.requests.length = 0;
    await post1([0]);
    return door.requests.length === 1;
  });
  door.requests.length = 0;
  await post1([1]);
  assert.equal(door.requests.length, 1, 'a gap is not known');
});

test('what was acknowledged without a bridge reaches it after a restart of everything', async () => {
  const me = newcomer();
  door.fault = 'refuse';
  assert.equal((await post(plain(me))).status, 204);
  await evict();
  door.fault = undefined;
  await until('the outbox is sent', () => bridge.records().filter((record) => record.client_id === me.client).length >= 3);
});

test('what the bridge never takes of an outbox is named in the ledger', async () => {
  const me = newcomer();
  door.fault = 'refuse';
  assert.equal((await post(plain(me))).status, 204);
  door.fault = { spoil: 1 };
  const mine = () => bridge.records().filter((record) => record.client_id === me.client);
  await until('a ledger record', () => mine().some((record) => record.event_type === '$ledger'), 40_000);
  assert.deepEqual(mine().map((record) => record.event_type), ['pageview', 'custom', '$ledger']);
  assert.deepEqual(mine().at(-1).unnamed, { rejected: 1 });
});

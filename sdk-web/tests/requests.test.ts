import assert from 'node:assert/strict';
import { test } from 'node:test';

import { append } from '../ts/hot_log';
import { BEACON_BYTES, rawRequests } from '../ts/raw_send';
import { readAnswer, retryAfter, splice } from '../ts/transport';
import { NONE } from '../ts/wasm';
import { newPage } from './page';

const NOW = Date.UTC(2026, 2, 1);

test('only hw-ack speaks for Headwater', () => {
  const answer = (status: number, headers: Record<string, string>) =>
    readAnswer({ status, headers: new Headers(headers) } as Response, NOW);
  assert.deepEqual(answer(204, { 'hw-ack': '50' }), [204, 50, NONE]);
  assert.deepEqual(answer(204, { 'hw-ack': '0' }), [204, 0, NONE]);
  assert.deepEqual(answer(200, {}), [200, NONE, NONE]);
  for (const foreign of ['', 'yes', '-1', '1.5', '5, 5']) assert.equal(answer(200, { 'hw-ack': foreign })[1], NONE, foreign);
  assert.deepEqual(answer(503, { 'hw-ack': '0', 'retry-after': '2' }), [503, 0, 2_000]);
});

test('Retry-After is seconds or a date, and nothing else', () => {
  assert.equal(retryAfter('120', NOW), 120_000);
  assert.equal(retryAfter(new Date(NOW + 5_000).toUTCString(), NOW), 5_000);
  assert.equal(retryAfter(new Date(NOW - 5_000).toUTCString(), NOW), NONE);
  for (const other of [null, '', 'soon', '1e3']) assert.equal(retryAfter(other, NOW), NONE, `${other}`);
});

test('a template becomes a request, whatever the bodies contain', () => {
  const page = newPage();
  page.site = 'sh"op';
  append(page, ['"name":"$& $1"}', '"name":"\\u0001"}']);
  const stream = page.current!;
  stream.refused = { sampled: 3 };
  const template = '{"site_id":\x03,"sent_at":\x04,"batches":[{\x01,"at":[0,2],"events":[{"seq":0,\x02,{"seq":1,\x02]}]}';
  const request = JSON.parse(splice(template, page, stream, [...stream.bodies.values()], NOW));
  assert.equal(request.site_id, 'sh"op');
  assert.equal(request.sent_at, NOW);
  assert.equal(request.batches[0].stream, stream.id);
  assert.deepEqual(request.batches[0].refused, { sampled: 3 });
  assert.deepEqual(request.batches[0].events, [
    { seq: 0, name: '$& $1' },
    { seq: 1, name: '\u0001' },
  ]);
});

test('a request that names nobody holds the stream alone', () => {
  const page = newPage();
  append(page, ['"name":"a"}']);
  const text = splice('{"stream":\x05}', page, page.current!, [], NOW);
  assert.deepEqual(JSON.parse(text), { stream: page.current!.id });
});

test('a raw send is cut where a beacon ends, in bytes and not in characters', () => {
  const page = newPage();
  const texts = Array.from({ length: 12 }, (_, n) => `"ts":${NOW + n},"name":"${'é'.repeat(5_000)}"}`);
  append(page, texts);
  const requests = rawRequests(page, NOW);
  assert.equal(requests.length, 3);
  for (const request of requests) assert.ok(Buffer.byteLength(request) <= BEACON_BYTES);
  const events = requests.flatMap((request) => {
    const [batch] = JSON.parse(request).batches;
    assert.deepEqual(batch.at, [0, 12]);
    return batch.events;
  });
  assert.deepEqual(events.map((event) => event.seq), texts.map((_, n) => n));
  assert.ok(events.every((event) => event.session_id === null));
});

test('an event longer than a beacon still makes a request of its own', () => {
  const page = newPage();
  append(page, ['"name":"a"}', `"name":"${'x'.repeat(BEACON_BYTES)}"}`, '"name":"b"}']);
  assert.deepEqual(
    rawRequests(page, NOW).map((request) => JSON.parse(request).batches[0].events.map((event: { seq: number }) => event.seq)),
    [[0], [1], [2]],
  );
});

test('what was denied is not sent raw', () => {
  const page = newPage();
  append(page, ['"name":"a"}']);
  page.current!.purged = true;
  assert.deepEqual(rawRequests(page, NOW), []);
});

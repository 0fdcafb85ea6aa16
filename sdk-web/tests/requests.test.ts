import assert from 'node:assert/strict';
import { test } from 'node:test';

import { append as appendTo } from '../ts/hot_log';
import { Lane } from '../ts/lane';
import { BEACON_BYTES, rawRequests } from '../ts/raw_send';
import { readAnswer, retryAfter, settingsOf, splice } from '../ts/transport';
import type { Page } from '../ts/types';
import { NONE, Refusal, whole } from '../ts/wasm';
import { newPage } from './page';

const NOW = Date.UTC(2026, 2, 1);

const append = (page: Page, bodies: string[], lane = Lane.Usual) => {
  appendTo(page, bodies, lane);
  return page.current[lane]!;
};

test('only hw-ack speaks for Headwater', () => {
  const answer = (status: number, headers: Record<string, string>) =>
    readAnswer({ status, headers: new Headers(headers) } as Response, NOW);
  assert.deepEqual(answer(204, { 'hw-ack': '50' }), [204, 50, NONE, 0, 0]);
  assert.deepEqual(answer(204, { 'hw-ack': '0' }), [204, 0, NONE, 0, 0]);
  assert.deepEqual(answer(200, {}), [200, NONE, NONE, 0, 0]);
  for (const foreign of ['', 'yes', '-1', '1.5', '5, 5'])
    assert.equal(answer(200, { 'hw-ack': foreign })[1], NONE, foreign);
  assert.deepEqual(answer(503, { 'hw-ack': '0', 'retry-after': '2' }), [503, 0, 2_000, 0, 0]);
});

test('Retry-After is seconds or a date, and nothing else', () => {
  assert.equal(retryAfter('120', NOW), 120_000);
  assert.equal(retryAfter(new Date(NOW + 5_000).toUTCString(), NOW), 5_000);
  assert.equal(retryAfter(new Date(NOW - 5_000).toUTCString(), NOW), NONE);
  for (const other of [null, '', 'soon', '1e3']) assert.equal(retryAfter(other, NOW), NONE, `${other}`);
});

test('a template becomes a request, whatever the bodies contain', () => {
  const page = newPage();
  page.site = '"sh\\"op"';
  const stream = append(page, ['"name":"$& $1"}', '"name":"\\u0001"}']);
  const template =
    '{"site_id":\x03,"sent_at":\x04,"batches":[{\x01,"at":[0,2],"events":[{"seq":0,\x02,{"seq":1,\x02]}]}';
  const request = JSON.parse(splice(template, page, stream, [...stream.bodies.values()], NOW));
  assert.equal(request.site_id, 'sh"op');
  assert.equal(request.sent_at, NOW);
  assert.equal(request.batches[0].stream, stream.id);
  assert.deepEqual(request.batches[0].events, [
    { seq: 0, name: '$& $1' },
    { seq: 1, name: '\u0001' },
  ]);
});

test('a request that names nobody holds the stream alone', () => {
  const page = newPage();
  const stream = append(page, ['"name":"a"}']);
  assert.deepEqual(JSON.parse(splice('{"stream":\x05}', page, stream, [], NOW)), { stream: stream.id });
});

test('a raw send is cut where a beacon ends, in bytes and not in characters', () => {
  const page = newPage();
  const texts = Array.from({ length: 12 }, (_, n) => `"ts":${NOW + n},"name":"${'é'.repeat(5_000)}"}`);
  append(page, texts);
  const requests = rawRequests(page, page.streams, NOW);
  assert.equal(requests.length, 3);
  for (const request of requests) assert.ok(Buffer.byteLength(request) <= BEACON_BYTES);
  const events = requests.flatMap((request) => {
    const [batch] = JSON.parse(request).batches;
    assert.deepEqual(batch.at, [0, 12]);
    return batch.events;
  });
  assert.deepEqual(
    events.map((event) => event.seq),
    texts.map((_, n) => n),
  );
  assert.ok(events.every((event) => event.session_id === null));
});

test('an event longer than a beacon still makes a request of its own', () => {
  const page = newPage();
  append(page, ['"name":"a"}', `"name":"${'x'.repeat(BEACON_BYTES)}"}`, '"name":"b"}']);
  assert.deepEqual(
    rawRequests(page, page.streams, NOW).map((request) =>
      JSON.parse(request).batches[0].events.map((event: { seq: number }) => event.seq),
    ),
    [[0], [1], [2]],
  );
});

test('what was denied is not sent raw', () => {
  const page = newPage();
  append(page, ['"name":"a"}']).purged = true;
  assert.deepEqual(rawRequests(page, page.streams, NOW), []);
});

test('the server’s clock crosses in two halves', () => {
  const headers = new Headers({ 'hw-ack': '1', 'hw-time': `${NOW}` });
  const [, , , low, high] = readAnswer({ status: 204, headers } as Response, NOW);
  assert.equal(whole(low >>> 0, high >>> 0), NOW);
});

test('settings are numbers, and what is missing is the default', () => {
  assert.deepEqual(settingsOf({}), [10_000, 0, 0, 0, 0]);
  assert.deepEqual(
    settingsOf({ sample: 0, calls_per_minute: 60, flush_ms: 1, queue_bytes: 2, stop_ms: 3 }),
    [0, 60, 1, 2, 3],
  );
  assert.deepEqual(
    settingsOf({ sample: '5', calls_per_minute: [7], flush_ms: -1, queue_bytes: null, stop_ms: 2 ** 40 }),
    [10_000, 0, 0, 0, NONE],
  );
});

test('a raw send tells what was refused, by its words, even without an event', () => {
  const page = newPage();
  const { refused, bodies } = append(page, ['"name":"a"}']);
  refused[Refusal.Sampled] = 3;
  refused[Refusal.RateCap] = 1;
  const told = () => rawRequests(page, page.streams, NOW).map((request) => JSON.parse(request).batches[0]);
  assert.deepEqual(told()[0].refused, { rate_cap: 1, sampled: 3 });
  bodies.clear();
  assert.deepEqual(
    told().map(({ events, refused }) => [events, refused]),
    [[[], { rate_cap: 1, sampled: 3 }]],
  );
});

test('a raw send begins with what is precious, under the same header but for the stream', () => {
  const page = newPage();
  append(page, ['"name":"a"}']);
  append(page, ['"name":"b"}'], Lane.Precious);
  const [first, second] = rawRequests(page, page.streams, NOW).map((request) => JSON.parse(request).batches[0]);
  assert.deepEqual([first.events[0].name, second.events[0].name], ['b', 'a']);
  assert.notEqual(first.stream, second.stream);
  const rest = ({ stream, events, ...header }: { stream: string; events: unknown }) => header;
  assert.deepEqual(rest(first), rest(second));
});

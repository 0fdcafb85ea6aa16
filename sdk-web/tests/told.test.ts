/** What the core is told, as it happens or afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { adopt } from '../ts/adopt';
import { append } from '../ts/hot_log';
import { Lane } from '../ts/lane';
import { note } from '../ts/notes';
import { known, resetIdentity } from '../ts/shared';
import { refused, replay } from '../ts/tell';
import { Kept, type Stream } from '../ts/types';
import { uuid } from '../ts/uuid';
import { Input, Refusal } from '../ts/wasm';
import { Area, coldOf, listen, newPage, stored } from './page';

const body = (n: number) => `"ts":${1_710_320_000_000 + n},"name":"e${n}"}`;
const kinds = (told: [kind: Input, ...args: number[]][]) => told.map(([kind]) => kind);

test('a stream is opened in its lane, after the visitor is named, and closed before the next', () => {
  const page = newPage();
  const told = listen(page);
  append(page, [body(0)], Lane.Usual);
  append(page, [body(1)], Lane.Precious);
  const draw = parseInt(known(page)[1].slice(0, 8), 16);
  assert.deepEqual(
    told.filter(([kind]) => kind !== Input.Appended),
    [
      [Input.Visitor, draw],
      [Input.Opened, 0, 0, Lane.Usual],
      [Input.Visitor, draw],
      [Input.Opened, 1, 0, Lane.Precious],
    ],
  );
  told.length = 0;
  page.close();
  assert.deepEqual(told, [
    [Input.Closed, 0],
    [Input.Closed, 1],
  ]);
});

test('after a reset the core hears of it, and of the new visitor, before the stream', () => {
  const page = newPage();
  append(page, [body(0)], Lane.Usual);
  const told = listen(page);
  resetIdentity(page);
  page.close(true);
  append(page, [body(1)], Lane.Usual);
  const draw = parseInt(known(page)[1].slice(0, 8), 16);
  assert.deepEqual(kinds(told), [Input.Closed, Input.Reset, Input.Visitor, Input.Opened, Input.Appended]);
  assert.deepEqual(told[2], [Input.Visitor, draw]);
});

test('an event is told by its length in bytes, whatever its letters', () => {
  const page = newPage();
  const told = listen(page);
  const texts = [body(0), '"ts":1710320000001,"name":"é😀"}'];
  append(page, texts, Lane.Usual);
  const lengths = told.filter(([kind]) => kind === Input.Appended).map(([, , , length]) => length);
  assert.deepEqual(
    lengths,
    texts.map((text) => Buffer.byteLength(text)),
  );
});

test('what happened before the core was there is told in order', () => {
  const page = newPage();
  append(page, [body(0)], Lane.Usual);
  page.refused[Refusal.Invalid] = 2;
  page.close();
  append(page, [body(1)], Lane.Usual);
  append(page, [body(2)], Lane.Precious);
  const told = listen(page);
  replay(page);
  assert.deepEqual(
    told.filter(([kind]) => kind !== Input.Visitor && kind !== Input.Appended),
    [
      [Input.Opened, 0, 0, Lane.Usual],
      [Input.Refused, 0, Refusal.Invalid, 2],
      [Input.Closed, 0],
      [Input.Opened, 1, 0, Lane.Usual],
      [Input.Opened, 2, 0, Lane.Precious],
    ],
  );
});

test('a denial that was taken back is told around the streams it purged', () => {
  const page = newPage();
  append(page, [body(0)], Lane.Usual);
  page.close();
  for (const stream of page.streams) stream.purged = true;
  append(page, [body(1)], Lane.Usual);
  const told = listen(page);
  replay(page);
  const consents = told.filter(([kind]) => kind === Input.Consent || kind === Input.Opened);
  assert.deepEqual(consents, [
    [Input.Consent, 0, 0],
    [Input.Opened, 0, 0, Lane.Usual],
    [Input.Consent, 0, 1],
    [Input.Opened, 1, 0, Lane.Usual],
  ]);
});

test('what was refused just before a stream ends is told before its end', () => {
  const page = newPage();
  append(page, [body(0)], Lane.Usual);
  const told = listen(page);
  page.refused[Refusal.Invalid] = 2;
  page.close();
  assert.deepEqual(told, [
    [Input.Refused, 0, Refusal.Invalid, 2],
    [Input.Closed, 0],
  ]);
});

test('every counter is told as it stands', () => {
  const page = newPage();
  append(page, [body(0)], Lane.Usual);
  const told = listen(page);
  const [stream] = page.streams;
  stream!.refused = { [Refusal.Sampled]: 3, [Refusal.Stopped]: 1 };
  refused(page, stream!);
  assert.deepEqual(told, [
    [Input.Refused, 0, Refusal.Sampled, 3],
    [Input.Refused, 0, Refusal.Stopped, 1],
  ]);
});

test('an adopter finds the lane, the events, the stamps and the names of a page that is gone', async () => {
  const area = new Area();
  const gone = newPage(area);
  append(gone, [body(0), body(1)], Lane.Usual);
  append(gone, [body(2)], Lane.Precious);
  const [usual, precious] = gone.streams as [Stream, Stream];
  note(gone, usual, 's0', [0, 1, 2, 3, 4]);
  note(gone, usual, 'r1', [0, 1, 4]);
  const page = newPage(area);
  const told = listen(page);
  await adopt(page, coldOf({}), page.core!.tell);
  const found = told
    .filter(([kind]) => kind === Input.StreamFound)
    .map(([, no, ...rest]) => [page.streams[no!]!.id, ...rest]);
  assert.deepEqual(
    found.sort(),
    [
      [precious.id, 0, 1, 0, Lane.Precious],
      [usual.id, 0, 2, 0, Lane.Usual],
    ].sort(),
  );
  const { no } = page.streams.find(({ id }) => id === usual.id)!;
  const ofUsual = told.filter(([kind, of]) => of === no && kind !== Input.StreamFound && kind !== Input.Found);
  assert.deepEqual(ofUsual, [
    [Input.FoundStamp, no, 0, 1, 2, 3, 4],
    [Input.FoundLoss, no, 0, 1, 4],
    [Input.Adopted, no],
  ]);
  assert.equal(told.filter(([kind]) => kind === Input.Found).length, 3);
});

test('a page that wrote within the minute is not taken for gone, where there are no locks', async () => {
  const area = new Area();
  append(newPage(area), [`"ts":${Date.now()},"name":"a"}`], Lane.Usual);
  const page = newPage(area);
  const told = listen(page);
  await adopt(page, coldOf({}), page.core!.tell);
  assert.deepEqual(told, []);
});

test('what is in the cold store alone is adopted with what is in both, and known to be there', async () => {
  const area = new Area();
  const gone = newPage(area);
  for (const n of [0, 1, 2, 3]) append(gone, [body(n)], Lane.Usual);
  const stream = gone.streams[0]!;
  const cold = Object.fromEntries(Object.entries(stored(gone, stream)).map(([name, value]) => [`${stream.id}:${name}`, value]));
  // The latest did not come to be cold, and the oldest are no longer hot.
  delete cold[`${stream.id}:3`];
  gone.remove(`${stream.id}:0`);
  gone.remove(`${stream.id}:1`);
  const page = newPage(area);
  const told = listen(page);
  await adopt(page, coldOf(cold), page.core!.tell);
  assert.deepEqual(kinds(told), [Input.StreamFound, ...Array(4).fill(Input.Found), Input.Adopted]);
  assert.deepEqual([...page.streams[0]!.bodies.values()].sort(), [0, 1, 2, 3].map(body));
  assert.deepEqual([...page.cold].map(([key, kept]) => [key.slice(37), kept]).sort(), [
    ['0', Kept.Cold],
    ['1', Kept.Cold],
    ['2', Kept.Cold],
    ['h', Kept.Cold],
  ]);
});

test('a stream that only the cold store knows is adopted', async () => {
  const page = newPage();
  const told = listen(page);
  const id = uuid();
  await adopt(page, coldOf({ [`${id}:h`]: `"stream":"${id}"`, [`${id}:0`]: `0,1,0\n${body(0)}` }), page.core!.tell);
  assert.deepEqual(kinds(told), [Input.StreamFound, Input.Found, Input.Adopted]);
});

test('a cold store that fails leaves what localStorage holds', async () => {
  const area = new Area();
  append(newPage(area), [body(0)], Lane.Usual);
  const page = newPage(area);
  const told = listen(page);
  const broken = () => Promise.reject(Error('broken'));
  await adopt(page, { ...coldOf({}), look: broken }, page.core!.tell);
  assert.deepEqual(kinds(told), [Input.StreamFound, Input.Found, Input.Adopted]);
});

test('a page that wrote within the minute is not taken for gone because the latest is cold only', async () => {
  const page = newPage();
  const told = listen(page);
  const id = uuid();
  const cold = { [`${id}:h`]: `"stream":"${id}"`, [`${id}:0`]: `0,1,0\n"ts":${Date.now()},"name":"a"}` };
  await adopt(page, coldOf(cold), page.core!.tell);
  assert.deepEqual(told, []);
});

test('another life of the page ends an adoption', async () => {
  const area = new Area();
  append(newPage(area), [body(0)], Lane.Usual);
  const page = newPage(area);
  const told = listen(page);
  const cold = coldOf({});
  const search = (id?: string) => {
    if (id) page.streams = [];
    return cold.look(id);
  };
  await adopt(page, { ...cold, look: search }, page.core!.tell);
  assert.deepEqual(told, []);
  assert.deepEqual(page.streams, []);
});

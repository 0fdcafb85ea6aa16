import assert from 'node:assert/strict';
import { test } from 'node:test';

import { append as appendTo, restore } from '../ts/hot_log';
import { Lane } from '../ts/lane';
import { forget, forgetStream, note, noteLoss, reserve } from '../ts/notes';
import { compare as compareWith, known, resetIdentity, setUser } from '../ts/shared';
import { Kept, type Page, type Stream } from '../ts/types';
import { uuid } from '../ts/uuid';
import { Refusal } from '../ts/wasm';
import { Area, newPage, stored } from './page';

const append = (page: Page, bodies: string[]) => appendTo(page, bodies, Lane.Usual);
const compare = (page: Page) => compareWith(page, page.read('id'));
const current = (page: Page): Stream => page.current[Lane.Usual]!;

const body = (n: number) => `"ts":${1_710_320_000_000 + n},"name":"e${n}"}`;

test('a UUID is random, version 4', () => {
  const ids = Array.from({ length: 100 }, uuid);
  for (const id of ids) assert.match(id, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  assert.equal(new Set(ids).size, 100);
});

test('the header is written before the first event, and one task is one entry', () => {
  const area = new Area();
  const writes: string[] = [];
  const set = area.setItem.bind(area);
  Object.defineProperty(area, 'setItem', {
    value: (key: string, value: string) => (writes.push(key), set(key, value)),
  });
  const page = newPage(area);
  append(page, [body(0), body(1)]);
  append(page, [body(2)]);
  const { id, header, head } = current(page);
  const names = writes.map((key) => key.slice(page.prefix.length));
  assert.deepEqual(names, ['id', `${id}:h`, `${id}:0`, `${id}:1`]);
  assert.equal(head, 3);
  assert.deepEqual(stored(page, current(page)), {
    h: header,
    0: `0,2,0\n${body(0)}\n${body(1)}`,
    1: `0,3,2\n${body(2)}`,
  });
  assert.equal(JSON.parse(`{${header}}`).stream, id);
});

test('an entry stays until all its events are forgotten', () => {
  const page = newPage();
  append(page, [body(0), body(1)]);
  append(page, [body(2)]);
  const stream = current(page);
  forget(page, stream, 1, 3);
  assert.deepEqual(Object.keys(stored(page, stream)).sort(), ['0', 'h']);
  forget(page, stream, 0, 1);
  assert.deepEqual(Object.keys(stored(page, stream)), ['h']);
});

test('a failed write uses up no seq and begins a stream in memory', () => {
  const area = new Area();
  const page = newPage(area);
  append(page, [body(0)]);
  const first = current(page);
  area.fill();
  append(page, [body(1)]);
  const second = current(page);
  assert.notEqual(second.id, first.id);
  assert.equal(first.head, 1);
  assert.equal(second.head, 1);
  assert.equal(second.stored, false);
  assert.equal(JSON.parse(`{${second.header}}`).context.no_storage, true);
  assert.deepEqual(stored(page, second), {});
});

test('without storage everything is in memory', () => {
  const page = newPage();
  page.area = undefined;
  append(page, [body(0)]);
  append(page, [body(1)]);
  assert.equal(page.streams.length, 1);
  assert.deepEqual([...current(page).bodies.values()], [body(0), body(1)]);
});

test('what a cleared storage held is written again, with holes where events were settled', () => {
  const page = newPage();
  append(page, [body(0), body(1), body(2), body(3)]);
  const stream = current(page);
  forget(page, stream, 0, 1);
  forget(page, stream, 2, 3);
  note(page, stream, 'r1', [2, 3, 4]);
  page.area = new Area() as unknown as Storage;
  assert.equal(compare(page), 'cleared');
  restore(page);
  const { h, 1: log, ...notes } = stored(page, stream);
  assert.equal(h, stream.header);
  assert.equal(log, `0,4,0\n\n${body(1)}\n\n${body(3)}`);
  assert.deepEqual(Object.values(notes), ['0,4,2,3,4']);
  assert.equal(compare(page), 'same');
});

test('what is in the cold store is not written again', () => {
  const page = newPage();
  for (const n of [0, 1, 2]) append(page, [body(n)]);
  const stream = current(page);
  page.cold.set(`${stream.id}:0`, Kept.Cold);
  page.area = new Area() as unknown as Storage;
  restore(page);
  assert.equal(stored(page, stream)[3], `0,3,1\n${body(1)}\n${body(2)}`);
  page.cold.set(`${stream.id}:3`, Kept.Cold);
  page.area = new Area() as unknown as Storage;
  restore(page);
  assert.equal(stored(page, stream)[4], '0,3,3');
});

test('a stream is forgotten altogether, its header last', () => {
  const page = newPage();
  append(page, [body(0)]);
  const stream = current(page);
  note(page, stream, 's0', [0, 1, 2, 3, 4]);
  const removed: string[] = [];
  const area = page.area!;
  const remove = area.removeItem.bind(area);
  Object.defineProperty(area, 'removeItem', { value: (key: string) => (removed.push(key), remove(key)) });
  forgetStream(page, stream);
  assert.deepEqual(stored(page, stream), {});
  assert.equal(removed.at(-1), `${page.prefix}${stream.id}:h`);
  assert.equal(page.current[Lane.Usual], undefined);
});

test('another tab’s identity is noticed by its revision, even back at the same user', () => {
  const area = new Area();
  const [here, there] = [newPage(area), newPage(area)];
  known(here);
  assert.equal(compare(there), 'same');
  assert.deepEqual(known(there), known(here));
  setUser(there, 'user-7');
  assert.equal(compare(here), 'changed');
  assert.equal(known(here)[3], 'user-7');
  setUser(there, 'user-7');
  assert.equal(compare(here), 'changed');
  resetIdentity(there);
  assert.equal(compare(here), 'changed');
  assert.equal(known(here)[3], null);
  assert.equal(compare(here), 'same');
});

test('an identity that is not ours is replaced', () => {
  for (const foreign of ['', 'x', '{}', '[]', 'null', '[0]', '["0","a"]']) {
    const page = newPage();
    page.area!.setItem('hw1:shop:id', foreign);
    assert.equal(compare(page), 'same', foreign);
    assert.match(known(page)[1], /^[\da-f-]{36}$/);
  }
});

test('refusals are told with the stream that is current, or with the next', () => {
  const page = newPage();
  page.refused[Refusal.Consent] = 2;
  append(page, [body(0)]);
  assert.deepEqual(current(page).refused, { [Refusal.Consent]: 2 });
  page.refused[Refusal.Consent]++;
  const first = current(page);
  page.close();
  page.refused[Refusal.Consent] = 7;
  page.close();
  append(page, [body(1)]);
  assert.deepEqual([first.refused, current(page).refused], [{ [Refusal.Consent]: 3 }, { [Refusal.Consent]: 7 }]);
});

test('each lane has a stream of its own, and both end together', () => {
  const page = newPage();
  append(page, [body(0)]);
  appendTo(page, [body(1)], Lane.Precious);
  append(page, [body(2)]);
  const [usual, precious] = page.current as [Stream, Stream];
  assert.deepEqual([usual.head, precious.head], [2, 1]);
  page.close();
  append(page, [body(3)]);
  assert.notEqual(page.current[Lane.Usual], usual);
  assert.equal(page.current[Lane.Precious], undefined);
});

test('a full storage still takes the name of a loss, and the room for the next is laid out again', () => {
  const area = new Area();
  const page = newPage(area);
  reserve(page);
  append(page, [body(0), body(1)]);
  const stream = current(page);
  area.fill();
  assert.equal(note(page, stream, 's0', [0, 1, 2, 3, 4]), false, 'stamps have no claim to it');
  assert.equal(noteLoss(page, stream, 'r1', [0, 2, 4]), true);
  assert.ok(Object.values(stored(page, stream)).includes('0,2,0,2,4'));
  assert.equal(page.read('reserve'), null);
  forget(page, stream, 0, 2);
  area.room += 1_024;
  reserve(page);
  assert.equal(page.read('reserve')?.length, 1_024);
});

test('without room and without a reserve the name of a loss is not taken for written', () => {
  const area = new Area();
  const page = newPage(area);
  append(page, [body(0)]);
  area.fill();
  assert.equal(noteLoss(page, current(page), 'r1', [0, 1, 4]), false);
});

test('nothing is laid out for a visitor who has not agreed', () => {
  const page = newPage();
  page.verdict = 'denied';
  reserve(page);
  assert.deepEqual(Object.keys(page.area as object), []);
});

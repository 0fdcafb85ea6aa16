import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import type { Money } from '../ts/api';
import { eventText as text, json, tsOf, word } from '../ts/event';
import { keep, merged } from '../ts/registered';
import { Key } from '../ts/shared';
import { newPage } from './page';

const eventText = (type: string, name: unknown, props: unknown, money?: Money) => text(type, name, props, money);

before(() => {
  const location = { pathname: '/pricing', search: '?a=1', href: 'https://shop.test/pricing?a=1' };
  Object.assign(globalThis, { location, document: { referrer: 'https://search.test/' } });
});

test('half a surrogate pair and NUL become U+FFFD, and what only looks like them stays', () => {
  const read = (text: string) => JSON.parse(json(text));
  assert.equal(read('cut \ud83d'), 'cut \ufffd');
  assert.equal(read('\udc00\ud800'), '\ufffd\ufffd');
  for (const whole of ['😀', '\\ud800', '\\\\ud83d', '\\', 'a\\\\', '"\\ud800"', '\\u0000', '\n\u0001\u2028']) {
    assert.equal(read(whole), whole);
  }
  assert.equal(read('\\\ud800'), '\\\ufffd');
  assert.equal(read('a\0b'), 'a\ufffdb');
});

test('ts strictly increases, though the clock stands still or is set back', (t) => {
  t.mock.method(Date, 'now', () => 1_710_320_000_000);
  const first = tsOf(eventText('custom', 'a', null));
  assert.ok(first >= 1_710_320_000_000);
  assert.equal(tsOf(eventText('custom', 'b', null)), first + 1);
  t.mock.method(Date, 'now', () => 0);
  assert.equal(tsOf(eventText('custom', 'c', null)), first + 2);
});

test('an event is one line of JSON without its opening brace', () => {
  const text = eventText('custom', 'two\nlines', { 'a\r\n': ['\u2028'], none: undefined });
  assert.doesNotMatch(text, /[\n\r]/);
  const { ts, ...event } = JSON.parse(`{${text}`);
  assert.ok(ts > 0);
  assert.deepEqual(event, { type: 'custom', url: '/pricing?a=1', name: 'two\nlines', props: { 'a\r\n': ['\u2028'] } });
});

test('a call made by the data of another comes before it, in time as in the journal', () => {
  let inner = '';
  const props = {
    get n() {
      inner = eventText('custom', 'inner', null);
      return 1;
    },
  };
  const outer = eventText('custom', 'outer', props);
  assert.ok(tsOf(inner) < tsOf(outer));
});

test('a toJSON that a library gives to all of a kind is passed over, one of an object’s own is not', () => {
  const types = [Object, Array, String, Number] as unknown as { prototype: { toJSON?: unknown } }[];
  const value = { list: ['a', 1, null], at: new Date(0), own: { toJSON: () => ['b'] } };
  const before = json(value);
  for (const type of types) {
    type.prototype.toJSON = () => '"odd"';
    try {
      assert.equal(json(value), before);
      assert.equal(json('a'), '"a"');
    } finally {
      delete type.prototype.toJSON;
    }
  }
});

test('the first page view refers to where the visitor came from, the next to the view before', () => {
  const referrer = () => JSON.parse(`{${eventText('pageview', null, null)}`).referrer;
  assert.equal(referrer(), 'https://search.test/');
  assert.equal(referrer(), 'https://shop.test/pricing?a=1');
});

test('what is no object, cannot be written or is too long throws', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  for (const props of [cycle, { n: 1n }, [1], 5, 'x', () => 1, { toJSON: () => 'x' }, { text: 'x'.repeat(60_000) }, { deep: { text: 'x'.repeat(60_000) } }, 'x'.repeat(60_000)]) {
    assert.throws(() => eventText('custom', 'a', props));
  }
  assert.throws(() => eventText('custom', Symbol('a'), null));
});

test('money is an integer of minor units with three capitals, or the call is refused', () => {
  const event = JSON.parse(`{${eventText('custom', 'order', null, { revenue: -1_299, currency: 'EUR' })}`);
  assert.deepEqual([event.revenue, event.currency], [-1_299, 'EUR']);
  const wrong = [
    {},
    { revenue: 1 },
    { currency: 'EUR' },
    { revenue: 12.99, currency: 'EUR' },
    { revenue: 1, currency: 'eur' },
    { revenue: 1, currency: { toString: () => 'eur' } },
  ];
  const worse = [
    { revenue: '1', currency: 'EUR' },
    { revenue: NaN, currency: 'EUR' },
    { revenue: 2 ** 53, currency: 'EUR' },
    5,
  ];
  for (const money of [...wrong, ...worse]) {
    assert.throws(() => eventText('custom', 'order', null, money as Money), JSON.stringify(money));
  }
});

test('what must be there is text that is not empty, and that the collector takes', () => {
  assert.equal(word('é'.repeat(128)).length, 128);
  for (const long of ['x'.repeat(257), 'é'.repeat(129)]) assert.throws(() => word(long));
  assert.equal(word('a'), 'a');
  assert.equal(word(0), '0');
  for (const none of [undefined, null, '', Symbol('a')]) assert.throws(() => word(none));
});

test('registered properties are added, the call’s own win, and what was unregistered is gone', () => {
  const page = newPage();
  assert.equal(merged(page, undefined), undefined);
  keep(page, { plan: 'free', tab: 1, gone: undefined });
  const written = (props: unknown) => JSON.parse(JSON.stringify(merged(page, props)));
  assert.deepEqual(written(null), { plan: 'free', tab: 1 });
  assert.deepEqual(written({ plan: 'pro', n: 5 }), { plan: 'pro', tab: 1, n: 5 });
  for (const none of [[1], 5, 'x']) assert.throws(() => merged(page, none));
});

test('registered properties are stored once consent is given, and only when they changed', () => {
  const page = newPage();
  page.verdict = 'unknown';
  keep(page, { plan: 'free' });
  assert.equal(page.read(Key.Props), null);
  page.verdict = 'granted';
  keep(page, page.registered);
  assert.equal(page.read(Key.Props), '{"plan":"free"}');
  keep(page, {});
  assert.equal(page.read(Key.Props), '{}');
});

/** The cold store as a visitor's browser has it, and calls that fill it. */
import { until } from './until.mjs';

/** What IndexedDB of the page's site holds, by key; `undefined` where there is no database. Makes none. */
export const cold = ({ key }, page) =>
  page.evaluate(async (name) => {
    const ended = (request) =>
      new Promise((done, failed) => Object.assign(request, { onsuccess: () => done(request.result), onerror: failed }));
    const opening = indexedDB.open(name);
    opening.onupgradeneeded = () => opening.transaction.abort();
    const database = await ended(opening).catch(() => undefined);
    if (!database) return undefined;
    try {
      const store = database.transaction('log').objectStore('log');
      const [keys, values] = await Promise.all([ended(store.getAllKeys()), ended(store.getAll())]);
      return Object.fromEntries(keys.map((key, at) => [key, values[at]]));
    } finally {
      database.close();
    }
  }, `hw1:${key}`);

export const isLog = ([name]) => /:\d+$/.test(name);
export const events = (journal) =>
  Object.entries(journal ?? {})
    .filter(isLog)
    .flatMap(([, value]) => value.split('\n').slice(1))
    .filter(Boolean).length;

/** Polls until IndexedDB holds so many events. */
export const isCold = (visitor, page, count) =>
  until(`${count} events in IndexedDB`, async () => events(await cold(visitor, page)) === count);

/** Tracks events of a little more than 1,000 characters, each in a task of its own. */
export const tapLong = (page, count) =>
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
export const tapUntilFull = async (visitor, page) => {
  let called = 0;
  const log = await until('a log of at most 16,384 characters', async () => {
    await tapLong(page, 10);
    called += 10;
    const log = Object.entries(await visitor.journal(page)).filter(isLog);
    return called > 20 && log.map(([, value]) => value).join('').length <= 16_384 && log;
  });
  return [called, log.length];
};

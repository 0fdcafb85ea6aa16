/**
 * A device of a scenario: a browser profile, and where one is needed a page of the site without SDK, which sees and
 * changes what the others store.
 */
import { install } from './in_page.mjs';
import { SENTINEL, SITE_ID } from './page.mjs';

const PREFIX = `hw1:${SITE_ID}:`;

/** The numbers of reasons in the journal (`sdk-web/src/abi.rs`). */
const REASONS =
  ' consent dead_letter filtered queue_full rejected stopped storage too_many_gaps too_old vanished'.split(' ');

/** A key of the page's own that leaves no room for another. */
const FILLER = 'filler';

export class Device {
  #marks = 0;
  #witness;

  static async start(browser, site) {
    return Object.assign(new Device(), { site, context: await browser.newContext() });
  }

  /** The page without SDK. */
  async #open() {
    const tab = await this.context.newPage();
    await tab.addInitScript(install, { mono: 0, unix: 0, cold: true, collector: 'none:', sentinel: SENTINEL });
    await tab.goto(`${this.site.address}/other`);
    // Chromium tells a page of changes only once it has looked.
    await tab.evaluate(() => localStorage.length);
    return { tab };
  }

  witness() {
    return (this.#witness ??= this.#open());
  }

  /** What `writer` has stored is seen by `readers`. */
  async exchange(writer, readers) {
    const value = `${++this.#marks}`.padStart(9, '0');
    await writer.tab.evaluate((value) => conformance.mark(value), value);
    for (const { tab } of readers) await tab.evaluate((value) => conformance.heard(value), value);
  }

  /** What these pages have stored has left their processes. */
  async keep(pages) {
    const witness = await this.witness();
    for (const page of pages) await this.exchange(page, [witness]);
  }

  /** These Web Locks are no longer held. */
  async freed(names) {
    const { tab } = await this.witness();
    await tab.evaluate(async (names) => {
      const end = Date.real() + 20_000;
      const held = async () => (await navigator.locks.query()).held.some(({ name }) => names.includes(name));
      while (await held()) if (Date.real() > end) throw Error('a page that is gone holds its locks');
    }, names);
  }

  /** Everything that the page's site has stored in its two stores, by key. */
  async all(pages) {
    const { tab } = pages[0] ?? (await this.witness());
    const hot = await tab.evaluate(() => ({ ...localStorage }));
    return { hot, cold: await this.#cold((store) => [store.getAllKeys(), store.getAll()]) };
  }

  /** Does something with the cold store, if there is one: `ask` makes requests. The answers of two make an object. */
  async #cold(ask, argument) {
    const { tab } = await this.witness();
    return tab.evaluate(
      async ([name, ask, argument]) => {
        const ended = (request) =>
          new Promise((done, failed) => {
            request.onsuccess = () => done(request.result);
            request.onerror = failed;
          });
        if (!(await indexedDB.databases()).some((database) => database.name === name)) return {};
        const database = await ended(indexedDB.open(name));
        const store = database.transaction('log', 'readwrite').objectStore('log');
        const [keys = [], values] = await Promise.all((0, eval)(`(${ask})`)(store, argument).map(ended));
        database.close();
        return values ? Object.fromEntries(keys.map((key, at) => [key, values[at]])) : {};
      },
      [PREFIX.slice(0, -1), `${ask}`, argument],
    );
  }

  /** Changes localStorage; the pages know of it when this returns. */
  async #change(pages, change, argument) {
    await this.keep(pages);
    const witness = await this.witness();
    await witness.tab.evaluate(change, argument);
    await this.exchange(witness, pages);
  }

  async clear(pages) {
    await this.#change(pages, () => localStorage.clear());
    const { tab } = await this.witness();
    await tab.evaluate(
      (name) =>
        new Promise((done, failed) =>
          Object.assign(indexedDB.deleteDatabase(name), { onsuccess: done, onerror: failed, onblocked: failed }),
        ).then(() => {}),
      PREFIX.slice(0, -1),
    );
  }

  async remove(pages, key) {
    await this.#change(pages, (key) => localStorage.removeItem(key), PREFIX + key);
    await this.#cold((store, key) => [store.delete(key)], key);
  }

  async restore(pages, { hot, cold }) {
    await this.#change(
      pages,
      (all) => {
        localStorage.clear();
        Object.assign(localStorage, all);
      },
      hot,
    );
    await this.#restoreCold(cold);
  }

  async #restoreCold(cold) {
    const { tab } = await this.witness();
    await tab.evaluate(
      ([name, cold]) =>
        new Promise((done, failed) => {
          const request = indexedDB.open(name);
          request.onupgradeneeded = () => request.result.createObjectStore('log');
          request.onerror = failed;
          request.onsuccess = () => {
            const transaction = request.result.transaction('log', 'readwrite');
            const store = transaction.objectStore('log');
            store.clear();
            for (const [key, value] of Object.entries(cold)) store.put(value, key);
            transaction.oncomplete = () => done(request.result.close());
          };
        }),
      [PREFIX.slice(0, -1), cold],
    );
  }

  /** Fills what is left of the storage, or gives it free again. */
  fill(pages, full) {
    return this.#change(
      pages,
      ([full, filler, sentinel]) => {
        for (const key of Object.keys(localStorage)) if (key.startsWith(filler)) localStorage.removeItem(key);
        if (!full) return;
        // It is written again and again, always with as many characters.
        localStorage.setItem(sentinel, '0'.repeat(9));
        for (let size = 1 << 22, n = 0; size; n++) {
          try {
            localStorage.setItem(`${filler}${n}`, 'x'.repeat(size));
          } catch {
            size >>= 1;
          }
        }
      },
      [full, FILLER, SENTINEL],
    );
  }

  /** The journal: by stream, its events (by seq, with the key they lie under) and its names of losses. */
  async journal(pages) {
    const streams = new Map();
    const { hot, cold } = await this.all(pages);
    const ours = Object.entries(hot).filter(([key]) => key.startsWith(PREFIX));
    const both = { ...cold, ...Object.fromEntries(ours.map(([key, value]) => [key.slice(PREFIX.length), value])) };
    for (const [key, value] of Object.entries(both)) {
      const [, stream, name] = /^([\da-f-]{36}):(.*)$/.exec(key) ?? [];
      if (!stream) continue;
      if (!streams.has(stream)) streams.set(stream, { events: new Map(), lost: [] });
      const { events, lost } = streams.get(stream);
      const [first, ...lines] = value.split('\n');
      const numbers = first.split(',').map(Number);
      if (/^\d/.test(name)) {
        lines.forEach(
          (line, at) =>
            line && events.set(numbers[2] + at, { key: `${stream}:${name}`, event: JSON.parse(`{${line}`) }),
        );
      } else if (name[0] === 'r') {
        lost.push([stream, numbers[2], numbers[3], REASONS[numbers[4]]]);
      }
    }
    return streams;
  }
}

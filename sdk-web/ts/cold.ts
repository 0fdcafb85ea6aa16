/**
 * The cold store: IndexedDB `hw1:<site>`, one object store, where a journal entry has the key and the value that it has
 * in localStorage. A browser that is killed loses what it wrote to localStorage in its last seconds, but no transaction
 * that has ended. What is not acknowledged within 1.25 seconds is put there too (of a hidden page at once), and what
 * localStorage should not keep stays only there. It may fail at any time: then the journal is what localStorage holds.
 */

import { tsOf } from './event';
import { type Cold, Kept, type Page, type Tell } from './types';
import { Input } from './wasm';

/** Characters of events that a tab leaves in localStorage: the first access of a page grows with what is stored. */
const HOT_LENGTH = 16_384;
/** Bytes of events that the journal holds with and without a cold store. */
export const ROOM = 5_000_000;
const ROOM_WITHOUT = 16_384;

/**
 * How old an event is before it is put. The request that carries it goes within 1,000 ms (`flush_ms`), so most are
 * acknowledged by then; and a browser that is killed loses no more than two seconds, with the time of a transaction.
 */
const AGE_MS = 1_250;
/** After a failure the next attempt waits so long. */
const RETRY_MS = 10_000;
/** Longest wait for the database. Some browsers' never open. */
const OPEN_MS = 5_000;

const NAME = 'log';

const ended = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    // An error that nobody takes would be the page's.
    request.onerror = (event) => failed(event.preventDefault());
  });

export const newCold = (page: Page, tell: Tell): Cold => {
  let database: Promise<IDBDatabase> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the timer is that of another attempt. */
  let failing = false;
  /** Keys that are to be removed. */
  let gone: string[] = [];
  const { remove } = page;

  /** It failed. What is there stays, and the room for it. */
  const doWithout = (): void => {
    if (!page.cold.size) tell(Input.Room, ROOM_WITHOUT);
  };

  const open = async (): Promise<IDBDatabase> => {
    const request = indexedDB.open(page.prefix.slice(0, -1));
    request.onupgradeneeded = () => {
      // For a visitor who has not agreed only what is there is looked for.
      if (page.verdict === 'granted') request.result.createObjectStore(NAME);
      else request.transaction!.abort();
    };
    const opened = await Promise.race([ended(request), new Promise<never>((_, failed) => setTimeout(failed, OPEN_MS))]);
    opened.onclose = opened.onversionchange = () => {
      // The page, or the visitor, removes the database: what is still held is put again.
      opened.close();
      database = undefined;
      page.cold.clear();
      arm();
    };
    return opened;
  };

  const log = async (mode?: IDBTransactionMode): Promise<IDBObjectStore> => {
    try {
      return (await (database ??= open())).transaction(NAME, mode, { durability: 'relaxed' }).objectStore(NAME);
    } catch (error) {
      database = undefined;
      doWithout();
      throw error;
    }
  };

  /** What is not there. */
  const missing = (): [key: string, value: string][] => {
    const found: [key: string, value: string | null | undefined][] = [];
    for (const stream of page.streams) {
      const { id, own, stored, purged, header, done, bodies, notes, keys } = stream;
      if (!stored || purged || !(keys.length || notes.size)) continue;
      found.push([id + ':h', own ? header : page.read(id + ':h')], ...notes);
      for (const entry of keys) {
        const [key, from, to] = entry;
        if (page.cold.has(key)) continue;
        let value = page.read(key);
        if (!value && own) {
          // Gone from both stores: what memory holds of it is another entry.
          entry[0] = `${id}:${stream.writes++}`;
          value = `${done},${to},${from}`;
          for (let seq = from; seq < to; ) value += '\n' + (bodies.get(seq++) ?? '');
        }
        found.push([entry[0], value]);
      }
    }
    return found.filter(([key, value]) => value && !page.cold.has(key)) as [string, string][];
  };

  /** Puts what is missing and removes what is gone, in one transaction. */
  const sync = async (): Promise<void> => {
    const puts = page.verdict === 'granted' ? missing() : [];
    const removals = gone;
    gone = [];
    if (!puts.length && !removals.length) return;
    for (const [key] of puts) page.cold.set(key, Kept.Coming);
    try {
      const store = await log('readwrite');
      const { transaction } = store;
      for (const [key, value] of puts) store.put(value, key);
      // With its header all of a stream goes, also what its owner put when it was gone already.
      for (const key of removals)
        store.delete(key[37] === 'h' ? IDBKeyRange.bound(key.slice(0, 37), key.slice(0, 36) + ';') : key);
      // Ends it even if the page does.
      transaction.commit?.();
      await new Promise((done, failed) => {
        transaction.oncomplete = done;
        transaction.onabort = failed;
      });
      for (const [key] of puts) if (page.cold.has(key)) page.cold.set(key, Kept.Cold);
      tell(Input.Room, ROOM);
      makeRoom();
    } catch {
      failing = true;
      for (const [key] of puts) page.cold.delete(key);
      doWithout();
      clearTimeout(timer);
      timer = undefined;
      arm(RETRY_MS);
    }
  };

  /** Removes from localStorage what it should not keep; the newest stays. */
  const makeRoom = (): void => {
    let room = HOT_LENGTH;
    for (const { keys } of page.streams) {
      for (const [key] of [...keys].reverse()) {
        if (page.cold.get(key) !== Kept.Cold || (room -= page.read(key)?.length ?? 0) >= 0) continue;
        page.cold.set(key, Kept.Only);
        remove(key);
      }
    }
  };

  const arm = (wait = AGE_MS): void => {
    // The timers of a page that nobody sees may sleep for a minute.
    if (document.hidden && !failing) sync();
    timer ??= setTimeout(() => {
      timer = undefined;
      failing = false;
      const oldest = page.streams.map(({ bodies }) => tsOf(bodies.values().next().value ?? '') || Infinity);
      const young = Math.min(...oldest) + AGE_MS - page.now();
      // A clock may have been set back.
      if (young > 0 && young < AGE_MS) arm(young);
      else if (young < Infinity) sync();
    }, wait);
  };

  // What leaves localStorage for good leaves the cold store too.
  page.remove = (key) => {
    remove(key);
    if (page.cold.delete(key) && gone.push(key) < 2) queueMicrotask(sync);
  };

  return {
    arm,
    sync,
    look: async (id) => {
      const found: [key: string, value: string][] = [];
      const request = (await log()).openCursor(id ? IDBKeyRange.bound(id + ':', id + ';') : null);
      for (let cursor; (cursor = await ended(request)); ) {
        found.push([`${cursor.key}`, `${cursor.value}`]);
        cursor.continue(id ? undefined : `${cursor.key}`.slice(0, 36) + ';');
      }
      return found;
    },
  };
};

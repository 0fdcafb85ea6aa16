/**
 * The cold store: IndexedDB `hw1:<site>`, one object store, where a journal entry has the key and the value it has in
 * localStorage. A browser that is killed loses what it wrote to localStorage in its last seconds, but no transaction
 * that returned. What is not acknowledged within a second is put there too, and what localStorage has no room for stays
 * only there. It may fail at any time: then the journal is what localStorage holds, as before the first second.
 */

import type { Page, Tell } from './types';
import { Input } from './wasm';

/** Characters of events that a tab leaves in localStorage: the first access of a page grows with what is stored. */
const HOT_LENGTH = 16_384;
/** Bytes of events that the journal holds with and without a cold store. */
const ROOM = 5_000_000;
const ROOM_WITHOUT = 16_384;

/** How old what is put must be at the least: most is acknowledged by then. */
const AGE_MS = 1_000;
/** After a failure the next attempt waits so long. */
const RETRY_MS = 10_000;
/** Longest wait for the database. Some browsers' never open. */
const OPEN_MS = 5_000;

/** Entries read at once. */
const CHUNK = 64;

const NAME = 'log';

/** Where else an entry is that IndexedDB holds (`Page.cold`). */
export const enum Kept {
  /** The transaction has not ended. */
  Coming,
  /** In localStorage too. */
  Both,
  Only,
}

export interface Cold {
  /** Something may have to be put, later. */
  arm(): void;
  /** The page goes: puts and removes what is left, and closes the database; some browsers keep no page with an open one. */
  leave(): void;
  /** The streams of which it holds anything. */
  streams(): Promise<string[]>;
  /** What it holds of a stream. */
  read(id: string): Promise<[key: string, value: string][]>;
  /** Tells the core how much the journal holds. */
  tellRoom(): void;
}

const ended = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = (event) => {
      // Nor is it the page's.
      event.preventDefault();
      failed();
    };
  });

export const newCold = (page: Page, tell: Tell): Cold => {
  let database: Promise<IDBDatabase> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let works = true;
  /** Keys that are to be removed. */
  let gone: string[] = [];
  const { remove } = page;

  const open = (): Promise<IDBDatabase> =>
    (database ??= new Promise<IDBDatabase>((done, failed) => {
      const request = indexedDB.open(page.prefix.slice(0, -1));
      setTimeout(failed, OPEN_MS);
      request.onupgradeneeded = () => {
        // For a visitor who has not agreed only what is there is looked for.
        if (page.verdict === 'granted') request.result.createObjectStore(NAME);
        else request.transaction!.abort();
      };
      ended(request).then((opened) => {
        opened.onclose = opened.onversionchange = () => {
          // The page, or the visitor, removes the database: what is still held is put again.
          opened.close();
          lost();
          arm();
        };
        done(opened);
      }, failed);
    }).catch((error) => {
      lost();
      fail();
      throw error;
    }));

  const lost = (): void => {
    database = undefined;
    page.cold.clear();
  };

  const fail = (): void => {
    works = false;
    // What is already there stays, and room for it.
    if (!page.cold.size) tellRoom();
    clearTimeout(timer);
    timer = undefined;
    arm(RETRY_MS);
  };

  const tellRoom = (): void => {
    if (page.area) tell(Input.Room, works ? ROOM : ROOM_WITHOUT);
  };

  const log = async (mode?: IDBTransactionMode): Promise<IDBTransaction> =>
    (await open()).transaction(NAME, mode, { durability: 'relaxed' });

  /** What is not there, of the streams that owe something. */
  const missing = (): [key: string, value: string][] => {
    const found: [key: string, value: string][] = [];
    const look = (key: string, value: string | null) => {
      if (value !== null && !page.cold.has(key)) found.push([key, value]);
    };
    for (const stream of page.streams) {
      const { id, own, stored, purged, header, done, bodies, notes, keys } = stream;
      if (!stored || purged || !(bodies.size || [...notes.keys()].some((key) => key[37] === 'r'))) continue;
      look(id + ':h', own ? header : page.read(id + ':h'));
      for (const entry of keys) {
        const [key, from, to] = entry;
        if (page.cold.has(key)) continue;
        let value = page.read(key);
        if (value === null && own) {
          // Gone from both stores: what memory holds of it is another entry.
          entry[0] = `${id}:${stream.writes++}`;
          value = `${done},${to},${from}`;
          for (let seq = from; seq < to; seq++) value += '\n' + (bodies.get(seq) ?? '');
        }
        look(entry[0], value);
      }
      notes.forEach((value, key) => look(key, value));
    }
    return found;
  };

  /** Puts what is missing, if some of it is old enough or something is to be removed; in one transaction. */
  const sync = async (least = 0): Promise<void> => {
    const puts = page.verdict === 'granted' ? missing() : [];
    const removals = gone;
    gone = [];
    const called = puts.map(([, value]) => parseInt(value.split('"ts":')[1]!) || Infinity);
    const young = Math.min(...called) + least - Date.now();
    if (!removals.length && young > 0 && young < least) return arm(young);
    if (!(puts.length || removals.length)) return;
    for (const [key] of puts) page.cold.set(key, Kept.Coming);
    try {
      const transaction = await log('readwrite');
      const store = transaction.objectStore(NAME);
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
      for (const [key] of puts) if (page.cold.has(key)) page.cold.set(key, Kept.Both);
      if (!works) {
        works = true;
        tellRoom();
      }
      makeRoom();
    } catch {
      for (const [key] of puts) page.cold.delete(key);
      fail();
    }
  };

  /** Removes from localStorage what it has no room for. The newest stays. */
  const makeRoom = (): void => {
    let room = HOT_LENGTH;
    for (const { keys } of page.streams) {
      for (const [key] of [...keys].reverse()) {
        const kept = page.cold.get(key);
        if (kept === Kept.Only) continue;
        room -= page.read(key)?.length ?? 0;
        if (room >= 0 || kept !== Kept.Both) continue;
        page.cold.set(key, Kept.Only);
        remove(key);
      }
    }
  };

  const arm = (wait = AGE_MS): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      sync(AGE_MS);
    }, wait);
  };

  // What leaves localStorage for good leaves the cold store too.
  page.remove = (key) => {
    remove(key);
    if (!page.cold.delete(key)) return;
    if (!gone.length) Promise.resolve().then(() => sync());
    gone.push(key);
  };

  return {
    arm,
    leave: () => {
      sync();
      database?.then(
        (opened) => opened.close(),
        () => {},
      );
      database = undefined;
    },
    streams: async () => {
      const store = (await log()).objectStore(NAME);
      const ids: string[] = [];
      for (;;) {
        const after = ids.length ? ids[ids.length - 1] + ';' : '';
        const [key] = await ended(store.getAllKeys(IDBKeyRange.lowerBound(after), 1));
        if (key === undefined) return ids;
        ids.push(`${key}`.slice(0, 36));
      }
    },
    read: async (id) => {
      const store = (await log()).objectStore(NAME);
      const found: [key: string, value: string][] = [];
      for (let after = id + ':'; ; after = found[found.length - 1]![0]) {
        const range = IDBKeyRange.bound(after, id + ';', true, true);
        const [keys, values] = await Promise.all([
          ended(store.getAllKeys(range, CHUNK)),
          ended(store.getAll(range, CHUNK)),
        ]);
        keys.forEach((key, at) => found.push([`${key}`, `${values[at]}`]));
        if (keys.length < CHUNK) return found;
      }
    },
    tellRoom,
  };
};

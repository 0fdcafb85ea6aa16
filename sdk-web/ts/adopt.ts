/** Adoption: a later page sends what a page that is gone left behind, under its old names, then forgets it. */

import { laneOf } from './lane';
import { hotKeys } from './notes';
import { type Cold, Kept, type Page, type Stream, type Tell } from './types';
import { Input, STORAGE, numbers } from './wasm';

/** Where there are no Web Locks: how long a stream must have been quiet to be taken for a dead page's. */
const QUIET_MS = 60_000;

type Entry = [key: string, value: string];

/** Longest that adoption keeps the page from its own work, ms. */
const TURN_MS = 3;
let turn = 0;

/** Lets the page do its own work, when it is time. */
const pause = async (): Promise<void> => {
  if (performance.now() < turn) return;
  await new Promise((next) => setTimeout(next));
  turn = performance.now() + TURN_MS;
};

/**
 * Adopts every stream whose owner is gone, from both stores: an entry that is in both is the same. Copies are harmless,
 * so it matters little if an owner was not gone.
 */
export const adopt = async (page: Page, cold: Cold, tell: Tell): Promise<void> => {
  const { area, streams } = page;
  if (!area) return;
  const search = (id?: string) => cold.look(id).catch(() => []);
  const keys = [...(await search()).map(([key]) => key), ...hotKeys(page, '')];
  const ids = keys.filter((key) => /^[\da-f-]{36}:/.test(key)).map((key) => key.slice(0, 36));
  for (const id of new Set(ids)) {
    const known = () => page.streams !== streams || streams.some((stream) => stream.id === id);
    if (known() || (navigator.locks && !(await isFree(page, id)))) continue;
    // First localStorage: what an owner moves is in the cold store before it is no longer there.
    const hot = hotKeys(page, id);
    const entries = hot.map((key): Entry => [key, page.read(key) ?? '']);
    const found = await search(id);
    entries.push(...found.filter(([key]) => !hot.includes(key)));
    if (!navigator.locks && newest(entries) >= page.now() - QUIET_MS) continue;
    const stream = await read(page, id, entries);
    if (known()) continue;
    for (const [key] of found) page.cold.set(key, Kept.Cold);
    await announce(page, stream, tell);
  }
};

/** Takes the stream's lock and keeps it until the page leaves. */
const isFree = (page: Page, id: string): Promise<boolean> =>
  new Promise((answer) => {
    const granted = (held: Lock | null) => {
      answer(!!held);
      return held ? page.gone : undefined;
    };
    page.lock(id, { ifAvailable: true }, granted).then(() => answer(false));
  });

/** When its latest event was called, in Unix ms; 0 if it has none. */
const newest = (entries: Entry[]): number =>
  Math.max(0, ...entries.flatMap(([, value]) => value.split('\n').map((line) => parseInt(line.slice(5)) || 0)));

/** The stream that these entries are. */
const read = async (page: Page, id: string, entries: Entry[]): Promise<Stream> => {
  const stream = page.blank(id);
  for (const [key, value] of entries) {
    await pause();
    const name = key.slice(37);
    if (name === 'h') {
      stream.header = value;
      continue;
    }
    const [first, ...lines] = value.split('\n');
    const [below, head, from = 0] = numbers(first!) as [number, number, number?];
    if (!(below <= head)) {
      // Not written by us: goes with the rest of the stream.
      stream.keys.push([key, 0, 0]);
      continue;
    }
    stream.done = Math.max(stream.done, below);
    stream.head = Math.max(stream.head, head);
    if (/^\d/.test(name)) {
      lines.forEach((line, at) => line && stream.bodies.set(from + at, line));
      stream.keys.push([key, from, from + lines.length]);
    } else {
      stream.notes.set(key, value);
    }
  }
  return stream;
};

/** Tells the core all that is held of a stream; it acts on none of it before the last word. */
export const announce = async (page: Page, stream: Stream, tell: Tell): Promise<void> => {
  const { bodies, done, head, id, notes } = stream;
  const { streams } = page;
  const no = (stream.no = streams.length);
  streams.push(stream);
  tell(Input.StreamFound, no, done, head, 0, laneOf(stream.header));
  if (!stream.header) {
    // Whom it was about is gone, so its events cannot be sent: they are named.
    stream.header = `"stream":"${id}"`;
    bodies.clear();
    tell(Input.FoundLoss, no, done, head, STORAGE);
  }
  for (const [seq, body] of bodies) {
    await pause();
    // Another life of the page adopts it anew.
    if (page.streams !== streams) return;
    if (seq < done) bodies.delete(seq);
    else tell(Input.Found, no, seq, ...page.sized(body));
  }
  for (const [key, value] of notes)
    tell(key[37] === 's' ? Input.FoundStamp : Input.FoundLoss, no, ...numbers(value).slice(2));
  tell(Input.Adopted, no);
};

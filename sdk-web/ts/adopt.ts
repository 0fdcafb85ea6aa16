/** Adoption: a later page sends what a page that is gone left behind, under its old names, then forgets it. */

import { type Cold, Kept } from './cold';
import { laneOf } from './lane';
import { entries } from './notes';
import type { Page, Stream, Tell } from './types';
import { Input, STORAGE, numbers } from './wasm';

/** Where there are no Web Locks: how long a stream must have been quiet to be taken for a dead page's. */
const QUIET_MS = 60_000;

/** Longest that adoption keeps the page from its own work, ms: then it waits for its turn. */
const TURN_MS = 5;

/**
 * Adopts every stream whose owner is gone, from both stores: an entry that is in both is the same. Copies are harmless,
 * so it matters little if an owner was not gone.
 */
export const adopt = async (page: Page, cold: Cold, tell: Tell): Promise<void> => {
  const { streams } = page;
  const ids = new Set<string>();
  const look = (key: string) => {
    const id = /^([\da-f-]{36}):/.exec(key)?.[1];
    if (id) ids.add(id);
  };
  for (const key of Object.keys(page.area ?? {})) if (key.startsWith(page.prefix)) look(key.slice(page.prefix.length));
  if (page.area) for (const id of await cold.streams().catch(() => [])) look(id + ':');
  for (const id of ids) {
    const known = () => page.streams !== streams || streams.some((stream) => stream.id === id);
    if (known() || (navigator.locks && !(await isFree(page, id)))) continue;
    // In this order: what an owner moves is in the second before it leaves the first.
    const hot = new Map(entries(page, id));
    const both = new Map(await cold.read(id).catch(() => []));
    const where = [...both.keys()].map((key) => [key, hot.has(key) ? Kept.Both : Kept.Only] as const);
    hot.forEach((value, key) => both.set(key, value));
    if (known() || !(navigator.locks || newest(both) < Date.now() - QUIET_MS)) continue;
    where.forEach(([key, kept]) => page.cold.set(key, kept));
    await announce(page, read(page, id, both), tell);
  }
};

/** Takes the stream's lock and keeps it until the page leaves. */
const isFree = (page: Page, id: string): Promise<boolean> =>
  new Promise((answer) => {
    const granted = (held: Lock | null) => {
      answer(!!held);
      return held ? page.gone : undefined;
    };
    page.lock(id, { ifAvailable: true }, granted)?.then(() => answer(false));
  });

/** When its latest event was called, in Unix ms; 0 if it has none. */
const newest = (found: Map<string, string>): number =>
  Math.max(0, ...[...found.values()].flatMap((value) => value.split('\n').map((line) => parseInt(line.slice(5)) || 0)));

/** The stream that these entries are. */
const read = (page: Page, id: string, entries: Map<string, string>): Stream => {
  const stream = page.blank(id);
  const found: [seq: number, body: string][] = [];
  for (const [key, value] of entries) {
    const name = key.slice(id.length + 1);
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
      lines.forEach((line, at) => line && found.push([from + at, line]));
      stream.keys.push([key, from, from + lines.length]);
    } else {
      stream.notes.set(key, value);
    }
  }
  found.sort(([a], [b]) => a - b);
  for (const [seq, body] of found) if (seq >= stream.done) stream.bodies.set(seq, body);
  return stream;
};

/** Tells the core all that is held of a stream; it acts on none of it before the last word. */
export const announce = async (page: Page, stream: Stream, tell: Tell): Promise<void> => {
  const { bodies, done, head, id, no, notes } = stream;
  const { streams } = page;
  streams.push(stream);
  tell(Input.StreamFound, no, done, head, 0, laneOf(stream.header));
  if (!stream.header) {
    // Whom it was about is gone, so its events cannot be sent: they are named.
    stream.header = `"stream":"${id}"`;
    bodies.clear();
    tell(Input.FoundLoss, no, done, head, STORAGE);
  }
  let turn = performance.now() + TURN_MS;
  for (const [seq, body] of bodies) {
    tell(Input.Found, no, seq, ...page.sized(body));
    if (performance.now() < turn) continue;
    await new Promise((next) => setTimeout(next));
    // Another life of the page adopts it anew.
    if (page.streams !== streams) return;
    turn = performance.now() + TURN_MS;
  }
  for (const [key, value] of notes) {
    const kind = key[id.length + 1] === 's' ? Input.FoundStamp : Input.FoundLoss;
    tell(kind, no, ...numbers(value).slice(2));
  }
  tell(Input.Adopted, no);
};

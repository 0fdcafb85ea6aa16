/** Adoption: a later page sends what a page that is gone left behind, under its old names, then forgets it. */

import { laneOf } from './lane';
import { entries } from './notes';
import type { Page, Stream, Tell } from './types';
import { Input, STORAGE, numbers } from './wasm';

/** Where there are no Web Locks: how long a stream must have been quiet to be taken for a dead page's. */
const QUIET_MS = 60_000;

/** Adopts every stream whose owner is gone. Copies are harmless, so it matters little if one was not. */
export const adopt = async (page: Page, tell: Tell): Promise<void> => {
  const ids = new Set<string>();
  for (const key of Object.keys(page.area ?? {})) {
    const id = /^([\da-f-]{36}):/.exec(key.startsWith(page.prefix) ? key.slice(page.prefix.length) : '')?.[1];
    if (id) ids.add(id);
  }
  for (const id of ids) {
    const known = () => page.streams.some((stream) => stream.id === id);
    if (!known() && (await isFree(page, id)) && !known()) take(page, id, tell);
  }
};

/** Takes the stream's lock and keeps it until the page leaves. */
const isFree = (page: Page, id: string): Promise<boolean> | boolean => {
  if (!navigator.locks) return newest(page, id) < Date.now() - QUIET_MS;
  return new Promise((answer) => {
    const granted = (held: Lock | null) => {
      answer(!!held);
      return held ? page.gone : undefined;
    };
    page.lock(id, { ifAvailable: true }, granted)?.then(() => answer(false));
  });
};

/** When its latest event was called, in Unix ms; 0 if it has none. */
const newest = (page: Page, id: string): number =>
  Math.max(
    0,
    ...entries(page, id).flatMap(([, value]) => value.split('\n').map((line) => parseInt(line.slice(5)) || 0)),
  );

const take = (page: Page, id: string, tell: Tell): void => {
  const stream = page.blank(id);
  const found: [seq: number, body: string][] = [];
  for (const [name, value] of entries(page, id)) {
    if (name === 'h') {
      stream.header = value;
      continue;
    }
    const [first, ...lines] = value.split('\n');
    const [below, head, from = 0] = numbers(first!) as [number, number, number?];
    if (!(below <= head)) {
      // Not written by us: goes with the rest of the stream.
      stream.keys.push([`${id}:${name}`, 0, 0]);
      continue;
    }
    stream.done = Math.max(stream.done, below);
    stream.head = Math.max(stream.head, head);
    if (/^\d/.test(name)) {
      lines.forEach((line, at) => line && found.push([from + at, line]));
      stream.keys.push([`${id}:${name}`, from, from + lines.length]);
    } else {
      stream.notes.set(`${id}:${name}`, value);
    }
  }
  found.sort(([a], [b]) => a - b);
  for (const [seq, body] of found) if (seq >= stream.done) stream.bodies.set(seq, body);
  announce(page, stream, tell);
};

/** Tells the core all that is held of a stream. */
export const announce = (page: Page, stream: Stream, tell: Tell): void => {
  const { bodies, done, head, id, no, notes } = stream;
  page.streams.push(stream);
  tell(Input.StreamFound, no, done, head, 0, laneOf(stream.header));
  if (!stream.header) {
    // Whom it was about is gone, so its events cannot be sent: they are named.
    stream.header = `"stream":"${id}"`;
    bodies.clear();
    tell(Input.FoundLoss, no, done, head, STORAGE);
  }
  for (const [seq, body] of bodies) tell(Input.Found, no, seq, ...page.sized(body));
  for (const [key, value] of notes) {
    const kind = key[id.length + 1] === 's' ? Input.FoundStamp : Input.FoundLoss;
    tell(kind, no, ...numbers(value).slice(2));
  }
  tell(Input.Adopted, no);
};

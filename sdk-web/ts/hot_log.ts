/**
 * The hot log: localStorage keys `hw1:<site>:<stream>:<i>`, each written once and never changed. The first line
 * of a value is `done,head,from`; the lines after it are the bodies of the events from `from` on (single-line
 * JSON without its opening brace), an empty line where an event is settled or named.
 */

import { read, remove, write } from './storage';
import { close, moment, open } from './stream';
import type { Page, Stream } from './types';

const put = (page: Page, stream: Stream, from: number, lines: string[]): boolean => {
  if (!stream.stored) return true;
  // Without locks another page may have taken this stream for a dead one's, and its header with it.
  if (!navigator.locks && read(page, stream.id + ':h') === null) write(page, stream.id + ':h', stream.header);
  const to = from + lines.length;
  const key = `${stream.id}:${stream.writes}`;
  if (!write(page, key, [`${moment(page, stream, to)},${from}`, ...lines].join('\n'))) return false;
  stream.writes++;
  stream.keys.push([key, from, to]);
  return true;
};

/** Appends `bodies` to the current stream. When this returns they are accepted. */
export const append = (page: Page, bodies: string[]): void => {
  if (!bodies.length) return;
  let stream = page.current ?? open(page, true);
  if (!put(page, stream, stream.head, bodies)) {
    // Begins a new stream, in memory: an event that is not kept must not share a name with one that may be.
    close(page);
    stream = open(page, false);
  }
  let seq = stream.head;
  for (const body of bodies) stream.bodies.set(stream.head++, body);
  for (; seq < stream.head; seq++) page.core?.appended(stream, seq);
};

/** The page emptied localStorage: writes again what it still holds, under new keys. */
export const restore = (page: Page): void => {
  for (const stream of page.streams) {
    const { id, own, stored, head, bodies, notes } = stream;
    if (!own || !stored || !(stream === page.current || bodies.size || notes.size)) continue;
    write(page, id + ':h', stream.header);
    const [from = head] = bodies.keys();
    put(page, stream, from, Array.from({ length: head - from }, (_, at) => bodies.get(from + at) ?? ''));
    notes.forEach((value, key) => write(page, key, value));
  }
};

/** Removes settled or named events; a key goes when nothing in it is held any more. */
export const forget = (page: Page, stream: Stream, from: number, to: number): void => {
  for (const seq of stream.bodies.keys()) if (seq >= from && seq < to) stream.bodies.delete(seq);
  stream.keys = stream.keys.filter(([key, first, end]) => {
    for (let seq = first; seq < end; seq++) if (stream.bodies.has(seq)) return true;
    remove(page, key);
    return false;
  });
};
